"""Scores against gold, curves, intervals, threshold fitting and calibration (numpy; scikit-learn only to calibrate)."""

from cacre.evaluation.bootstrap import Intervals, bootstrap_intervals, bootstrap_scores
from cacre.evaluation.calibration import fit_calibration, probabilities
from cacre.evaluation.curves import (
    RocCurve,
    average_precision,
    brier_score,
    expected_calibration_error,
    false_positives_removed_at_tpr,
    roc_auc,
    roc_curve,
    true_positive_rate_at,
)
from cacre.evaluation.duie_scorer import Scores, Spo, count_texts, score, score_by_relation
from cacre.evaluation.scored_rows import read_aliases, read_scored_rows
from cacre.evaluation.thresholds import FittedThresholds, fit_thresholds, keep

__all__ = [
    "FittedThresholds",
    "Intervals",
    "RocCurve",
    "Scores",
    "Spo",
    "average_precision",
    "bootstrap_intervals",
    "bootstrap_scores",
    "brier_score",
    "count_texts",
    "expected_calibration_error",
    "false_positives_removed_at_tpr",
    "fit_calibration",
    "fit_thresholds",
    "keep",
    "probabilities",
    "read_aliases",
    "read_scored_rows",
    "roc_auc",
    "roc_curve",
    "score",
    "score_by_relation",
    "true_positive_rate_at",
]
