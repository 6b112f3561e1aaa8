"""Whether one output, or one score, is better than another on the same texts: paired bootstrap over texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cacre.data.normalisation import normalise_triple
from cacre.errors import DataError
from cacre.evaluation.bootstrap import Interval, TextDraws, bootstrap_scores, percentile_interval
from cacre.evaluation.curves import roc_auc
from cacre.evaluation.duie_scorer import Scores, Spo
from cacre.evaluation.score_table import Floats, Ints, ScoreTable
from cacre.evaluation.sweep import Ranking
from cacre.evaluation.table_reading import Reading


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one reaches than the other, as first minus second.

    Args:
        value: On the texts as they are.
        interval: Percentile interval over resamples; None if the measure is not defined in 95 % of them.
        p: Two-sided bootstrap p-value, `2 min(1 + #{d <= 0}, 1 + #{d >= 0}) / (B + 1)` over the B resampled differences
            d, at most 1. The added ones keep it above 0: it is never smaller than B allows. nan: not given.
        level: Share of the resamples that the interval covers.
        resamples: B.
    """

    value: float
    interval: Interval | None
    p: float
    level: float
    resamples: int

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON, rounded to 4 digits (p to 6)."""
        ends = None if self.interval is None else [round(end, 4) for end in self.interval]
        return {"value": round(self.value, 4), "interval": ends, "p": None if np.isnan(self.p) else round(self.p, 6)}

    @classmethod
    def of_samples(cls, value: float, differences: Floats, level: float = 0.95) -> Difference:
        """From the difference and its resamples `[B]`; nan where it is not defined."""
        defined = differences[~np.isnan(differences)]
        fewer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
        p = min(1.0, 2 * (1 + fewer) / (len(defined) + 1))
        return cls(value, percentile_interval(differences, level), p, level, len(differences))


def require_same_texts(
    predictions: Mapping[str, Sequence[Spo]], other: Mapping[str, Sequence[Spo]], gold: Mapping[str, Sequence[Spo]]
) -> None:
    """Refuse to compare outputs of different texts. Texts outside gold do not count, as in the scorer.

    Raises:
        DataError: A text of gold is in one output only.
    """
    apart = sorted((predictions.keys() ^ other.keys()) & gold.keys())
    if apart:
        where = "the first" if apart[0] in predictions else "the second"
        raise DataError(
            f"{len(apart)} texts of gold are in one output only, such as {apart[0][:20]!r}... in {where}: compare "
            "outputs of the same texts; a text in which nothing was found is a row with empty `triples`"
        )


def paired_scores(
    counts: npt.NDArray[np.int64], other: npt.NDArray[np.int64], *, resamples: int = 1000, seed: int = 13
) -> dict[str, Difference]:
    """Differences of precision, recall and F1 between two outputs.

    Args:
        counts: `[texts, 4]` of the first output, as `count_texts` gives them.
        other: Those of the second, against the same gold.
        resamples: How many times the texts are drawn.
        seed: Seed of the draws.

    Raises:
        DataError: The counts are not of the same texts and gold.
        ConfigError: `resamples` is below 1.
    """
    if counts.shape != other.shape or counts.ndim != 2 or not np.array_equal(counts[:, 2], other[:, 2]):
        shapes = f"{list(counts.shape)} and {list(other.shape)}"
        raise DataError(f"both counts must be [texts, 4] against the same gold, got {shapes}: count both again")
    drawn = bootstrap_scores(counts, resamples, seed) - bootstrap_scores(other, resamples, seed)
    first, second = (Scores.of_counts(*part.sum(axis=0).tolist()) for part in (counts, other))
    return {
        name: Difference.of_samples(getattr(first, name) - getattr(second, name), drawn[:, place])
        for place, name in enumerate(("precision", "recall", "f1"))
    }


def paired_auc(
    table: ScoreTable, scores: npt.ArrayLike, other: npt.ArrayLike, *, resamples: int = 1000, seed: int = 13
) -> Difference:
    """Difference of the AUC of two scores of the same candidates.

    Args:
        table: Labels and texts of the candidates.
        scores: `[N]` of the first verifier.
        other: `[N]` of the second.
        resamples: How many times the texts are drawn.
        seed: Seed of the draws.

    Raises:
        DataError: The lengths differ, a score is not finite (leave out candidates without one, with `table.where`), or
            one label is missing.
        ConfigError: `resamples` is below 1.
    """
    value = roc_auc(table.labels, scores) - roc_auc(table.labels, other)
    left, right = (Ranking(table.labels, np.asarray(part, dtype=np.float64)) for part in (scores, other))

    def difference(weights: Floats) -> Floats:
        counted = weights[:, table.text]
        return left.sweep(counted).auc() - right.sweep(counted).auc()

    drawn = TextDraws(len(table.missed_gold), resamples, seed).measure(difference, width=len(table))
    return Difference.of_samples(value, drawn)


def order_as(reading: Reading, other: Reading) -> Ints:
    """Where each candidate of the first reading stands in the second.

    Returns:
        `[N]`, so that `other.table.text_score[order]` goes with `reading.table`.

    Raises:
        DataError: The two do not hold the same candidates of the same texts with the same labels.
    """
    places = {key: place for place, key in enumerate(_keys(other))}
    keys = _keys(reading)
    alone = [key for key in keys if key not in places]
    if alone or len(places) != len(keys):
        example = f", such as {alone[0][1]!r:.80}" if alone else ""
        raise DataError(
            f"the two files have {len(keys)} and {len(places)} labelled candidates, and {len(alone)} of the first are "
            f"not in the second{example}: scores are compared on the same candidates"
        )
    order = np.asarray([places[key] for key in keys], dtype=np.int64)
    if not np.array_equal(reading.table.labels, other.table.labels[order]):
        raise DataError("the same candidates have other labels in the second file: read both with the same labels")
    return order


def _keys(reading: Reading) -> list[tuple[str, Any, int]]:
    """Text, normalised triple, and how many of the same came before (a text may come in several rows)."""
    seen: dict[tuple[str, Any], int] = {}
    keys = []
    for number, triple in zip(reading.table.text.tolist(), reading.triples, strict=True):
        key = (reading.texts[number], normalise_triple(triple))
        seen[key] = seen.get(key, -1) + 1
        keys.append((*key, seen[key]))
    return keys
