"""What scores are worth before any threshold is chosen: ROC, precision-recall, risk-coverage and calibration figures.

All functions take `labels [N]` (true = supported) and `scores [N]` or `probabilities [N]`, treat equal scores as one
step, and need no scikit-learn; its results are the reference in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError
from cacre.evaluation.sweep import EPSILON, Ranking, Sweep, ratio
from cacre.evaluation.sweep import Bools as Bools
from cacre.evaluation.sweep import Floats as Floats

PAPER_TPR = 0.974
"""Where CACRE works on DeepSeek V3's candidates, removing .443 of the false ones (derived from Table 3)."""


class RocCurve(NamedTuple):
    """Points of the ROC curve, from the strictest threshold to the loosest.

    `false_positive_rate`, `true_positive_rate` and `thresholds` are [K + 1] for K distinct scores; the first point is
    (0, 0) with an infinite threshold, and a candidate is kept when `score >= threshold`.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats


class PrecisionRecallCurve(NamedTuple):
    """Points of the precision-recall curve, from the strictest threshold to the loosest; [K] for K distinct scores.

    Recall is of the true candidates; what no candidate proposes is not in it.
    """

    precision: Floats
    recall: Floats
    thresholds: Floats


class RiskCoverageCurve(NamedTuple):
    """Points of the risk-coverage curve, from the strictest threshold to the loosest; [K] for K distinct scores.

    Coverage is the share of candidates kept, risk the share of false ones among them.
    """

    coverage: Floats
    risk: Floats
    thresholds: Floats


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """Candidates by probability, in bins of equal width; each [bins], nan where a bin is empty."""

    count: Floats
    mean_probability: Floats
    share_true: Floats


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


def sweep(labels: npt.ArrayLike, scores: npt.ArrayLike, *, both_classes: bool = True) -> Sweep:
    """What is kept at each distinct score.

    Raises:
        DataError: As `checked`.
    """
    return Ranking(*checked(labels, scores, both_classes=both_classes)).sweep()


def roc_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> RocCurve:
    """The ROC curve with a point for each distinct score.

    Raises:
        DataError: As `checked`; both labels are needed.
    """
    swept = sweep(labels, scores)
    return RocCurve(
        np.concatenate([[0.0], swept.false / swept.total_false]),
        np.concatenate([[0.0], swept.true / swept.total_true]),
        np.concatenate([[np.inf], swept.thresholds]),
    )


def precision_recall_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> PrecisionRecallCurve:
    """The precision-recall curve with a point for each distinct score; there is none for keeping nothing.

    Raises:
        DataError: As `checked`; both labels are needed.
    """
    swept = sweep(labels, scores)
    return PrecisionRecallCurve(swept.precision, swept.recall, swept.thresholds)


def risk_coverage_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> RiskCoverageCurve:
    """The risk-coverage curve with a point for each distinct score.

    Raises:
        DataError: As `checked`; one label is enough.
    """
    swept = sweep(labels, scores, both_classes=False)
    return RiskCoverageCurve(swept.kept / swept.kept[-1], swept.false / swept.kept, swept.thresholds)


def risk_coverage_area(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean risk over all coverages, equal scores coming in together; lower is better.

    Raises:
        DataError: As `checked`; one label is enough.
    """
    return float(sweep(labels, scores, both_classes=False).risk_area())


def coverage_at_risk(labels: npt.ArrayLike, scores: npt.ArrayLike, risk: float) -> float:
    """The largest share of candidates that can be kept with at most `risk` false ones among them; 0 if none can.

    Raises:
        ConfigError: `risk` is outside [0, 1].
        DataError: As `checked`; one label is enough.
    """
    _check_rate("risk", risk)
    return float(sweep(labels, scores, both_classes=False).coverage_at_risk(risk))


def precision_at_recall(labels: npt.ArrayLike, scores: npt.ArrayLike, recall: float) -> float:
    """The best precision among thresholds that keep at least `recall` of the true candidates.

    Raises:
        ConfigError: `recall` is outside [0, 1].
        DataError: As `checked`; both labels are needed.
    """
    _check_rate("recall", recall)
    return float(sweep(labels, scores).precision_at_recall(recall))


