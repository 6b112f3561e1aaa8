"""Explanations as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cacre.data import Row, to_candidates
from cacre.inference import OnnxVerifier
from cacre.inference.explanation import Attention, Comparison

_DIGITS = 5


def attention_content(attention: Attention) -> dict[str, Any]:
    """What `/v1/explain` answers; weights are rounded to 5 digits."""
    return {
        "triple": list(attention.triple),
        "window": list(attention.window),
        "text_tokens": [list(span) for span in attention.text_tokens],
        "triple_tokens": [
            {"part": token.part, "start": token.span[0], "end": token.span[1]} for token in attention.triple_tokens
        ],
        "weights": np.round(attention.weights, _DIGITS).tolist(),
    }


def with_comparisons(verifier: OnnxVerifier, row: Row, judged: Mapping[str, Any]) -> dict[str, Any]:
    """A judged row whose triples say what their scores are compared with.

    Args:
        verifier: Judged it.
        row: As it came.
        judged: The same with verdicts.
    """
    found = verifier.comparisons(to_candidates(row).candidates)
    triples = [
        {**triple, "comparison": _comparison(compared)}
        for triple, compared in zip(judged["triples"], found, strict=True)
    ]
    return {**judged, "triples": triples}


def _comparison(compared: Comparison) -> dict[str, Any]:
    return {
        "text_threshold": compared.text_threshold,
        "pair_threshold": compared.pair_threshold,
        "strategy": compared.strategy,
        "triples": [list(triple) for triple in compared.triples],
    }
