"""From probabilities of starts and ends to spans, and from spans to scores; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cacre.baselines.extractors.windows import TokenSpan

Array = NDArray[Any]


class ScoredSpan(NamedTuple):
    """A span with the lower of the probabilities of its start and its end."""

    span: TokenSpan
    score: float


class FoundLink(NamedTuple):
    """A link that was found, with its score in [0, 1]: the product of the scores of the decisions it rests on."""

    subject: TokenSpan
    tag: int
    object: TokenSpan
    score: float


def pair_spans(starts: Array, ends: Array, threshold: float) -> list[ScoredSpan]:
    """Pair each start with the nearest end at or after it, as CasRel does.

    Args:
        starts: `[L]`, probability that a token starts a span; 0 at special tokens and padding.
        ends: `[L]`, probability that it ends one.
        threshold: Least probability of both.
    """
    last = np.flatnonzero(ends > threshold)
    found = []
    for first in np.flatnonzero(starts > threshold):
        place = int(np.searchsorted(last, first))
        if place < len(last):
            span = TokenSpan(int(first), int(last[place]))
            found.append(ScoredSpan(span, float(min(starts[first], ends[span.last]))))
    return found


def tagged_spans(starts: Array, ends: Array, threshold: float) -> list[tuple[int, ScoredSpan]]:
    """`pair_spans` for each tag: `[L, K]` twice -> (tag, span), tag by tag."""
    hit = np.flatnonzero((starts > threshold).any(axis=0) & (ends > threshold).any(axis=0))
    return [(int(tag), span) for tag in hit for span in pair_spans(starts[:, tag], ends[:, tag], threshold)]


Subject = tuple[int, ScoredSpan]
"""Row of a batch, and the span."""


def find_subjects(starts: Array, ends: Array, threshold: float) -> list[Subject]:
    """Probabilities `[B, L, 1]` of starts and ends -> the subjects of all rows."""
    pairs = enumerate(zip(starts[..., 0], ends[..., 0], strict=True))
    return [(row, span) for row, (start, end) in pairs for span in pair_spans(start, end, threshold)]


def link_objects(size: int, subjects: Sequence[Subject], objects: Array, threshold: float) -> list[list[FoundLink]]:
    """The links of each of `size` rows, from the object probabilities `[2, S, L, K]` of S subjects."""
    found: list[list[FoundLink]] = [[] for _ in range(size)]
    for (row, subject), starts, ends in zip(subjects, objects[0], objects[1], strict=True):
        for tag, other in tagged_spans(starts, ends, threshold):
            found[row].append(FoundLink(subject.span, tag, other.span, subject.score * other.score))
    return found
