"""Which spans of the text a triple attends to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cacre.types import Span

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
) -> tuple[Span, ...]:
    """Turn the attention of the subject and object tokens into character spans of the text.

    As many text tokens are taken as the triple has tokens in `roles`, the strongest first; neighbours are merged, and
    a span weighs as much as its tokens together.

    Args:
        attention: W_R `[L_R, L_T]`, weights of the text tokens for each triple token.
        role_ids: `[L_R]`, the role of each triple token.
        offsets: `[L_T, 2]`, character span of each text token; empty for special tokens.
        roles: Role ids to use, those of subject and object.
        max_spans: Most spans to give.

    Returns:
        At most `max_spans` disjoint, non-empty spans [start, end), best first.
    """
    rows = np.isin(role_ids, roles)
    real = offsets[:, 1] > offsets[:, 0]
    if not rows.any() or not real.any():
        return ()
    weights = np.where(real, attention[rows].sum(axis=0, dtype=np.float64), 0.0)
    order = np.argsort(-weights, kind="stable")[: int(rows.sum())]
    strong = order[(weights[order] >= _FAINT * weights.max()) & (weights[order] > 0)]
    spans = _merge(offsets[strong], weights[strong])
    spans.sort(key=lambda item: (-item[1], item[0]))
    return tuple(span for span, _ in spans[:max_spans])


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
