"""Marks put round the names of a triple in its text, so that an encoder is told where to look."""

from __future__ import annotations

from cacre.preprocessing.characters import fold
from cacre.preprocessing.mentions import find_mentions, nearest_pair
from cacre.types import Span, Triple

MARKERS = ("[S]", "[/S]", "[O]", "[/O]")
"""Before and after a subject, before and after an object; each is one token of its own."""


def mark_mentions(text: str, triple: Triple) -> str:
    """The text with `MARKERS` round the mentions of subject and object that stand closest together.

    A name that stands there only in part is marked as far as it does, one that does not at all is not marked. Entity
    markers as of Baldini Soares et al., 2019, "Matching the Blanks", placed in the text as PURE does.
    """
    folded = fold(text)
    subject, object_ = find_mentions(triple.subject, folded), find_mentions(triple.object, folded)
    nearest = nearest_pair(subject, object_)
    spans = nearest if nearest else (next(iter(subject.any), None), next(iter(object_.any), None))
    places: list[tuple[int, int, str]] = []
    for span, opening, closing in zip(spans, MARKERS[::2], MARKERS[1::2], strict=True):
        places += _borders(span, opening, closing)
    pieces, at = [], 0
    for place, _, marker in sorted(places):
        pieces += [text[at:place], marker]
        at = place
    return "".join((*pieces, text[at:]))


def _borders(span: Span | None, opening: str, closing: str) -> list[tuple[int, int, str]]:
    """Where the markers of a mention go; of two at one place a closing one comes first."""
    return [(span[0], 1, opening), (span[1], 0, closing)] if span else []
