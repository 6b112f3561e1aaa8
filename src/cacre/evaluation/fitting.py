"""Labelled candidates and a verifier to `thresholds.json`: tau_1, one tau_2 per pair strategy, a calibration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from cacre.data.conversion import CandidateSet
from cacre.data.normalisation import normalise_triple
from cacre.errors import DataError
from cacre.evaluation.calibration import fit_calibration
from cacre.evaluation.curves import false_positives_removed_at_tpr, roc_auc
from cacre.evaluation.thresholds import fit_thresholds
from cacre.files import atomic_writer
from cacre.inference.decision import PairStrategy, Scores
from cacre.inference.thresholds import Thresholds
from cacre.schema import Schema
from cacre.types import Candidate, Example, Triple

Labels = Literal["lists", "gold"]


class Scorer(Protocol):
    """What fitting needs of a verifier."""

    schema: Schema

    def score_many(
        self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]], strategies: Sequence[PairStrategy] = ...
    ) -> list[list[Scores]]:
        """Scores of each candidate, with one of the given pair strategies."""
        ...


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its candidates and whether each is true.

    Args:
        text: The text.
        candidates: What is scored.
        labels: True = supported; aligned with the candidates.
        missed_gold: Gold triples that no candidate proposes.
    """

    text: str
    candidates: tuple[Candidate, ...]
    labels: tuple[bool, ...]
    missed_gold: int = 0


def label_by_lists(example: Example) -> LabelledText:
    """Anchors are true, negatives are false: labels that need no annotator (A29 b)."""
    wrong = [
        triple for triple in dict.fromkeys((*example.negatives, *example.hard)) if triple not in set(example.anchors)
    ]
    pairs = dict(zip(example.anchors, example.positives, strict=True))
    right = [Candidate(anchor, paraphrase=positive) for anchor, positive in pairs.items()]
    return LabelledText(example.text, (*right, *map(Candidate, wrong)), (True,) * len(right) + (False,) * len(wrong))


def label_by_gold(text: str, candidates: Sequence[Candidate], gold: Sequence[Triple]) -> LabelledText:
    """A candidate is true when the annotation has it, by the normalisation of the DuIE scorer (A29 c)."""
    wanted = {normalise_triple(triple) for triple in gold}
    found = [normalise_triple(candidate.triple) for candidate in candidates]
    return LabelledText(text, tuple(candidates), tuple(t in wanted for t in found), len(wanted - set(found)))


def label_candidates(row: CandidateSet) -> LabelledText:
    """A candidate row with its gold.

    Raises:
        DataError: The row has no gold.
    """
    if row.gold is None:
        raise DataError("the row has no gold, so its candidates have no labels", field="gold")
    return label_by_gold(row.text, row.candidates, row.gold)


def fit_verifier(
    verifier: Scorer,
    rows: Sequence[LabelledText],
    *,
    fitted_on: Mapping[str, Any] | None = None,
    target_precision: float | None = None,
    max_recall_loss: float | None = None,
) -> Thresholds:
    """Fit tau_1 and, for each pair strategy, tau_2, jointly; and the probability.

    Each candidate is scored once per strategy, and the copies are fitted together, so that all strategies share one
    tau_1. A wrong candidate of a contrastive list has no paraphrase by the extractor; the schema's stands in for it.

    Args:
        verifier: Gives the scores.
        rows: Labelled candidates.
        fitted_on: What to record about the data.
        target_precision: Precision to reach at least, on these candidates.
        max_recall_loss: How far recall may fall, in points.

    Raises:
        DataError: There is no candidate, or all have the same label.
        ConfigError: No thresholds reach what is asked for.
    """
    scores = {s: _scores(verifier, rows, s) for s in ("paraphrase", "schema", "siblings")}
    labels = np.asarray([label for row in rows for label in row.labels], dtype=bool)
    if labels.all() or not labels.any():
        raise DataError(
            f"{len(labels)} candidates, {int(labels.sum())} of them true: fitting needs true and false ones"
        )
    parts = [part for part in scores.values() if np.isfinite(part[1]).any()] or [scores["schema"]]
    text, pair = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    names = [name for part in parts for name in part[2]]
    truth = np.tile(labels, len(parts))
    fitted = fit_thresholds(
        text,
        pair,
        truth,
        strategies=names,
        missed_gold=len(parts) * sum(row.missed_gold for row in rows),
        target_precision=target_precision,
        max_recall_loss=max_recall_loss,
    )
    record = {
        **(fitted_on or {}),
        "texts": len(rows),
        "candidates": len(labels),
        "true": int(labels.sum()),
        "criterion": "f1",
        "target_precision": target_precision,
        "precision": round(fitted.precision, 4),
        "recall": round(fitted.recall, 4),
        "f1": round(fitted.f1, 4),
        "text_auc": round(float(roc_auc(labels, scores["schema"][0])), 4),
        "false_removed_at_tpr_974": round(float(false_positives_removed_at_tpr(labels, scores["schema"][0])), 4),
    }
    return fitted.as_thresholds(fit_calibration(text, pair, truth), record)


def _scores(
    verifier: Scorer, rows: Sequence[LabelledText], strategy: PairStrategy
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[str | None]]:
    """Text scores `[N]`, pair scores `[N]` (nan where there is none) and strategy names of all candidates."""
    pairs = [(row.text, [_prepared(c, strategy, verifier.schema) for c in row.candidates]) for row in rows]
    flat = [score for row in verifier.score_many(pairs, (strategy,)) for score in row]
    text = np.asarray([score.text_score for score in flat])
    pair = np.asarray([np.nan if score.pair_score is None else score.pair_score for score in flat])
    return text, pair, [score.strategy for score in flat]


def _prepared(candidate: Candidate, strategy: PairStrategy, schema: Schema) -> Candidate:
    if strategy == "paraphrase" and candidate.paraphrase is None:
        return replace(candidate, paraphrase=schema.paraphrase(candidate.triple))
    return candidate


def write_thresholds(folder: Path, thresholds: Thresholds) -> None:
    """Write `thresholds.json` into a model folder, whole or not at all."""
    with atomic_writer(folder / "thresholds.json") as stream:
        json.dump(thresholds.to_dict(), stream, ensure_ascii=False, indent=1)
