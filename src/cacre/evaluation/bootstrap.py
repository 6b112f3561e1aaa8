"""Confidence intervals for precision, recall and F1 by resampling texts.

Candidates of one text are not independent, so that whole texts are drawn, with replacement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError

Interval = tuple[float, float]
"""Lower and upper end."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Percentile intervals.

    Args:
        precision: Interval of the precision.
        recall: Interval of the recall.
        f1: Interval of the F1.
        level: Share of the resamples that each interval covers.
        resamples: How many resamples were drawn.
    """

    precision: Interval
    recall: Interval
    f1: Interval
    level: float
    resamples: int


def bootstrap_scores(counts: npt.NDArray[np.int64], resamples: int = 1000, seed: int = 13) -> npt.NDArray[np.float64]:
    """Scores of resampled files.

    The same seed draws the same texts, so that two systems scored on the same gold give paired resamples.

    Args:
        counts: [number of texts, 4] as `count_texts` gives: correct, predicted, gold, correct_gold.
        resamples: B, how many files to draw.
        seed: Seed of the generator.

    Returns:
        [B, 3]: precision, recall, F1.

    Raises:
        DataError: There are no texts, or the array has another shape.
        ConfigError: `resamples` is below 1.
    """
    if counts.ndim != 2 or counts.shape[1] != 4 or not len(counts):
        raise DataError(f"counts must have shape [texts, 4] with at least one text, got {list(counts.shape)}")
    if resamples < 1:
        raise ConfigError(f"resamples must be at least 1, got {resamples}")
    generator, texts = np.random.default_rng(seed), len(counts)
    sums = np.empty((resamples, 4))
    for row in range(resamples):
        # how often each text was drawn: a [texts] vector, where a table of draws would need [resamples, texts]
        drawn = np.bincount(generator.integers(0, texts, size=texts), minlength=texts)
        sums[row] = drawn @ counts
    correct, predicted, gold, correct_gold = sums.T
    precision, recall = _ratio(correct, predicted), _ratio(correct_gold, gold)
    return np.stack([precision, recall, _ratio(2 * precision * recall, precision + recall)], axis=1)


def bootstrap_intervals(
    counts: npt.NDArray[np.int64], resamples: int = 1000, seed: int = 13, level: float = 0.95
) -> Intervals:
    """Percentile intervals of precision, recall and F1.

    Args:
        counts: [number of texts, 4] as `count_texts` gives.
        resamples: How many files to draw.
        seed: Seed of the generator.
        level: Share of the resamples to cover, in (0, 1).

    Raises:
        DataError: There are no texts, or the array has another shape.
        ConfigError: `resamples` is below 1 or `level` outside (0, 1).
    """
    if not 0 < level < 1:
        raise ConfigError(f"level must be between 0 and 1, got {level}")
    scores = bootstrap_scores(counts, resamples, seed)
    lower, upper = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2], axis=0).tolist()
    precision, recall, f1 = zip(lower, upper, strict=True)
    return Intervals(precision, recall, f1, level, resamples)


def _ratio(numerator: npt.NDArray[np.float64], denominator: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Quotient, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
