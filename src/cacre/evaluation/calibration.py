"""Fitting the probability that goes with a pair of scores (Platt scaling on both at once)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cacre.errors import DataError, MissingExtraError
from cacre.evaluation.curves import checked
from cacre.inference.thresholds import Calibration

_INVERSE_PENALTY = 100.0
"""Weak: scores span a few tenths, so that good weights are large; some is needed where scores separate the labels."""


def fit_calibration(
    text_scores: npt.ArrayLike, pair_scores: npt.ArrayLike, labels: npt.ArrayLike, *, max_iterations: int = 1000
) -> Calibration:
    """Fit a logistic regression on `[text_score, pair_score or 0, has_pair]`.

    Args:
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.
        labels: [N], true = supported.
        max_iterations: Limit of the solver.

    Raises:
        DataError: The lengths differ, a text score is not finite, a pair score is infinite, or one label is missing.
        MissingExtraError: scikit-learn is not installed.
    """
    truth, texts = checked(labels, text_scores)
    pairs = np.asarray(pair_scores, dtype=np.float64)
    if pairs.shape != texts.shape or np.isinf(pairs).any():
        raise DataError(f"pair_scores must be [{len(texts)}], finite or nan, got shape {list(pairs.shape)}")
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("sklearn", "eval") from error
    has_pair = ~np.isnan(pairs)
    features = np.stack([texts, np.where(has_pair, pairs, 0.0), has_pair], axis=1)
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=max_iterations).fit(features, truth)
    text_weight, pair_weight, has_pair_weight = model.coef_[0].tolist()
    return Calibration(text_weight, pair_weight, has_pair_weight, bias=float(model.intercept_[0]))


def probabilities(
    calibration: Calibration, text_scores: npt.ArrayLike, pair_scores: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """`Calibration.probability` of each candidate.

    Args:
        calibration: What was fitted.
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.

    Returns:
        [N], in [0, 1].
    """
    texts, pairs = np.asarray(text_scores, dtype=np.float64), np.asarray(pair_scores, dtype=np.float64)
    scored = zip(texts.tolist(), pairs.tolist(), strict=True)
    return np.asarray([calibration.probability(text, pair) for text, pair in scored], dtype=np.float64)
