"""Write src/cacre/resources/simplified.txt, the characters of `cacre.simplified`, from OpenCC.

python docs/tools/simplified.py
"""

from __future__ import annotations

from pathlib import Path

from opencc import OpenCC

TABLE = Path(__file__).resolve().parents[2] / "src" / "cacre" / "resources" / "simplified.txt"
_HAN = (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))
_NEVER_IN_SIMPLIFIED = "於後"
"""GB 2312 has them, for surnames and names of places; what else it has is written in simplified texts too (乾, 徵)."""


def pairs() -> list[tuple[str, str]]:
    """(traditional, simplified) of the characters that stand in texts of one script only."""
    convert = OpenCC("t2s").convert
    found = [(character, convert(character)) for character in map(chr, _HAN)]
    kept = {
        old: new
        for old, new in found
        if old != new and len(new) == 1 and new <= "\uffff" and (old in _NEVER_IN_SIMPLIFIED or not _in_gb2312(old))
    }
    # 薴 is 苧 in simplified characters, which is traditional for 苎 too: to be compared, all three are one.
    return [(old, kept.get(new, new)) for old, new in kept.items()]


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def content() -> str:
    """The file: a comment, the traditional characters, the simplified ones in the same order."""
    traditional, simplified = zip(*pairs(), strict=True)
    head = (
        "# Made by docs/tools/simplified.py from the tables of OpenCC (https://github.com/BYVoid/OpenCC), Apache-2.0."
    )
    return "\n".join((head, "".join(traditional), "".join(simplified), ""))


if __name__ == "__main__":
    TABLE.write_text(content(), encoding="utf-8")
