"""Traditional Chinese characters as simplified ones, character by character, so that offsets stay what they were."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def simplify(text: str) -> str:
    """The text with simplified characters in the place of traditional ones; as long as before.

    What the simplified script writes too stays (乾, 徵): this compares and reads, it is no translation, for which words
    would have to be known. The characters are those of OpenCC.
    """
    return text if text.isascii() else text.translate(table())


@cache
def table() -> dict[int, str]:
    """Traditional character, by its number, to simplified character."""
    _, traditional, simplified = (
        files("cacre.resources").joinpath("simplified.txt").read_text(encoding="utf-8").splitlines()
    )
    return dict(zip(map(ord, traditional), simplified, strict=True))
