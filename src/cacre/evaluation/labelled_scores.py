"""Labelled candidates and what a verifier scores them: the columns that fitting and certifying start from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cacre.evaluation.curves import false_positives_removed_at_tpr, roc_auc
from cacre.evaluation.score_table import Bools, Floats, Ints, LabelSource, ScoreTable
from cacre.inference.decision import (
    DecisionRules,
    PairStrategy,
    Scores,
    agreement,
    check_candidate,
    check_modality,
    normalise_mention,
    relation,
)
from cacre.inference.pairing import ALL_STRATEGIES
from cacre.schema import Schema
from cacre.types import Candidate, Triple


class Scorer(Protocol):
    """What fitting needs of a verifier."""

    schema: Schema

    def score_as_read(
        self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]], strategies: Sequence[PairStrategy] = ...
    ) -> Sequence[tuple[Sequence[Candidate], Sequence[Scores]]]:
        """For each text its candidates as the verifier reads them, and their scores by one of the pair strategies."""
        ...


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its candidates and whether each is true.

    Args:
        text: The text.
        candidates: What is scored.
        labels: True = supported, None = not judged; aligned with the candidates.
        missed_gold: Gold triples that no candidate proposes.
    """

    text: str
    candidates: tuple[Candidate, ...]
    labels: tuple[bool | None, ...]
    missed_gold: int = 0


@dataclass(frozen=True)
class JudgedColumns:
    """N judged candidates, scored once for each of C pair strategies."""

    labels: Bools
    """[N]."""
    text: Ints
    """[N]; number of the text."""
    relation: Sequence[str]
    """[N]."""
    agreement: Floats
    """[N]; nan where unknown."""
    copies: int
    """C."""
    text_score: Floats
    """[C * N]."""
    pair_score: Floats
    """[C * N]; nan where there is none."""
    strategies: Sequence[str | None]
    """[C * N]."""

    def tiled(self, column: npt.ArrayLike) -> npt.NDArray[Any]:
        """A column [N] once for each copy."""
        return np.tile(np.asarray(column), self.copies)

    def record(self, texts: int) -> dict[str, Any]:
        """What to note about the data."""
        scores = self.text_score[: len(self.labels)]
        return {
            "texts": texts,
            "candidates": len(self.labels),
            "true": int(self.labels.sum()),
            "text_auc": round(float(roc_auc(self.labels, scores)), 4),
            "false_removed_at_tpr_974": round(float(false_positives_removed_at_tpr(self.labels, scores)), 4),
        }


def judged_columns(verifier: Scorer, rows: Sequence[LabelledText]) -> JudgedColumns:
    """Score the candidates that are judged, once for each pair strategy that finds anything.

    Args:
        verifier: Gives the scores.
        rows: Labelled candidates; those not judged are compared with, but left out.
    """
    judged = np.asarray([label is not None for row in rows for label in row.labels], dtype=bool)
    parts = {strategy: _scores(verifier, rows, strategy) for strategy in ALL_STRATEGIES}
    used = [part for part in parts.values() if np.isfinite(part[1][judged]).any()] or [parts["schema"]]
    kept = np.flatnonzero(judged).tolist()
    candidates = used[0][3]  # the reading does not depend on what a candidate is compared with
    return JudgedColumns(
        labels=np.asarray([label for row in rows for label in row.labels if label is not None], dtype=bool),
        text=np.repeat(_text_numbers(rows), [len(row.labels) for row in rows])[judged],
        relation=[relation(candidates[place], verifier.schema) for place in kept],
        agreement=_agreements(candidates[place] for place in kept),
        copies=len(used),
        text_score=np.concatenate([part[0][judged] for part in used]),
        pair_score=np.concatenate([part[1][judged] for part in used]),
        strategies=[part[2][place] for part in used for place in kept],
    )


def _text_numbers(rows: Sequence[LabelledText]) -> Ints:
    """Number of each row's text, `[R]`: rows of one text are no independent evidence."""
    numbers: dict[str, int] = {}
    return np.asarray([numbers.setdefault(row.text, len(numbers)) for row in rows], dtype=np.int64)


def _scores(
    verifier: Scorer, rows: Sequence[LabelledText], strategy: PairStrategy
) -> tuple[Floats, Floats, list[str | None], list[Candidate]]:
    """Text scores `[N]`, pair scores `[N]` (nan where there is none), strategy names, and the candidates as read."""
    pairs = [(row.text, [_prepared(c, strategy, verifier.schema) for c in row.candidates]) for row in rows]
    found = verifier.score_as_read(pairs, (strategy,))
    read = [candidate for candidates, _ in found for candidate in candidates]
    flat = [score for _, scores in found for score in scores]
    names: list[str | None] = [score.strategy for score in flat]
    return np.asarray([score.text_score for score in flat]), _pair_scores(flat), names, read


def _pair_scores(scores: Iterable[Scores]) -> Floats:
    return np.asarray([np.nan if score.pair_score is None else score.pair_score for score in scores], dtype=np.float64)


def _agreements(candidates: Iterable[Candidate]) -> Floats:
    found = map(agreement, candidates)
    return np.asarray([np.nan if share is None else share for share in found], dtype=np.float64)


def _prepared(candidate: Candidate, strategy: PairStrategy, schema: Schema) -> Candidate:
    if strategy == "paraphrase" and candidate.paraphrase is None:
        return replace(candidate, paraphrase=schema.paraphrase(candidate.triple))
    return candidate


def acceptable(verifier: Scorer, rows: Sequence[LabelledText], label_source: LabelSource) -> ScoreTable:
    """What the verifier may accept, with the scores that decide.

    Candidates that fail a default check, as `cacre filter` applies it to what a candidate is read as, are left out, the
    right ones among them counted as missed; those that are not judged count as wrong.

    Args:
        verifier: Gives the scores.
        rows: Labelled candidates.
        label_source: Who says what is right.
    """
    judged = verifier.score_as_read([(row.text, row.candidates) for row in rows])
    rules = DecisionRules()
    chosen: list[tuple[int, Candidate, bool, Scores]] = []
    numbers = _text_numbers(rows)
    lengths = {int(number): len(row.text) for number, row in zip(numbers, rows, strict=True)}
    missed = np.zeros(len(lengths), dtype=np.int64)
    for number, row, (read, found) in zip(numbers.tolist(), rows, judged, strict=True):
        missed[number] += row.missed_gold
        normalised = normalise_mention(row.text)
        for candidate, label, score in zip(read, row.labels, found, strict=True):
            if not (check_candidate(candidate, normalised, verifier.schema, rules) or check_modality(score, rules)):
                chosen.append((number, candidate, label is True, score))
            else:
                missed[number] += label is True
    unknown = np.full(len(chosen), np.nan)
    return ScoreTable(
        label_source=label_source,
        text=np.asarray([number for number, _, _, _ in chosen], dtype=np.int64),
        labels=np.asarray([label for _, _, label, _ in chosen], dtype=bool),
        text_score=np.asarray([score.text_score for _, _, _, score in chosen], dtype=np.float64),
        pair_score=_pair_scores(score for _, _, _, score in chosen),
        strategy=[score.strategy for _, _, _, score in chosen],
        relation=[relation(candidate, verifier.schema) for _, candidate, _, _ in chosen],
        text_length=np.asarray([lengths[number] for number, _, _, _ in chosen], dtype=np.int64),
        missed_gold=missed,
        probability=unknown,
        agreement=_agreements(candidate for _, candidate, _, _ in chosen),
        error_kind=[None] * len(chosen),
        seen=unknown,
    )
