"""How likely each labelled candidate is to be true, by a curve through all labels: what thresholds are fitted to.

With few labels the threshold of the best F1 goes by single candidates. A curve with few weights takes all of them into
account (`benchmarks/few_labels.py`); with many labels these decide themselves, so that it does no harm where it does
not fit. A logistic regression on the text score and, for each pair strategy, on its pair score and on its being there,
since each strategy has a scale of its own (A28). Unlike the calibration, which gives the probability that users see and
has one weight for all strategies, this serves the fit of thresholds alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cacre.errors import MissingExtraError
from cacre.evaluation.curves import Bools, Floats

PRIOR_SCALE = 10.0
"""Standard deviation of the normal prior of each weight, as of the calibration's."""
CURVE_LABELS = 500
"""For how many labels the curve counts beside those that there are."""
_MAX_ITERATIONS = 1000


def smoothed_labels(
    text_scores: npt.ArrayLike, pair_scores: npt.ArrayLike, strategies: Sequence[str | None], labels: npt.ArrayLike
) -> Floats:
    """How much of a true candidate each is, `[N]` in [0, 1]: between its label and what the curve says.

    Args:
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.
        strategies: [N]; how each pair score was found, None where there is none.
        labels: [N], true = supported; both are there.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("sklearn", "eval") from error
    truth: Bools = np.asarray(labels, dtype=bool)
    columns = [np.asarray(text_scores, dtype=np.float64)]
    pairs, names = np.asarray(pair_scores, dtype=np.float64), np.asarray(strategies, dtype=object)
    for name in sorted({name for name in strategies if name is not None}):
        of = (names == name) & ~np.isnan(pairs)
        if of.any():
            # Centred, so that the prior pulls towards the mean of the strategy and not towards a score of 0.
            columns += [of.astype(np.float64), np.where(of, pairs - pairs[of].mean(), 0.0)]
    model: Any = LogisticRegression(C=PRIOR_SCALE**2, max_iter=_MAX_ITERATIONS)
    features = np.stack(columns, axis=1)
    curve: Floats = model.fit(features, truth).predict_proba(features)[:, 1]
    share = CURVE_LABELS / (CURVE_LABELS + len(truth))
    return share * curve + (1.0 - share) * truth
