"""Which spans of the text speak for a triple: its names, the word that says the relation, or what it attends to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cacre.preprocessing.evidence import MARKS
from cacre.types import Span

_NAMES = tuple((MARKS.index(f"nearest_{role}"), MARKS.index(role)) for role in ("subject", "object"))
MAX_SPANS = 3
_FAINT = 0.1
"""Tokens with less than this part of the strongest token's weight are no evidence."""
_BRIDGE = 1
"""Gaps of at most so many characters inside a span are closed: a skipped character makes no new mention."""


def evidence_spans(
    attention: NDArray[np.floating],
    role_ids: NDArray[np.integer],
    offsets: NDArray[np.integer],
    roles: Sequence[int],
    max_spans: int = MAX_SPANS,
    mentions: NDArray[Any] | None = None,
    cues: NDArray[Any] | None = None,
) -> tuple[Span, ...]:
    """Turn the mentions of a triple, a cue word of its relation and the attention of its names into character spans.

    The mentions come first, then the cue word nearest to one of them. Attention is asked only where a name is not
    found: in a small model it blurs the borders of names, and beside two that are found it points at anything. As many
    text tokens are taken as the triple has tokens in `roles`, the strongest first; neighbours are merged, and a span
    weighs as much as its tokens together; one that touches a mention adds nothing.

    Args:
        attention: W_R `[L_R, L_T]`, weights of the text tokens for each triple token.
        role_ids: `[L_R]`, the role of each triple token.
        offsets: `[L_T, 2]`, character span of each text token; empty for special tokens.
        roles: Role ids to use, those of subject and object.
        max_spans: Most spans to give.
        mentions: `[L_T, 2]`, not 0 where the subject and where the object stands, if that is known.
        cues: `[L_T]`, not 0 at cue words of the relation.

    Returns:
        At most `max_spans` disjoint, non-empty spans [start, end), best first.
    """
    named = _mentioned(offsets, mentions) if mentions is not None else []
    cue = _nearest_cue(offsets, cues, named) if cues is not None and named else []
    found = mentions is not None and bool((mentions > 0).any(axis=0).all())
    attended = [] if found else _attended(attention, np.isin(role_ids, roles), offsets)
    known = [*named, *cue]
    spans = [*known, *(span for span in attended if not any(_touches(span, other) for other in known))]
    return tuple(spans[:max_spans])


def mention_marks(marks: NDArray[Any]) -> NDArray[np.bool_]:
    """`[L_T, M]` to `[L_T, 2]`: one mention of the subject and one of the object.

    Of the two that stand nearest to each other; of a name that stands there alone, the first one.
    """
    found = [
        marks[:, nearest] > 0 if (marks[:, nearest] > 0).any() else _first_run(marks[:, every] > 0)
        for nearest, every in _NAMES
    ]
    return np.stack(found, axis=1)


def _first_run(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    starts = marked & ~np.concatenate([[False], marked[:-1]])
    first: NDArray[np.bool_] = marked & (np.cumsum(starts) == 1)
    return first


def _touches(left: Span, right: Span) -> bool:
    return left[0] <= right[1] and right[0] <= left[1]


def _mentioned(offsets: NDArray[np.integer], mentions: NDArray[Any]) -> list[Span]:
    """The span of the subject and that of the object, as far as they are marked and lie apart."""
    spans: list[Span] = []
    for column in range(mentions.shape[1]):
        marked = offsets[mentions[:, column] > 0]
        if len(marked):
            span = (int(marked[:, 0].min()), int(marked[:, 1].max()))
            if not any(span[0] < end and start < span[1] for start, end in spans):
                spans.append(span)
    return spans


def _nearest_cue(offsets: NDArray[np.integer], cues: NDArray[Any], named: list[Span]) -> list[Span]:
    """The cue word that is nearest to a mention and no part of one, if there is any."""
    words: list[Span] = []
    for start, end in offsets[(cues > 0) & (offsets[:, 1] > offsets[:, 0])].tolist():
        if words and words[-1][1] == start:
            words[-1] = (words[-1][0], end)
        else:
            words.append((start, end))
    gaps = [min(max(s - end, start - e) for s, e in named) for start, end in words]
    apart = [(gap, word) for gap, word in zip(gaps, words, strict=True) if gap >= 0]
    return [min(apart)[1]] if apart else []


def _attended(attention: NDArray[np.floating], rows: NDArray[np.bool_], offsets: NDArray[np.integer]) -> list[Span]:
    real = offsets[:, 1] > offsets[:, 0]
    if not rows.any() or not real.any():
        return []
    weights = np.where(real, attention[rows].sum(axis=0, dtype=np.float64), 0.0)
    order = np.argsort(-weights, kind="stable")[: int(rows.sum())]
    strong = order[(weights[order] >= _FAINT * weights.max()) & (weights[order] > 0)]
    spans = _merge(offsets[strong], weights[strong])
    spans.sort(key=lambda item: (-item[1], item[0]))
    return [span for span, _ in spans]


def _merge(offsets: NDArray[np.integer], weights: NDArray[np.float64]) -> list[tuple[Span, float]]:
    merged: list[tuple[Span, float]] = []
    for index in np.lexsort((offsets[:, 1], offsets[:, 0])):
        start, end, weight = int(offsets[index, 0]), int(offsets[index, 1]), float(weights[index])
        if merged and start - merged[-1][0][1] <= _BRIDGE:
            (first, last), total = merged.pop()
            merged.append(((first, max(last, end)), total + weight))
        else:
            merged.append(((start, end), weight))
    return merged
