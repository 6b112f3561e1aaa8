"""`whole_part`: what is whole of an answer that the server cut off."""

from __future__ import annotations

from cacre.extraction.parsing.json_answers import Block, find_blocks

TAIL = 200
"""Characters of the end of an answer that show where it was cut off."""


def whole_part(content: str) -> tuple[str, str]:
    """An answer that was cut off without the piece that may lack its end, and that piece.

    The piece is the item of a list in which JSON breaks off, else the member of its object, else the last line. Where
    the answer ends with something whole, its end is shown in place of a piece.

    Args:
        content: The answer, as it came.
    """
    blocks = find_blocks(content, (0, len(content)))
    at = content.rfind("\n") + 1
    if blocks:
        last = blocks[-1]
        at = last.start + _broken_at(last) if last.open_at else max(at, last.end)
    return content[:at], content[at:].strip() or content[-TAIL:]


def _broken_at(block: Block) -> int:
    """Offset in a block that never closes of the item or member in which it breaks off."""
    lists = [number for number, at in enumerate(block.open_at) if block.text[at] in "[［"]
    if lists and lists[0] + 1 < len(block.open_at):
        return block.open_at[lists[0] + 1]
    return max(block.text.rfind(character) + 1 for character in ",，[{［｛]}］｝")
