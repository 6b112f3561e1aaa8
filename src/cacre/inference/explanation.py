"""Why a triple has the scores it has: where it looks in the text, and what its scores are compared with."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cacre.inference.decision import DecisionRules, PairStrategy, relation
from cacre.inference.pairing import plan_companions
from cacre.inference.scoring import Scorer
from cacre.inference.thresholds import OFF, Thresholds
from cacre.preprocessing.invisible import VisibleText
from cacre.schema import Schema
from cacre.types import Candidate, Span, Triple


@dataclass(frozen=True, slots=True)
class TripleToken:
    """A token of a triple.

    Args:
        part: `subject`, `predicate` or `object`.
        span: Character offsets [start, end) into that part of the triple that was read.
    """

    part: str
    span: Span


@dataclass(frozen=True, slots=True)
class Attention:
    """How much a token of a triple looks at a token of the text: W_R, equation (3), or a reader's own weights.

    Args:
        triple: What was read: in the direction of the schema, without invisible characters.
        window: Character offsets [start, end) of the stretch of the text that was read with the triple.
        text_tokens: Character offsets into the text, L_T of them.
        triple_tokens: L_R of them; the last ones of a part that is too long for the model are missing.
        weights: `[L_R, L_T]`, in [0, 1]. A row sums to 1 less what special tokens take.
    """

    triple: Triple
    window: Span
    text_tokens: tuple[Span, ...]
    triple_tokens: tuple[TripleToken, ...]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the scores of a candidate are compared with.

    Args:
        text_threshold: Smallest `text_score` that is kept; None if it is off.
        pair_threshold: Smallest `pair_score` that is kept; None if it is off, or there is no such score.
        strategy: How the triples behind `pair_score` were found; None if there are none.
        triples: Those triples.
    """

    text_threshold: float | None
    pair_threshold: float | None
    strategy: PairStrategy | None
    triples: tuple[Triple, ...]


def attention_of(scorer: Scorer, text: VisibleText, triple: Triple) -> Attention:
    """Run one pair and keep its attention.

    Args:
        scorer: The three graphs.
        text: What is seen of the text; of a long one, the window that has the triple's names closest together is read.
        triple: The triple.
    """
    window, features, weights = scorer.attend(text.text, triple)
    tokens: list[TripleToken] = []
    rows: list[int] = []
    for role, (part, value) in enumerate(zip(Triple._fields, triple, strict=True), start=1):
        placed = np.flatnonzero(features.role_ids == role).tolist()
        spans = scorer.featurizer.tokenizer.encode(value, add_special_tokens=False).offsets
        tokens += [TripleToken(part, span) for span in spans[: len(placed)]]
        rows += placed[: len(spans)]  # the model reads the name as the text writes it, which may be longer
    columns = np.flatnonzero(window.offsets[:, 1] > window.offsets[:, 0])
    spans_of_text = tuple(text.original((int(start), int(end))) for start, end in window.offsets[columns])
    return Attention(
        triple,
        text.original((window.start, window.start + len(window.scan.text))),
        spans_of_text,
        tuple(tokens),
        weights[rows][:, columns].astype(np.float64),
    )


def comparisons(
    candidates: Sequence[Candidate],
    schema: Schema,
    thresholds: Thresholds,
    rules: DecisionRules,
    new_relations: Container[str] = (),
) -> list[Comparison]:
    """What the scores of the candidates of one text are compared with; runs no model.

    Args:
        candidates: All candidates of the text.
        schema: The relation schema that scores.
        thresholds: The fitted thresholds.
        rules: Thresholds that replace them.
        new_relations: Names of relations that the model has not learned.

    Returns:
        One per candidate, in their order.
    """
    found = []
    for candidate, companions in zip(candidates, plan_companions(candidates, schema), strict=True):
        fitted = thresholds.of(new_relation=relation(candidate, schema) in new_relations)
        tau_1 = fitted.text_threshold if rules.text_threshold is None else rules.text_threshold
        tau_2 = fitted.pair_threshold(companions.strategy)
        if companions.strategy is not None and rules.pair_threshold is not None:
            tau_2 = rules.pair_threshold
        found.append(Comparison(_on(tau_1), _on(tau_2), companions.strategy, companions.triples))
    return found


def _on(threshold: float) -> float | None:
    return threshold if threshold > OFF else None
