"""Fitting the pair threshold of one strategy where the text threshold is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cacre.evaluation.curves import Bools, Floats
from cacre.evaluation.threshold_objective import ThresholdObjective
from cacre.evaluation.thresholds import threshold_grid
from cacre.inference.thresholds import OFF


def fit_pair_threshold(
    text_scores: npt.ArrayLike,
    pair_scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    text_threshold: float,
    missed_gold: int = 0,
    grid: int = 200,
    max_recall_loss: float | None = None,
    target_precision: float | None = None,
) -> float:
    """The tau_2 that gives the best F1 with a given tau_1; of equally good ones the loosest.

    Where no tau_2 keeps the limits, the one that comes nearest to them: tau_1 was chosen for other pair scores.

    Args:
        text_scores: [N].
        pair_scores: [N], all found in one way; nan where a candidate has none.
        labels: [N], true = supported; at least one is.
        text_threshold: tau_1; -1 is off.
        missed_gold: Gold triples that were never proposed.
        grid: Largest number of values tried, besides off.
        max_recall_loss: How far recall may fall below that of keeping everything, in points.
        target_precision: Precision to reach.

    Raises:
        ConfigError: A limit is out of its range.
    """
    texts, pairs = np.asarray(text_scores, dtype=np.float64), np.asarray(pair_scores, dtype=np.float64)
    truth = np.asarray(labels, dtype=bool)
    objective = ThresholdObjective(
        "f1", int(truth.sum()), int((~truth).sum()), missed_gold, max_recall_loss, target_precision
    )
    passes = (texts >= text_threshold) | (text_threshold <= OFF)
    with_pair = passes & ~np.isnan(pairs)
    values = threshold_grid(pairs[with_pair], grid)
    true, false = (_kept(pairs, passes & of_class, with_pair, values) for of_class in (truth, ~truth))
    return float(values[np.argmax(objective(true, false))])


def _kept(pairs: Floats, passes: Bools, with_pair: Bools, grid: Floats) -> Floats:
    """[J]: how many of the candidates that pass tau_1 are kept at each tau_2, of which the first is off."""
    scores = np.sort(pairs[passes & with_pair])
    kept = len(scores) - np.searchsorted(scores, grid, side="left")
    kept[0] = len(scores)
    counts: Floats = (kept + (passes & ~with_pair).sum()).astype(np.float64)
    return counts
