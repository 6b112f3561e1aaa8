"""Confidence intervals by resampling texts.

Candidates of one text are not independent, so that whole texts are drawn, with replacement. A resample is not built: it
is the number of times that each text was drawn, and measures take these numbers as weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError
from cacre.evaluation.sweep import Floats, ratio

Interval = tuple[float, float]
"""Lower and upper end."""

_CELLS = 1 << 18
"""Numbers at once in one array over resamples and candidates; few enough for a processor's cache."""
_REMEMBERED = 1 << 24
"""Numbers of drawn texts that are kept rather than drawn anew: 64 MB."""
_DEFINED = 0.95
"""Share of the resamples in which a measure must be defined, for an interval over them to mean anything."""
FEWEST_TEXTS = 10
"""Under so many, draws hardly differ, and an interval over them is far too narrow; of one text it is a point."""


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


class TextDraws:
    """How often each text is drawn in each resample; the same seed draws the same texts, so that measures are paired.

    Args:
        texts: How many texts there are.
        resamples: B, how many times to draw `texts` of them.
        seed: Seed of the generator.

    Raises:
        DataError: There are no texts.
        ConfigError: `resamples` is below 1.
    """

    def __init__(self, texts: int, resamples: int = 1000, seed: int = 13) -> None:
        if texts < 1:
            raise DataError("there are no texts to draw from")
        if resamples < 1:
            raise ConfigError(f"resamples must be at least 1, got {resamples}")
        self.texts, self.resamples, self._seed = texts, resamples, seed
        self._kept: list[npt.NDArray[np.uint32]] | None = None

    def weights(self, width: int = 1) -> Iterator[Floats]:
        """The numbers, some resamples at a time.

        Args:
            width: Columns of the widest array that the caller makes of them.

        Yields:
            [b, texts]; the b add up to B.
        """
        rows, block = max(1, _CELLS // max(self.texts, width)), list[npt.NDArray[np.uint32]]()
        for drawn in self._drawn():
            block.append(drawn)
            if len(block) == rows:
                yield np.asarray(block, dtype=np.float64)
                block.clear()
        if block:
            yield np.asarray(block, dtype=np.float64)

    def measure(self, measure: Callable[[Floats], Floats], width: int = 1) -> Floats:
        """Take a measure in each resample.

        Args:
            measure: Weights of the texts [b, texts] -> values [b, ...].
            width: As in `weights`.

        Returns:
            [B, ...].
        """
        return np.concatenate([measure(weights) for weights in self.weights(width)])

    def _drawn(self) -> Iterable[npt.NDArray[np.uint32]]:
        """[texts] for each resample; remembered if they are not too many, because a report asks for them often."""
        if self._kept is None and self.resamples * self.texts <= _REMEMBERED:
            self._kept = list(self._draw())
        return self._draw() if self._kept is None else self._kept

    def _draw(self) -> Iterator[npt.NDArray[np.uint32]]:
        generator = np.random.default_rng(self._seed)
        for _ in range(self.resamples):
            drawn = generator.integers(0, self.texts, size=self.texts)
            yield np.bincount(drawn, minlength=self.texts).astype(np.uint32)


def too_few_texts(texts: int) -> str | None:
    """Why so many texts give no intervals; None if they do."""
    if texts >= FEWEST_TEXTS:
        return None
    return f"no intervals: they come from drawing texts anew, of {FEWEST_TEXTS} or more; here: {texts}"


def percentile_interval(values: Floats, level: float = 0.95) -> Interval | None:
    """Percentile interval of a measure over resamples.

    Args:
        values: [B]; nan where the measure is not defined, as an AUC where no false candidate was drawn.
        level: Share of the resamples to cover, in (0, 1).

    Returns:
        None if the measure is defined in less than 95 % of the resamples.

    Raises:
        ConfigError: `level` is outside (0, 1).
    """
    _check_level(level)
    defined = values[~np.isnan(values)]
    if not len(defined) or len(defined) < _DEFINED * len(values):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


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
    sums = TextDraws(len(counts), resamples, seed).measure(lambda weights: weights @ counts.astype(np.float64))
    correct, predicted, gold, correct_gold = sums.T
    precision, recall = ratio(correct, predicted, 0.0), ratio(correct_gold, gold, 0.0)
    return np.stack([precision, recall, ratio(2 * precision * recall, precision + recall, 0.0)], axis=1)


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
    _check_level(level)
    scores = bootstrap_scores(counts, resamples, seed)
    lower, upper = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2], axis=0).tolist()
    precision, recall, f1 = zip(lower, upper, strict=True)
    return Intervals(precision, recall, f1, level, resamples)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ConfigError(f"level must be between 0 and 1, got {level}")
