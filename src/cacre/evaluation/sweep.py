"""Letting a threshold down over all distinct scores: every ranking measure, in one sample or in many resamples at once.

Equal scores are one step. A measure is defined here once; `curves` applies it to candidates as they are, `bootstrap` to
resampled texts by giving each candidate the number of times that its text was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

EPSILON = 1e-12
"""A rate asked for as .1 + .2 must be reached by one of .3."""


def ratio(numerator: Floats, denominator: Floats, otherwise: float = np.nan) -> Floats:
    """Quotient, broadcast; `otherwise` where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient = np.full(shape, otherwise)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


@dataclass(frozen=True)
class Sweep:
    """Candidates kept at each of K distinct scores, from the largest down: those with `score >= threshold`.

    The leading axes of `true` and `false` are resamples, or absent. All measures have the shape of these axes.

    Args:
        thresholds: `[K]`.
        true: `[..., K]` true candidates kept.
        false: `[..., K]` false candidates kept.
    """

    thresholds: Floats
    true: Floats
    false: Floats

    @property
    def total_true(self) -> Floats:
        """`[...]` true candidates."""
        return np.asarray(self.true[..., -1])

    @property
    def total_false(self) -> Floats:
        """`[...]` false candidates."""
        return np.asarray(self.false[..., -1])

    @cached_property
    def kept(self) -> Floats:
        """`[..., K]` candidates kept."""
        return self.true + self.false

    @cached_property
    def precision(self) -> Floats:
        """`[..., K]`; 0 where nothing is kept, as happens in a resample."""
        return ratio(self.true, self.kept, otherwise=0.0)

    @cached_property
    def recall(self) -> Floats:
        """`[..., K]` share of the true candidates that is kept (true positive rate); nan where there is none."""
        return ratio(self.true, self.total_true[..., None])

    def auc(self) -> Floats:
        """Area under the ROC curve; nan where one class is missing."""
        steps = np.diff(self.false, axis=-1, prepend=0.0)
        middle = self.true - np.diff(self.true, axis=-1, prepend=0.0) / 2
        return ratio(np.asarray((steps * middle).sum(axis=-1)), self.total_true * self.total_false)

    def average_precision(self) -> Floats:
        """Precisions weighted by the recall gained (no interpolation); nan where no candidate is true."""
        gained = np.diff(self.true, axis=-1, prepend=0.0)
        return ratio(np.asarray((gained * self.precision).sum(axis=-1)), self.total_true)

    def precision_at_recall(self, recall: float) -> Floats:
        """The best precision among thresholds with at least this recall; nan where no candidate is true."""
        reached = np.where(self.recall >= recall - EPSILON, self.precision, 0.0)
        return np.where(self.total_true > 0, reached.max(axis=-1), np.nan)

    def recall_at_precision(self, precision: float) -> Floats:
        """The largest recall among thresholds with at least this precision, 0 if none; nan where none is true."""
        reached = np.where(self.precision >= precision - EPSILON, self.recall, 0.0)
        return np.where(self.total_true > 0, reached.max(axis=-1), np.nan)

    def place_at_tpr(self, tpr: float) -> Ints:
        """Place in `thresholds` of the strictest one that keeps this share of the true candidates."""
        return np.asarray((self.recall >= tpr - EPSILON).argmax(axis=-1))

    def false_removed_at_tpr(self, tpr: float) -> Floats:
        """Share of the false candidates that the threshold of `place_at_tpr` rejects; nan where a class is missing."""
        kept = np.take_along_axis(self.false, self.place_at_tpr(tpr)[..., None], axis=-1)[..., 0]
        return np.where(self.total_true > 0, 1.0 - ratio(kept, self.total_false), np.nan)

    def risk_area(self) -> Floats:
        """Area under the risk-coverage curve: mean risk over all coverages (Geifman et al., 2019); lower is better.

        Candidates of one score come in together, at the risk that they bring about.
        """
        steps = np.diff(self.kept, axis=-1, prepend=0.0)
        risk = ratio(self.false, self.kept, otherwise=0.0)
        return ratio(np.asarray((steps * risk).sum(axis=-1)), np.asarray(self.kept[..., -1]))

    def coverage_at_risk(self, risk: float) -> Floats:
        """The largest share of candidates that can be kept with at most this share of false ones; 0 if none."""
        allowed = ratio(self.false, self.kept, otherwise=np.inf) <= risk + EPSILON
        coverage = ratio(self.kept, np.asarray(self.kept[..., -1:]), otherwise=0.0)
        return np.asarray(np.where(allowed, coverage, 0.0).max(axis=-1))

    def f1(self, missed: Floats) -> Floats:
        """`[..., K]` F1 of what is kept.

        Args:
            missed: `[...]` true triples that no candidate proposes; they lower recall.
        """
        return ratio(2 * self.true, self.kept + (self.total_true + missed)[..., None], otherwise=0.0)


class Ranking:
    """N candidates in the order of their scores, ready to be swept under any weights.

    Args:
        labels: `[N]`, true = supported.
        scores: `[N]`, finite; N >= 1.
    """

    def __init__(self, labels: Bools, scores: Floats) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self._truth = labels[self._order].astype(np.float64)
        self.thresholds: Floats = ranked[self._ends]

    def sweep(self, weights: Floats | None = None) -> Sweep:
        """Sweep the candidates, each counted as often as its weight says.

        Args:
            weights: `[..., N]`; None counts each once.
        """
        counted = np.ones(len(self._order)) if weights is None else weights[..., self._order]
        true = np.cumsum(counted * self._truth, axis=-1)[..., self._ends]
        return Sweep(self.thresholds, true, np.cumsum(counted, axis=-1)[..., self._ends] - true)
