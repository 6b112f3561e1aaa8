"""Characters that nobody sees: zero-width spaces and joiners, soft hyphens, byte order marks, marks of direction.

They get into texts from web pages and word processors, within names as well, and say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cacre.types import Span

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")


def visible(text: str) -> str:
    """The text without its invisible characters."""
    return _INVISIBLE.sub("", text)


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text without its invisible characters, and the way back.

    Args:
        text: What is seen.
        places: For each of its characters the offset in the original; None where nothing was left out.
    """

    text: str
    places: Sequence[int] | None = None

    @classmethod
    def of(cls, text: str) -> VisibleText:
        """What is seen of a text; all of it where nothing else is left."""
        seen = visible(text)
        if seen == text or not seen.strip():
            return cls(text)
        hidden = {place for found in _INVISIBLE.finditer(text) for place in range(*found.span())}
        return cls(seen, [place for place in range(len(text)) if place not in hidden])

    def original(self, span: Span) -> Span:
        """The span in the original, from its first visible character to its last; an empty one stays empty."""
        start, end = span
        if self.places is None or start >= end:
            return span
        return self.places[start], self.places[end - 1] + 1
