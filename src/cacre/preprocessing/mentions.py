"""Where a name stands in a text, exactly or in part, and how far apart two spans are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cacre.preprocessing.characters import fold, strip_title_marks
from cacre.types import Span

FAR = 99.0
"""Distance to something that is not there; larger distances count as this one."""
_MOST_SPANS, _LONGEST_PART = 20, 40
_HEAD = 60
"""Parts are looked for in this many first characters of a name."""


@dataclass(frozen=True)
class Mentions:
    """Where a name stands in a text.

    Args:
        spans: Exact occurrences, case, width and 《》 folded; empty if there is none.
        part: Longest part of the name that occurs, when the whole does not.
        coverage: Its share of the name's characters; 1 for an exact occurrence.
    """

    spans: tuple[Span, ...]
    part: Span | None
    coverage: float

    @property
    def any(self) -> tuple[Span, ...]:
        """Exact spans, else the partial one, else nothing."""
        return self.spans or ((self.part,) if self.part else ())


def find_mentions(name: str, folded_text: str) -> Mentions:
    """Find a name in a folded text; at most 20 exact occurrences are returned. A blank name stands nowhere."""
    needle = fold(strip_title_marks(name))
    spans = find_all(needle, folded_text, _MOST_SPANS)
    if spans:
        return Mentions(tuple(spans), None, 1.0)
    part = _longest_part(needle, folded_text)
    return Mentions((), part, (part[1] - part[0]) / len(needle) if part else 0.0)


def find_all(needle: str, text: str, limit: int | None = None) -> list[Span]:
    """Spans of the occurrences that do not overlap, from the left; an empty `needle` occurs nowhere."""
    spans: list[Span] = []
    at = text.find(needle) if needle else -1
    while at >= 0 and (limit is None or len(spans) < limit):
        spans.append((at, at + len(needle)))
        at = text.find(needle, at + len(needle))
    return spans


def _longest_part(needle: str, text: str) -> Span | None:
    """First occurrence of the longest part of a name that occurs; of equally long parts, the leftmost in the name."""
    head = needle[:_HEAD]
    best, where = 0, -1
    for start in range(len(head)):
        # A part beats the best one only if its first best + 1 characters occur: at most 2 * len(head) searches.
        while best < min(len(head) - start, _LONGEST_PART):
            at = text.find(head[start : start + best + 1])
            if at < 0:
                break
            best, where = best + 1, at
    return (where, where + best) if best else None


def nearest_pair(subject: Mentions, object_: Mentions) -> tuple[Span, Span] | None:
    """The subject and object mention that stand closest together; distinct spans win over overlapping ones."""
    pairs = [(s, o) for s in subject.any for o in object_.any]
    if len(pairs) < 2:
        return pairs[0] if pairs else None
    return min(pairs, key=_closeness)


def _closeness(pair: tuple[Span, Span]) -> tuple[bool, int, tuple[Span, Span]]:
    between = gap(*pair)
    return between < 0, abs(between), pair


def gap(a: Span, b: Span) -> int:
    """Characters between two spans; negative when they overlap."""
    return max(a[0], b[0]) - min(a[1], b[1])


def distance(span: Span, others: Sequence[Span]) -> float:
    """Characters between a span and the nearest of others, 0 when they touch or overlap, `FAR` if there are none."""
    return max(0.0, float(min((gap(span, other) for other in others), default=FAR)))