def recall_at_precision(labels: npt.ArrayLike, scores: npt.ArrayLike, precision: float) -> float:
    """The largest share of true candidates kept among thresholds of at least this precision; 0 if there is none.

    Raises:
        ConfigError: `precision` is outside [0, 1].
        DataError: As `checked`; both labels are needed.
    """
    _check_rate("precision", precision)
    return float(sweep(labels, scores).recall_at_precision(precision))


def true_positive_rate_at(labels: npt.ArrayLike, scores: npt.ArrayLike, fpr: float) -> float:
    """The largest true positive rate among thresholds whose false positive rate is at most `fpr`.

    Raises:
        ConfigError: `fpr` is outside [0, 1].
        DataError: As `checked`; both labels are needed.
    """
    _check_rate("fpr", fpr)
    curve = roc_curve(labels, scores)
    return float(curve.true_positive_rate[curve.false_positive_rate <= fpr + EPSILON].max())


def false_positives_removed_at_tpr(labels: npt.ArrayLike, scores: npt.ArrayLike, tpr: float = PAPER_TPR) -> float:
    """Share of the false candidates that the strictest threshold rejects which still keeps `tpr` of the true ones.

    Raises:
        ConfigError: `tpr` is outside [0, 1].
        DataError: As `checked`; both labels are needed.
    """
    _check_rate("tpr", tpr)
    if tpr <= 0:  # a threshold above all scores keeps nothing
        checked(labels, scores)
        return 1.0
    return float(sweep(labels, scores).false_removed_at_tpr(tpr))


def average_precision(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean of the precisions at each distinct score, weighted by the recall gained there (no interpolation).

    Raises:
        DataError: As `checked`; both labels are needed.
    """
    return float(sweep(labels, scores).average_precision())


def expected_calibration_error(labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 15) -> float:
    """Mean distance between probability and share of true candidates, over bins of equal width, weighted by size.

    Raises:
        ConfigError: `bins` is below 1.
        DataError: As `checked`, or a probability is outside [0, 1].
    """
    truth, values = _checked_probabilities(labels, probabilities)
    gap = np.bincount(bin_places(values, bins), weights=truth - values, minlength=bins)
    return float(np.abs(gap).sum() / len(values))


def reliability_bins(labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 15) -> ReliabilityBins:
    """Mean probability beside share of true candidates, over the bins of `expected_calibration_error`.

    Raises:
        ConfigError: `bins` is below 1.
        DataError: As `checked`, or a probability is outside [0, 1].
    """
    truth, values = _checked_probabilities(labels, probabilities)
    place = bin_places(values, bins)
    weights = (np.ones_like(values), values, truth.astype(np.float64))
    count, mean, true = (np.bincount(place, weights=weight, minlength=bins).astype(np.float64) for weight in weights)
    return ReliabilityBins(count, ratio(mean, count), ratio(true, count))


def bin_places(probabilities: Floats, bins: int) -> npt.NDArray[np.int64]:
    """In which of the equally wide bins each probability is; 1.0 is in the last.

    Raises:
        ConfigError: `bins` is below 1.
    """
    if bins < 1:
        raise ConfigError(f"bins must be at least 1, got {bins}")
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def brier_score(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean squared distance between probability and label; lower is better.

    Raises:
        DataError: As `checked`, or a probability is outside [0, 1].
    """
    truth, values = _checked_probabilities(labels, probabilities)
    return float(np.mean((values - truth) ** 2))


def _checked_probabilities(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Bools, Floats]:
    truth, values = checked(labels, probabilities, both_classes=False)
    if values.min() < 0 or values.max() > 1:
        raise DataError(f"probabilities must be in [0, 1], got values from {values.min()} to {values.max()}")
    return truth, values


def _check_rate(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be between 0 and 1, got {value}")
