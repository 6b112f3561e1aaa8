"""A text with its evidence marked, whole or shortened around it, for tables and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from cacre.types import Span

ELLIPSIS = "…"


class Segment(NamedTuple):
    """A piece of a text.

    Args:
        text: The characters.
        marked: Whether they are evidence.
    """

    text: str
    marked: bool


def segments(text: str, spans: Iterable[Span]) -> list[Segment]:
    """Cut a text where evidence begins and ends; the pieces together are the text.

    Args:
        text: The text.
        spans: Character spans in any order; they may overlap, and what lies outside the text is cut off.
    """
    return _cut(text, (0, len(text)), _merge(text, spans))


def excerpt(text: str, spans: Sequence[Span], room: int) -> list[Segment]:
    """Shorten a text to its evidence and as much around it as fits, with `…` for what is left out.

    Args:
        text: The text.
        spans: Character spans, best first; when not even the evidence fits, the last ones are given up.
        room: Most characters of the result, at least 3.
    """
    if len(text) <= room:
        return segments(text, spans)
    for count in range(len(spans), 0, -1):
        marked = _merge(text, spans[:count])
        for context in range(room if marked else -1, -1, -1):
            windows = _merge(text, ((start - context, end + context) for start, end in marked), gap=1)
            if _cost(text, windows) <= room:
                return _render(text, windows, marked)
    marked = _merge(text, spans[:1])
    start = marked[0][0] if marked else 0
    end = min(len(text), start + room - 1 - (start > 0))
    return _render(text, [(start, end)], marked)


def _merge(text: str, spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """Sorted, disjoint, non-empty spans inside the text; those at most `gap` characters apart become one."""
    merged: list[Span] = []
    for start, end in sorted((max(0, start), min(len(text), end)) for start, end in spans):
        if merged and start <= merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return merged


def _cost(text: str, windows: list[Span]) -> int:
    gaps = len(windows) - 1 + (windows[0][0] > 0) + (windows[-1][1] < len(text))
    return sum(end - start for start, end in windows) + gaps


def _render(text: str, windows: list[Span], marked: list[Span]) -> list[Segment]:
    pieces: list[Segment] = []
    for window in windows:
        if window[0] > 0:
            pieces.append(Segment(ELLIPSIS, False))
        pieces += _cut(text, window, marked)
    return [*pieces, Segment(ELLIPSIS, False)] if windows[-1][1] < len(text) else pieces


def _cut(text: str, window: Span, marked: list[Span]) -> list[Segment]:
    first, last = window
    inside = [(max(first, start), min(last, end)) for start, end in marked if start < last and end > first]
    ends = [first, *(offset for span in inside for offset in span), last]
    # Pieces between the offsets are in turn plain and marked.
    pieces = (Segment(text[a:b], bool(i % 2)) for i, (a, b) in enumerate(pairwise(ends)))
    return [piece for piece in pieces if piece.text]
