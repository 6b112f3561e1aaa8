"""Labelled candidates and what a verifier scores them: the columns that fitting and certifying start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from cacre.evaluation.curves import false_positives_removed_at_tpr, roc_auc
from cacre.evaluation.left_out import LeftOut
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
from cacre.schema import NOT_IN_SCHEMA, Schema
from cacre.types import Candidate, Triple


class Scorer(Protocol):
    """What fitting needs of a verifier."""

    schema: Schema
    rules: DecisionRules

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
        lists: Whether they are contrastive lists, of which only the right ones have a paraphrase.
    """

    text: str
    candidates: tuple[Candidate, ...]
    labels: tuple[bool | None, ...]
    missed_gold: int = 0
    lists: bool = False


@dataclass(frozen=True)
class JudgedColumns:
    """N judged candidates, with the scores that decide about them."""

    labels: Bools
    """[N]."""
    text: Ints
    """[N]; number of the text."""
    relation: Sequence[str]
    """[N]."""
    agreement: Floats
    """[N]; nan where unknown."""
    text_score: Floats
    """[N]."""
    pair_score: Floats
    """[N]; nan where there is none."""
    strategies: Sequence[str | None]
    """[N]; how each pair score was found."""

    def record(self, texts: int) -> dict[str, Any]:
        """What to note about the data."""
        return {
            "texts": texts,
            "candidates": len(self.labels),
            "true": int(self.labels.sum()),
            "text_auc": round(float(roc_auc(self.labels, self.text_score)), 4),
            "false_removed_at_tpr_974": round(float(false_positives_removed_at_tpr(self.labels, self.text_score)), 4),
        }


Part = tuple[Scorer, Sequence[LabelledText]]
"""Labelled texts, and the verifier that judges them under their schema."""


def judged_columns(*parts: Part) -> JudgedColumns:
    """Score the candidates that are judged, as they are scored when they are filtered.

    A paraphrase of contrastive lists is put aside: only right candidates have one, so that it would tell the label.

    Args:
        parts: Labelled candidates, and who gives the scores; those not judged are compared with, but left out.
    """
    rows = rows_of(parts)
    judged = _judged(rows)
    flat = [
        (candidate, score, verifier.schema) for verifier, part in parts for candidate, score in _scored(verifier, part)
    ]
    kept = [flat[place] for place in np.flatnonzero(judged).tolist()]
    return JudgedColumns(
        labels=np.asarray([label for row in rows for label in row.labels if label is not None], dtype=bool),
        text=np.repeat(text_numbers(rows), [len(row.labels) for row in rows])[judged],
        relation=[relation(candidate, schema) for candidate, _, schema in kept],
        agreement=_agreements(candidate for candidate, _, _ in kept),
        text_score=np.asarray([score.text_score for _, score, _ in kept], dtype=np.float64),
        pair_score=_pair_scores(score for _, score, _ in kept),
        strategies=[score.strategy for _, score, _ in kept],
    )


def rows_of(parts: Iterable[Part]) -> list[LabelledText]:
    """The rows of all parts, in order."""
    return [row for _, part in parts for row in part]


def other_pair_scores(parts: Sequence[Part], used: Iterable[str | None]) -> dict[str, Floats]:
    """Pair scores `[N]` of the judged candidates, by each strategy that decides about none of them and finds any.

    Args:
        parts: Labelled candidates, and who gives the scores.
        used: The strategies that decide.
    """
    judged, known = _judged(rows_of(parts)), set(used)
    found: dict[str, Floats] = {
        strategy: np.concatenate([_pair_scores_by(verifier, part, strategy) for verifier, part in parts])[judged]
        for strategy in ALL_STRATEGIES
        if strategy not in known
    }
    return {strategy: column for strategy, column in found.items() if np.isfinite(column).any()}


def _scored(verifier: Scorer, rows: Sequence[LabelledText]) -> Iterator[tuple[Candidate, Scores]]:
    for candidates, scores in verifier.score_as_read([(row.text, _decided_as(row)) for row in rows]):
        yield from zip(candidates, scores, strict=True)


