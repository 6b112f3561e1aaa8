"""`json.loads` and `json_repair`, with a limit to what any string can cost them.

json_repair 0.64 needs minutes for some 60 kB strings (`["["["...`, 200 s) and seconds for some of 2 kB, for it looks
ahead again and again. So it is given a string that counts how often it is looked at and gives up after a fixed number
of looks: a limit in time would make results depend on the machine.
"""

from __future__ import annotations

import json
import re
from typing import SupportsIndex

import json_repair

_MOST_NESTED = 40
_BRACKETS = re.compile(r"[\[\]{}［］｛｝]")
_FREE_LOOKS = 100_000
_LOOKS_PER_CHARACTER = 6  # sound text costs 2 to 4
_MOST_LOOKS = 700_000  # some seconds at worst

_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|[“”][^“”"\n]*+[“”]?|[^"“”]+')
_OUTSIDE = re.compile(r"(?:[\s\[\]{}（）()［］｛｝,，、:：A-Za-z0-9_.+\-]|[\u4e00-\u9fff]{1,12}[:：])*+")
_NARROW = str.maketrans("［］｛｝，、：（）", "[]{},,:()")


class MendingError(Exception):
    """The text is no JSON, and json_repair cannot or may not make any of it."""


class Meter:
    """How often json_repair may still look at the text of one answer.

    Args:
        length: Length of the answer in characters.
    """

    def __init__(self, length: int) -> None:
        self.left = min(_FREE_LOOKS + _LOOKS_PER_CHARACTER * length, _MOST_LOOKS)


class _CountingText(str):
    """A string that raises `MendingError` once it has been indexed too often; pieces of it count on."""

    meter: Meter

    def counted(self, meter: Meter) -> _CountingText:
        self.meter = meter
        return self

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        piece = str.__getitem__(self, key)
        self.meter.left -= 1 + len(piece) // 500
        if self.meter.left < 0:
            raise MendingError
        return _CountingText(piece).counted(self.meter) if isinstance(key, slice) else piece

    def __add__(self, other: str) -> _CountingText:
        return _CountingText(str.__add__(self, other)).counted(self.meter)


def nested_too_deeply(text: str) -> bool:
    """Whether brackets stand deeper in each other than any answer needs."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth = depth + 1 if found[0] in "[{［｛" else max(0, depth - 1)
        if depth > _MOST_NESTED:
            return True
    return False


def load_strict(text: str) -> object:
    """Decode sound JSON; numbers stay as they are written, NaN and the infinities become None.

    Raises:
        MendingError: It is not sound.
    """
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise MendingError from None


def narrow_punctuation(text: str, *, quotes: bool = False) -> str:
    """Full-width brackets, commas and colons between strings as JSON wants them; strings stay untouched.

    Args:
        text: Broken JSON.
        quotes: Also take curly quotes that stand around a string for straight ones.
    """

    def narrow(piece: str) -> str:
        if piece[0] in "“”":
            return f'"{piece[1:-1]}"' if quotes and piece[-1] in "“”" and len(piece) > 1 else piece
        return piece.translate(_NARROW) if piece[0] != '"' and _OUTSIDE.fullmatch(piece) else piece

    return "".join(map(narrow, _STRING.findall(text.replace("＂", '"'))))


def mend(text: str, meter: Meter) -> object:
    """Decode broken JSON by way of json_repair.

    Args:
        text: Broken JSON.
        meter: What mending may still cost for this answer; used up by it.

    Raises:
        MendingError: It cannot, or it would take too long.
    """
    if _unevenly_nested(text):
        raise MendingError
    counting = _CountingText(text).counted(meter)
    try:
        return json_repair.loads(counting, skip_json_loads=True)
    except (ValueError, RecursionError):
        raise MendingError from None


def _unevenly_nested(text: str) -> bool:
    """Whether one kind of bracket alone opens too often: `{[}{[}` fools a count of all kinds."""
    for opening, closing in ("[]", "{}", "()"):
        depth = 0
        for found in re.finditer(f"[{re.escape(opening + closing)}]", text):
            depth = depth + 1 if found[0] == opening else max(0, depth - 1)
            if depth > _MOST_NESTED:
                return True
    return False
