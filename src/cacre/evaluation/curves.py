"""What scores are worth before any threshold is chosen: ROC, precision-recall and calibration figures.

All functions take `labels [N]` (true = supported) and `scores [N]` or `probabilities [N]`, treat equal scores as one
step, and need no scikit-learn; its results are the reference in the tests.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_EPSILON = 1e-12
"""A rate asked for as .1 + .2 must be reached by one of .3."""


class RocCurve(NamedTuple):
    """Points of the ROC curve, from the strictest threshold to the loosest.

    `false_positive_rate`, `true_positive_rate` and `thresholds` are [K + 1] for K distinct scores; the first point is
    (0, 0) with an infinite threshold, and a candidate is kept when `score >= threshold`.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats


def checked(labels: npt.ArrayLike, scores: npt.ArrayLike, *, both_classes: bool = True) -> tuple[Bools, Floats]:
    """Labels as booleans [N] and scores as float64 [N].

    Raises:
        DataError: The lengths differ, there is nothing, a label is neither 0 nor 1, a score is not finite, or (with
            `both_classes`) all labels are the same.
    """
    truth, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != values.shape or not len(truth):
        raise DataError(f"labels and scores must be [N] with N >= 1, got {list(truth.shape)} and {list(values.shape)}")
    if not np.isin(truth, (0, 1)).all():
        raise DataError(f"labels must be 0 or 1, got {truth[~np.isin(truth, (0, 1))][0]}")
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(f"scores must be finite, got {values[place]} at index {place}")
    truth = truth.astype(bool)
    if both_classes and truth.all() == truth.any():
        raise DataError(f"both labels are needed, got only {truth[0]} in {len(truth)} candidates")
    return truth, values


def roc_auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: the chance that a true candidate scores above a false one, ties counting half.

    Raises:
        DataError: As `checked`; both labels are needed.
    """
    truth, values = checked(labels, scores)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    # the mean rank (1-based) of each group of equal scores
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(truth.sum())
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


def roc_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> RocCurve:
    """The ROC curve with a point for each distinct score.

    Raises:
        DataError: As `checked`; both labels are needed.
    """
    truth, values = checked(labels, scores)
    kept_true, kept_false, thresholds = _cumulative(truth, values)
    return RocCurve(
        np.concatenate([[0.0], kept_false / kept_false[-1]]),
        np.concatenate([[0.0], kept_true / kept_true[-1]]),
        np.concatenate([[np.inf], thresholds]),
    )


def true_positive_rate_at(labels: npt.ArrayLike, scores: npt.ArrayLike, fpr: float) -> float:
    """The largest true positive rate among thresholds whose false positive rate is at most `fpr`.

    Raises:
        ConfigError: `fpr` is outside [0, 1].
        DataError: As `checked`; both labels are needed.
    """
    _check_rate("fpr", fpr)
    curve = roc_curve(labels, scores)
    return float(curve.true_positive_rate[curve.false_positive_rate <= fpr + _EPSILON].max())


def false_positives_removed_at_tpr(labels: npt.ArrayLike, scores: npt.ArrayLike, tpr: float = 0.974) -> float:
    """Share of the false candidates that the strictest threshold rejects which still keeps `tpr` of the true ones.

    .974 is where CACRE works on DeepSeek V3's candidates, removing .443 of the false ones (derived from Table 3).

    Raises:
        ConfigError: `tpr` is outside [0, 1].
        DataError: As `checked`; both labels are needed.
    """
    _check_rate("tpr", tpr)
    curve = roc_curve(labels, scores)
    return float(1.0 - curve.false_positive_rate[curve.true_positive_rate >= tpr - _EPSILON].min())


def average_precision(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean of the precisions at each distinct score, weighted by the recall gained there (no interpolation).

    Raises:
        DataError: As `checked`; both labels are needed.
    """
    truth, values = checked(labels, scores)
    kept_true, kept_false, _ = _cumulative(truth, values)
    recall = kept_true / kept_true[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * kept_true / (kept_true + kept_false)))


def expected_calibration_error(labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 15) -> float:
    """Mean distance between probability and share of true candidates, over bins of equal width, weighted by size.

    Raises:
        ConfigError: `bins` is below 1.
        DataError: As `checked`, or a probability is outside [0, 1].
    """
    if bins < 1:
        raise ConfigError(f"bins must be at least 1, got {bins}")
    truth, values = _checked_probabilities(labels, probabilities)
    place = np.minimum((values * bins).astype(np.int64), bins - 1)  # 1.0 belongs to the last bin
    gap = np.bincount(place, weights=truth - values, minlength=bins)
    return float(np.abs(gap).sum() / len(values))


def brier_score(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean squared distance between probability and label; lower is better.

    Raises:
        DataError: As `checked`, or a probability is outside [0, 1].
    """
    truth, values = _checked_probabilities(labels, probabilities)
    return float(np.mean((values - truth) ** 2))


def _cumulative(truth: Bools, values: Floats) -> tuple[Floats, Floats, Floats]:
    """True and false candidates kept at each distinct score, and the scores, from the largest down; each [K]."""
    distinct, inverse = np.unique(-values, return_inverse=True)
    kept_true = np.cumsum(np.bincount(inverse, weights=truth), dtype=np.float64)
    kept_false = np.cumsum(np.bincount(inverse, weights=~truth), dtype=np.float64)
    return kept_true, kept_false, -distinct


def _checked_probabilities(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Bools, Floats]:
    truth, values = checked(labels, probabilities, both_classes=False)
    if values.min() < 0 or values.max() > 1:
        raise DataError(f"probabilities must be in [0, 1], got values from {values.min()} to {values.max()}")
    return truth, values


def _check_rate(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be between 0 and 1, got {value}")
