"""Brackets and quotes around a string."""

from __future__ import annotations


def encloses(text: str) -> bool:
    """Whether the first and the last character of a string belong together: not so in （甲）与（乙）."""
    opening, closing, inner = text[0], text[-1], text[1:-1]
    if opening == closing:
        return opening not in inner
    depth = 0
    for character in inner:
        depth += (character == opening) - (character == closing)
        if depth < 0:
            return False
    return depth == 0
