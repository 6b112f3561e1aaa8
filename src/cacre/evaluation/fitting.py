"""Labelled candidates and a verifier to `thresholds.json`: tau_1, one tau_2 per pair strategy, a calibration.

The thresholds are those of the best F1 by labels that are smoothed where they are few (`benchmarks/few_labels.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cacre.errors import ConfigError, DataError
from cacre.evaluation.calibration import CalibrationSettings, CandidateColumns, fit_calibration
from cacre.evaluation.certificate import Certificate, GuaranteeSettings
from cacre.evaluation.gain import f1_gain_interval, kept_all
from cacre.evaluation.guarantee import certify, check_levels
from cacre.evaluation.labelled_scores import (
    JudgedColumns,
    LabelledText,
    Part,
    Scorer,
    acceptable,
    judged_columns,
    other_pair_scores,
    rows_of,
)
from cacre.evaluation.pair_threshold import fit_pair_threshold
from cacre.evaluation.score_table import LabelSource
from cacre.evaluation.smoothed_labels import smoothed_labels
from cacre.evaluation.thresholds import FittedThresholds, fit_thresholds
from cacre.files import atomic_writer
from cacre.inference.thresholds import Calibration, Thresholds


@dataclass(frozen=True, slots=True)
class Requirements:
    """What thresholds must reach on the candidates they are fitted on; no guarantee for others.

    Args:
        target_precision: Precision to reach at least; None is no limit.
        max_recall_loss: How far recall may fall, in points (.02 is two points); None is no limit.
    """

    target_precision: float | None = None
    max_recall_loss: float | None = None


def fit_verifier(
    verifier: Scorer,
    rows: Sequence[LabelledText],
    *,
    fitted_on: Mapping[str, Any] | None = None,
    requirements: Requirements | None = None,
    certificate: Certificate | None = None,
    calibration: CalibrationSettings | None = None,
    by_relation: bool = False,
) -> Thresholds:
    """Fit tau_1 and, for each pair strategy, tau_2, jointly; and the probability.

    They give the best F1 of the smoothed labels, and are fitted on the scores that decide about the candidates, so that
    what is recorded is what the thresholds keep of them where no check is applied. A strategy that decides about none
    gets its tau_2 afterwards, from the pair scores that it would find, as good as it can be with that tau_1. Of
    contrastive lists the paraphrases are put aside until then, for only right candidates have one; the schema's stands
    in for that of a wrong one. Candidates that are not judged are compared with, but not fitted on.

    Args:
        verifier: Gives the scores.
        rows: Labelled candidates.
        fitted_on: What to record about the data.
        requirements: What the thresholds must reach on these candidates.
        certificate: Thresholds with a guarantee, which take the place of fitted ones.
        calibration: How the probability is fitted.
        by_relation: Whether the probability may differ by relation. Not for contrastive lists: how many wrong triples
            of a relation a list holds was the choice of its maker.

    Raises:
        DataError: There is no candidate, or all have the same label.
        ConfigError: No thresholds reach what is asked for; or there are too few labels for an isotonic calibration.
    """
    parts = [(verifier, rows)]
    columns = judged_columns(*parts)
    _need_both(columns)
    probability = _fitted_calibration(columns, calibration, by_relation=by_relation)
    record = {**(fitted_on or {}), **columns.record(len(rows)), "kept_all": kept_all(columns, rows)}
    if certificate is not None:
        return certificate.as_thresholds(probability, {**record, "criterion": "guarantee"})
    return _fitted(parts, columns, probability, record, requirements or Requirements())


def fit_new_relations(
    parts: Sequence[Part],
    *,
    fitted_on: Mapping[str, Any] | None = None,
    requirements: Requirements | None = None,
) -> Thresholds:
    """Fit what takes the place of the thresholds for relations that a model has not learned (`new_relations`).

    Args:
        parts: Labelled texts, each part with the verifier that was given the schema they are labelled under. Candidates
            of relations that it has learned are to be left out of it.
        fitted_on: As in `fit_verifier`.
        requirements: As in `fit_verifier`.

    Raises:
        DataError: There is no candidate, or all have the same label.
        ConfigError: No thresholds reach what is asked for.
    """
    columns, rows = judged_columns(*parts), rows_of(parts)
    _need_both(columns)
    record = {**(fitted_on or {}), **columns.record(len(rows)), "kept_all": kept_all(columns, rows)}
    probability = _fitted_calibration(columns, None, by_relation=False)
    return _fitted(parts, columns, probability, record, requirements or Requirements())


def _need_both(columns: JudgedColumns) -> None:
    labels = columns.labels
    if labels.all() or not labels.any():
        raise DataError(
            f"{len(labels)} candidates, {int(labels.sum())} of them true: fitting needs true and false ones"
        )


def _fitted(
    parts: Sequence[Part],
    columns: JudgedColumns,
    probability: Calibration,
    record: Mapping[str, Any],
    requirements: Requirements,
) -> Thresholds:
    fitted = _fitted_thresholds(parts, columns, requirements)
    gain = f1_gain_interval(columns, rows_of(parts), fitted)
    reached = {**_reached(fitted, requirements), "f1_gain_interval": gain}
    return fitted.as_thresholds(probability, {**record, "criterion": "f1", **reached})


def _fitted_thresholds(parts: Sequence[Part], columns: JudgedColumns, requirements: Requirements) -> FittedThresholds:
    missed = sum(row.missed_gold for row in rows_of(parts))
    scored = columns.text_score, columns.pair_score, columns.strategies
    fitted = fit_thresholds(
        columns.text_score,
        columns.pair_score,
        columns.labels,
        strategies=columns.strategies,
        probabilities=smoothed_labels(*scored, columns.labels),
        missed_gold=missed,
        target_precision=requirements.target_precision,
        max_recall_loss=requirements.max_recall_loss,
    )
    others = {
        strategy: fit_pair_threshold(
            columns.text_score,
            scores,
            columns.labels,
            text_threshold=fitted.text_threshold,
            probabilities=smoothed_labels(columns.text_score, scores, [strategy] * len(scores), columns.labels),
            missed_gold=missed,
            target_precision=requirements.target_precision,
            max_recall_loss=requirements.max_recall_loss,
        )
        for strategy, scores in other_pair_scores(parts, columns.strategies).items()
    }
    return replace(fitted, pair_thresholds={**fitted.pair_thresholds, **others})


def _fitted_calibration(
    columns: JudgedColumns, settings: CalibrationSettings | None, *, by_relation: bool
) -> Calibration:
    return fit_calibration(
        columns.text_score,
        columns.pair_score,
        columns.labels,
        columns=CandidateColumns(
            text=columns.text,
            relation=columns.relation if by_relation else None,
            agreement=columns.agreement,
        ),
        settings=settings,
    )


def certify_verifier(
    verifier: Scorer,
    rows: Sequence[LabelledText],
    precision: float,
    delta: float,
    *,
    label_source: LabelSource,
    settings: GuaranteeSettings | None = None,
) -> Certificate:
    """Find thresholds whose precision is guaranteed for the verifier with its schema and default checks.

    `certify` says how.

    Candidates that fail a check are never accepted, and those that are not judged count as wrong.

    Args:
        verifier: Gives the scores.
        rows: Labelled candidates of the extractor that the verifier is to follow.
        precision: What to guarantee.
        delta: Chance of being wrong.
        label_source: Who says what is right.
        settings: How it is sought.

    Raises:
        ConfigError: Labels are those of contrastive lists, a value is out of range, or nothing can be certified.
        DataError: There are too few texts, or no candidate passes the checks; the message has the causes.
    """
    if label_source == "lists":
        raise ConfigError(
            "contrastive lists cannot guarantee a precision: their wrong triples were made, not extracted; "
            "give candidates of the extractor, labelled by gold or by a reader"
        )
    check_levels(precision, delta)
    table, left_out = acceptable(verifier, rows, label_source)
    if left_out.total and not len(table):
        raise DataError(f"no candidate is left to guarantee a precision for: {left_out}")
    try:
        certificate = certify(table, precision, delta, settings=settings)
    except (ConfigError, DataError) as error:
        if not left_out.total:
            raise
        raise type(error)(f"{error}; {left_out}") from error
    return replace(certificate, left_out=left_out)


def _reached(fitted: FittedThresholds, requirements: Requirements) -> dict[str, Any]:
    scores = {name: round(getattr(fitted, name), 4) for name in ("precision", "recall", "f1")}
    limits = {"target_precision": requirements.target_precision, "max_recall_loss": requirements.max_recall_loss}
    return {**limits, **scores}


def write_thresholds(folder: Path, thresholds: Thresholds) -> None:
    """Write `thresholds.json` into a model folder, whole or not at all."""
    with atomic_writer(folder / "thresholds.json") as stream:
        json.dump(thresholds.to_dict(), stream, ensure_ascii=False, indent=1)
