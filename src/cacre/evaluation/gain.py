"""What fitted thresholds gain over keeping every candidate, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cacre.evaluation.bootstrap import FEWEST_TEXTS, bootstrap_scores, percentile_interval
from cacre.evaluation.labelled_scores import JudgedColumns, LabelledText, text_numbers
from cacre.evaluation.score_table import Bools, Ints
from cacre.evaluation.sweep import ratio
from cacre.evaluation.thresholds import FittedThresholds, keep


def kept_all(columns: JudgedColumns, rows: Sequence[LabelledText]) -> dict[str, float]:
    """Precision, recall and F1 of keeping every candidate.

    Args:
        columns: The judged candidates.
        rows: The rows that they are of.
    """
    everything = np.ones(len(columns.labels), dtype=bool)
    return dict(zip(("precision", "recall", "f1"), _scores(_counts(columns, rows, everything)), strict=True))


def f1_gain_interval(
    columns: JudgedColumns, rows: Sequence[LabelledText], fitted: FittedThresholds
) -> list[float] | None:
    """95 % interval, over texts drawn anew, of the F1 with the thresholds less that of keeping every candidate.

    Both are measured on the rows that the thresholds were fitted on, so that it lies too high rather than too low.

    Args:
        columns: The judged candidates.
        rows: The rows that they are of.
        fitted: Thresholds fitted on them.

    Returns:
        None for so few texts that there is none.
    """
    everything = _counts(columns, rows, np.ones(len(columns.labels), dtype=bool))
    if len(everything) < FEWEST_TEXTS:
        return None
    kept = _counts(columns, rows, keep(columns.text_score, columns.pair_score, columns.strategies, fitted))
    # the same seed draws the same texts for both
    gains = bootstrap_scores(kept)[:, 2] - bootstrap_scores(everything)[:, 2]
    interval = percentile_interval(gains)
    return None if interval is None else [round(end, 4) for end in interval]


def _counts(columns: JudgedColumns, rows: Sequence[LabelledText], kept: Bools) -> Ints:
    """`[T, 4]`: right and all kept candidates, what is right in all, and what of it is kept."""
    numbers = text_numbers(rows)
    texts = int(numbers.max()) + 1
    right = np.bincount(columns.text[kept & columns.labels], minlength=texts)
    gold = np.bincount(columns.text[columns.labels], minlength=texts)
    missed = np.bincount(numbers, weights=[row.missed_gold for row in rows], minlength=texts).astype(np.int64)
    return np.stack([right, np.bincount(columns.text[kept], minlength=texts), gold + missed, right], axis=1)


def _scores(counts: Ints) -> list[float]:
    correct, predicted, gold, _ = counts.sum(axis=0).astype(np.float64)
    precision, recall = ratio(correct, predicted, 0.0), ratio(correct, gold, 0.0)
    scores = (precision, recall, ratio(2 * precision * recall, precision + recall, 0.0))
    return [round(float(score), 4) for score in scores]
