"""Answers in JSON: where it stands in the answer, and whether it is a draft, the answer, or the beginning of one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cacre.extraction.parsing.bounded_repair import MendingError, Meter, load_strict, mend, narrow_punctuation
from cacre.extraction.parsing.names import label_before, role_called
from cacre.extraction.parsing.parts import BLANK
from cacre.extraction.parsing.reading import ListName, Reading
from cacre.extraction.parsing.shapes import Shapes
from cacre.extraction.parsing.versions import Versions
from cacre.extraction.parsing.wrapping import without_fences
from cacre.extraction.values import AnswerKind
from cacre.types import Span

_START = re.compile(
    r"""\[(?:\s*[\[{(［｛（])*\s*["“”'＂\]］]|［(?:\s*[\[{(［｛（])*\s*["“”'＂\]］]
    |\[\s*(?:true|false|null|None)\b|[{｛]\s*(?:["“”'＂}｝]|\w{1,40}\s*[:：])|[\[［](?:\s*[\[［])*\s*[{｛]\s*(?:["“”'＂}｝]|\w{1,40}\s*[:：])""",
    re.X,
)
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|[\[\]{}［］｛｝]')
_EMPTY = re.compile(r"""\[\s*\]|\{\s*\}|null|None|["']\s*["']|无""")
_FIRST_KEY = re.compile(r"""[{｛]\s*["'“＂]?([^"'”“＂:：\[\]{}]{1,40})["'”＂]?\s*[:：]""")
_FIRST_SCALAR = re.compile(r"""[\[［]\s*(?:["'“＂](?!\s*[\[(（【])|[\d\-]|null|None)""")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of an answer that looks like JSON.

    Args:
        start: Offset of its first character in the answer.
        text: Its characters.
        open_at: Offsets in `text` of the brackets that never close, the outermost first.
    """

    start: int
    text: str
    open_at: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """Offset behind its last character in the answer."""
        return self.start + len(self.text)


def read_whole(text: str, kind: AnswerKind) -> Reading | None:
    """Read an answer that is sound JSON and nothing else; None if it is not.

    A JSON object that was put into a JSON string once more is read too.
    """
    stripped = text.strip(BLANK)
    if stripped[:1] not in ("{", "[", '"'):
        return None
    reading = Reading()
    try:
        value = load_strict(stripped)
        if isinstance(value, str):
            reading.repairs["json in a string"] += 1
            value = load_strict(value)
    except MendingError:
        return None
    if not isinstance(value, list | dict):
        return None
    Shapes(reading, kind).read(value, "triples")
    return reading


def find_blocks(content: str, span: Span) -> list[Block]:
    """The stretches of `content[span]` that look like JSON, in order."""
    blocks: list[Block] = []
    at, limit = span
    while found := _START.search(content, at, limit):
        start, stack, end = found.start(), [], 0
        for token in _TOKEN.finditer(content, start, limit):
            if token[0] in "[{［｛":
                stack.append(token.start() - start)
            elif token[0] in "]}］｝":
                stack.pop()
                if not stack:
                    end = token.end()
                    break
        if not end:
            return [*blocks, Block(start, content[start:limit].rstrip(), tuple(stack))]
        blocks.append(Block(start, content[start:end]))
        at = end
    return blocks


def read_blocks(content: str, blocks: list[Block], kind: AnswerKind) -> Reading:
    """Read the JSON of an answer.

    Blocks with nothing but white space and commas between them belong together, as in one triple a line, and so do
    blocks that hold different lists, or of which none repeats another, as with one block a relation. Where the words
    before a block say that it is the answer, it replaces all before it; where they say that it is a draft, the next one
    replaces it; and so does one that repeats a triple of it. One that is cut off or a bare `[]` replaces none.
    """
    versions, end, meter = Versions(), 0, Meter(len(content))
    for block in blocks:
        gap, end = without_fences(content[end : block.start]), block.end
        reading = _read_block(block, kind, label_before(gap) or "triples", meter)
        versions.add(reading, gap, bare_list=block.text[0] in "[［", raw=block.text)
    return versions.answer()


def _read_block(block: Block, kind: AnswerKind, name: ListName, meter: Meter) -> Reading:
    reading = Reading()
    text, cut = block.text, False
    if block.open_at:
        text, cut_piece = _without_cut_end(block)
        cut = bool(cut_piece) or block.text[-1:] not in ("]", "}", "］", "｝")
        if cut_piece:
            reading.fail(cut_piece, "json cut off")
        if cut:
            reading.repairs["json cut off"] += 1
    try:
        value, source = _load(text, reading, cut, meter)
    except MendingError:
        reading.fail(text, "json that cannot be mended")
        return reading
    Shapes(reading, kind, source).read(value, name, block.start)
    if cut or (source and not _EMPTY.search(source)):
        reading.empty = False  # `[...]` is mended to an empty list
    return reading


def _load(text: str, reading: Reading, cut: bool, meter: Meter) -> tuple[object, str | None]:
    """The value of a block, and the text it was mended from; None where nothing was mended but punctuation."""
    narrow = narrow_punctuation(text)
    for name, attempt in (
        ("", text),
        ("full-width punctuation", narrow),
        ("curly quotes", narrow_punctuation(text, quotes=True)),
    ):
        try:
            value = load_strict(attempt)
        except MendingError:
            continue
        if name:
            reading.repairs[name] += 1
        return value, None
    value = mend(narrow, meter)
    if not isinstance(value, list | dict):
        raise MendingError
    if not cut:
        reading.repairs["json mended"] += 1
    return value, narrow


def _without_cut_end(block: Block) -> tuple[str, str]:
    """A block that never closes without the triple in which it breaks off, and that triple.

    The triple is the outermost open bracket that holds parts of a triple; where the last character closes a bracket or
    nothing but brackets is open, no triple is broken.
    """
    text = block.text
    last = max(text.rfind(closer) for closer in "]}］｝")
    tail = text[last + 1 :]
    if not re.search(r"""["'“”＂\[{［｛\w]""", tail):
        return text[: last + 1], ""
    for start in block.open_at:
        key = _FIRST_KEY.match(text, start)
        if _FIRST_SCALAR.match(text, start) or (key and role_called(key[1].strip())):
            return text[:start], text[start:]
    return text, ""