def _judged(rows: Sequence[LabelledText]) -> Bools:
    return np.asarray([label is not None for row in rows for label in row.labels], dtype=bool)


def _decided_as(row: LabelledText) -> Sequence[Candidate]:
    return [replace(candidate, paraphrase=None) for candidate in row.candidates] if row.lists else row.candidates


def text_numbers(rows: Sequence[LabelledText]) -> Ints:
    """Number of each row's text, `[R]`: rows of one text are no independent evidence.

    Args:
        rows: The rows.
    """
    numbers: dict[str, int] = {}
    return np.asarray([numbers.setdefault(row.text, len(numbers)) for row in rows], dtype=np.int64)


def _pair_scores_by(verifier: Scorer, rows: Sequence[LabelledText], strategy: PairStrategy) -> Floats:
    """Pair scores `[N]` of all candidates by one strategy alone; nan where it finds nothing.

    A wrong candidate of a contrastive list has no paraphrase by the LLM; the schema's stands in for it.
    """
    allowed = _allowed(verifier)
    pairs = [(row.text, [_prepared(c, strategy, allowed) for c in row.candidates]) for row in rows]
    return _pair_scores(score for _, scores in verifier.score_as_read(pairs, (strategy,)) for score in scores)


def _pair_scores(scores: Iterable[Scores]) -> Floats:
    return np.asarray([np.nan if score.pair_score is None else score.pair_score for score in scores], dtype=np.float64)


def _agreements(candidates: Iterable[Candidate]) -> Floats:
    found = map(agreement, candidates)
    return np.asarray([np.nan if share is None else share for share in found], dtype=np.float64)


def _prepared(candidate: Candidate, strategy: PairStrategy, schema: Schema) -> Candidate:
    if strategy == "paraphrase" and candidate.paraphrase is None:
        return replace(candidate, paraphrase=schema.paraphrase(candidate.triple))
    return candidate


def acceptable(verifier: Scorer, rows: Sequence[LabelledText], label_source: LabelSource) -> tuple[ScoreTable, LeftOut]:
    """What the verifier may accept, with the scores that decide; and what the checks leave out.

    Candidates that fail a default check, as `cacre filter` applies it to what a candidate is read as, are left out, the
    right ones among them counted as missed; those that are not judged count as wrong. The schema of the checks is the
    one that the verifier was given, if any.

    Args:
        verifier: Gives the scores.
        rows: Labelled candidates.
        label_source: Who says what is right.
    """
    judged = verifier.score_as_read([(row.text, row.candidates) for row in rows])
    rules, allowed = DecisionRules(schema=verifier.rules.schema), _allowed(verifier)
    chosen: list[tuple[int, Candidate, bool, Scores]] = []
    reasons, unknown = Counter[str](), Counter[str]()
    numbers = text_numbers(rows)
    lengths = {int(number): len(row.text) for number, row in zip(numbers, rows, strict=True)}
    missed = np.zeros(len(lengths), dtype=np.int64)
    for number, row, (read, found) in zip(numbers.tolist(), rows, judged, strict=True):
        missed[number] += row.missed_gold
        normalised = normalise_mention(row.text)
        for candidate, label, score in zip(read, row.labels, found, strict=True):
            reason = check_candidate(candidate, normalised, allowed, rules) or check_modality(score, rules)
            if reason is None:
                chosen.append((number, candidate, label is True, score))
                continue
            missed[number] += label is True
            reasons[reason] += 1
            unknown.update([candidate.triple.predicate] if reason == NOT_IN_SCHEMA else [])
    table = _table(verifier, label_source, chosen, lengths, missed)
    return table, LeftOut(sum(len(row.labels) for row in rows), dict(reasons), dict(unknown), allowed.name)


def _table(
    verifier: Scorer,
    label_source: LabelSource,
    chosen: Sequence[tuple[int, Candidate, bool, Scores]],
    lengths: Mapping[int, int],
    missed: Ints,
) -> ScoreTable:
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


def _allowed(verifier: Scorer) -> Schema:
    """The schema that says what may be a relation, and in which words."""
    return verifier.rules.schema or verifier.schema
