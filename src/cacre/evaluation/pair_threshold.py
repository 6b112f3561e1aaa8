"""Fitting the pair threshold of one strategy where the text threshold is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cacre.evaluation.curves import Bools, Floats
from cacre.evaluation.threshold_objective import ThresholdObjective, counted_as
from cacre.evaluation.thresholds import threshold_grid
from cacre.inference.thresholds import OFF


def fit_pair_threshold(
    text_scores: npt.ArrayLike,
    pair_scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    text_threshold: float,
    probabilities: npt.ArrayLike | None = None,
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
        probabilities: [N], that each is true, by which the F1 is counted; a tau_2 that is worth less than one true
            candidate then stays off. None counts labels. Limits are kept in labels.
        missed_gold: Gold triples that were never proposed.
        grid: Largest number of values tried, besides off.
        max_recall_loss: How far recall may fall below that of keeping everything, in points.
        target_precision: Precision to reach.

    Raises:
        ConfigError: A limit is out of its range.
    """
    texts, pairs = np.asarray(text_scores, dtype=np.float64), np.asarray(pair_scores, dtype=np.float64)
    counted = counted_as(np.asarray(labels, dtype=bool), probabilities)
    objective = ThresholdObjective.of(counted, "f1", missed_gold, max_recall_loss, target_precision)
    passes = (texts >= text_threshold) | (text_threshold <= OFF)
    with_pair = passes & ~np.isnan(pairs)
    values = threshold_grid(pairs[with_pair], grid)
    kept = np.stack([_kept(pairs, row, passes, with_pair, values) for row in counted])
    reached = objective(kept)
    if probabilities is not None:
        reached[1:] -= 1.0 / objective.gold
    return float(values[np.argmax(reached)])


def _kept(pairs: Floats, weights: Floats, passes: Bools, with_pair: Bools, grid: Floats) -> Floats:
    """[J]: weights of the candidates that pass tau_1 and are kept at each tau_2, of which the first is off."""
    order = np.argsort(pairs[with_pair], kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weights[with_pair][order])])
    lost = below[np.searchsorted(pairs[with_pair][order], grid, side="left")]
    lost[0] = 0.0
    kept: Floats = weights[passes].sum() - lost
    return kept
