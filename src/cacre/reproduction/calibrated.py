"""The calibrated setting: a calibrator told gold of training texts, and how much of its gain needs no reading.

Stacking without a leak. The trees are fitted on the train part of a run's training rows, labelled by gold; its network
was trained on the same part. The calibrator, a logistic regression, and its threshold are fitted on the dev part, which
neither has seen, but that the network's checkpoint was chosen there (by the labels it was trained on: lists, or gold).
Nothing is fitted on the candidates that are measured, whose labels are not even at hand where they are scored.

`evaluation.calibration` is not used: it fits a probability for the verifier's own columns only, with a weight of the
text score that cannot be negative and offsets by relation; here relation and all else go through the surface trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cacre.baselines.protocol import Baseline, labels_of
from cacre.baselines.registry import make_baseline
from cacre.baselines.relation_trees import TreeSettings
from cacre.errors import DataError, MissingExtraError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.score_table import Bools, Floats
from cacre.evaluation.thresholds import fit_thresholds, keep
from cacre.inference import Verifier
from cacre.reproduction.baselines import labelled, score_baseline, training_rows
from cacre.reproduction.candidate_sets import CandidateTexts
from cacre.reproduction.experiment import Variant
from cacre.reproduction.measures import SeedScores, judge
from cacre.reproduction.runs import variant_rows
from cacre.schema import Schema
from cacre.types import Example

SURFACE, SCORES = "surface only", "scores only"
SURFACE_AND_STRINGS, ALL = "surface and string evidence", "all"
INPUTS: Mapping[str, tuple[str, ...]] = {
    SURFACE: ("surface",),
    SCORES: ("text_score", "pair_score"),
    "surface and scores": ("surface", "text_score", "pair_score"),
    SURFACE_AND_STRINGS: ("surface", "strings"),
    ALL: ("surface", "strings", "text_score", "pair_score"),
}
"""What each calibrator is given. The relation is among the surface features."""

PENALTY = 1.0
"""C of the logistic regression on standardised inputs: scikit-learn's default, set before any result was seen."""


@dataclass(frozen=True)
class GoldParts:
    """Training rows of one run that have gold, the LLM's anchors as candidates.

    Args:
        train: What the network was trained on.
        dev: What it was not.
    """

    train: Sequence[LabelledText]
    dev: Sequence[LabelledText]

    @property
    def usable(self) -> bool:
        """Whether both parts have right and wrong candidates."""
        return all({True, False} <= set(labels_of(part)) for part in (self.train, self.dev))


@dataclass(frozen=True)
class StackColumns:
    """The inputs of the calibrators of one seed, by name; nan where a candidate has none.

    Args:
        dev: Each `[M]`, of the dev candidates.
        labels: `[M]`; whether they are in gold.
        missed: Gold triples of the dev texts that no candidate proposes.
        test: Each `[N]`, of the candidates to measure.
    """

    dev: Mapping[str, Floats]
    labels: Bools
    missed: int
    test: Mapping[str, Floats]


@dataclass(frozen=True)
class Calibrated:
    """What a calibrator says about the candidates to measure.

    Args:
        probability: `[N]`.
        kept: `[N]`; whether it reaches the threshold.
    """

    probability: Floats
    kept: Bools


def gold_parts(
    examples: Sequence[Example], variant: Variant, seed: int, dev_fraction: float, schema: Schema
) -> GoldParts:
    """The parts that training made of its rows, with the candidates as the LLM gave them.

    Args:
        examples: All training rows.
        variant: What was trained; it may have changed or left out rows.
        seed: Seed of the run.
        dev_fraction: Share of the dev part.
        schema: Relation schema.
    """
    known = {example.text: example for example in examples}
    parts = training_rows(variant_rows(examples, variant, schema), seed, dev_fraction)
    train, dev = (labelled([known[example.text] for example in part], "gold") for part in parts)
    return GoldParts(train, dev)


def stack_columns(
    verifier: Verifier,
    judged: SeedScores,
    parts: GoldParts,
    sets: CandidateTexts,
    schema: Schema,
    settings: TreeSettings,
) -> StackColumns:
    """Fit the trees of one seed and score dev and the candidates to measure.

    Args:
        verifier: The trained network.
        judged: What it says about the candidates to measure.
        parts: Its training rows.
        sets: The candidates to measure.
        schema: Relation schema.
        settings: Size and seed of the trees.

    Raises:
        DataError: All candidates of the train part have the same label.
        MissingExtraError: scikit-learn is not installed.
    """
    texts, candidates = tuple(row.text for row in parts.dev), tuple(row.candidates for row in parts.dev)
    dev_sets = CandidateTexts("dev", texts, candidates, ((),) * len(texts), {}, {})
    trees: dict[str, Baseline] = {
        "surface": make_baseline("surface_trees", settings=settings, needs="gold"),
        "strings": make_baseline("evidence_trees", settings=settings, needs="gold", schema=schema),
    }
    for baseline in trees.values():
        baseline.fit(parts.train)

    def columns(found: SeedScores, scored: CandidateTexts) -> dict[str, Floats]:
        logits = {name: _logits(score_baseline(one, scored)[: len(scored)]) for name, one in trees.items()}
        return {**logits, "text_score": found.text_score, "pair_score": found.pair_score}

    return StackColumns(
        dev=columns(judge(verifier, dev_sets), dev_sets),
        labels=np.asarray(labels_of(parts.dev), dtype=bool),
        missed=sum(row.missed_gold for row in parts.dev),
        test=columns(judged, sets),
    )


def calibrate(columns: StackColumns, names: Sequence[str]) -> Calibrated:
    """Fit a logistic regression and the threshold of best F1 on dev, and apply both.

    A missing value counts as the mean of the others, with a column that says where it was missing.

    Args:
        columns: The inputs of one seed.
        names: Which of them to use.

    Raises:
        DataError: All dev candidates have the same label.
        MissingExtraError: scikit-learn is not installed.
    """
    if columns.labels.all() or not columns.labels.any():
        raise DataError(
            f"{len(columns.labels)} dev candidates, {columns.labels.sum()} of them in gold: a calibrator needs both"
        )
    try:
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise MissingExtraError("sklearn", "eval") from error
    filled = SimpleImputer(add_indicator=True, keep_empty_features=True)
    model: Any = make_pipeline(filled, StandardScaler(), LogisticRegression(C=PENALTY))
    dev, test = (np.column_stack([part[name] for name in names]) for part in (columns.dev, columns.test))
    model.fit(dev, columns.labels)
    fitted, found = (np.asarray(model.predict_proba(part)[:, 1], dtype=np.float64) for part in (dev, test))
    no_pair = [np.full(len(part), np.nan) for part in (fitted, found)]
    thresholds = fit_thresholds(
        fitted, no_pair[0], columns.labels, strategies=[None] * len(fitted), missed_gold=columns.missed
    )
    return Calibrated(found, keep(found, no_pair[1], [None] * len(found), thresholds))


def _logits(probabilities: Floats) -> Floats:
    """Log-odds: what trees add up and a logistic regression weighs."""
    inside = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside) - np.log1p(-inside))
