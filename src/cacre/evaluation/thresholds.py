"""Fitting the two thresholds of the decision rule together.

The paper keeps a candidate when `text_score >= tau_1` and `pair_score >= tau_2`, both "optimised during training". The
pair score is found in one of several ways, each with a scale of its own and hence its own tau_2 (A28); a candidate
without a pair score only needs tau_1.

How it is fitted. For a grid of tau_1 (midpoints between neighbouring scores, evenly spaced in rank) and, per strategy,
a grid of tau_2, one two-dimensional histogram per strategy gives the true and false candidates kept at every pair of
grid points. Given tau_1 the strategies share no candidate, but the F1 of all of them couples their thresholds. So for
every tau_1 at once: start from the best of several cheap solutions (all off, and each strategy by itself maximising
`true - price * false` for a range of prices), then change one strategy's threshold at a time to the best value given
the others until nothing changes. With one strategy this is the exact optimum on the grid; with more it is a maximum
that no change of a single threshold improves. The best tau_1 wins; ties go to the looser thresholds.

No threshold lies above the largest score seen: a strategy is never rejected wholesale.

What is maximised is counted in labels; or, where each candidate has a probability, in what these let expect
(`smoothed_labels`), and then a tau_2 that is worth less than one true candidate stays off. Limits are kept in labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError
from cacre.evaluation.curves import Bools, Floats, checked
from cacre.evaluation.threshold_objective import Criterion, ThresholdObjective, counted_as
from cacre.inference.thresholds import OFF, Calibration, Thresholds

Places = npt.NDArray[np.int64]

_HIGHEST_PRICE = 0.9
_SLACK = 1e-3
"""How far rounding may carry a cosine below -1."""


@dataclass(frozen=True, slots=True)
class FittedThresholds:
    """Thresholds and what they reach on the candidates they were fitted on.

    Args:
        text_threshold: tau_1; -1 is off.
        pair_thresholds: tau_2 of each strategy; -1 is off.
        precision: Of the kept candidates, the share that is true.
        recall: Of the true candidates and the missed gold, the share that is kept.
        f1: Harmonic mean of the two.
        tpr: Share of the true candidates kept.
        fpr: Share of the false candidates kept; 0 if there were none.
    """

    text_threshold: float
    pair_thresholds: dict[str, float]
    precision: float
    recall: float
    f1: float
    tpr: float
    fpr: float

    def as_thresholds(
        self, calibration: Calibration | None = None, fitted_on: Mapping[str, Any] | None = None
    ) -> Thresholds:
        """The content of `thresholds.json`."""
        return Thresholds(self.text_threshold, dict(self.pair_thresholds), calibration, dict(fitted_on or {}))


@dataclass(frozen=True, slots=True)
class _Group:
    """What is kept at each (tau_1, tau_2); without a strategy the only tau_2 is off."""

    strategy: str | None
    grid: Floats
    """[J] tau_2, ascending, the first one off."""
    kept: Floats
    """[K, I, J]: true and false candidates; where they have probabilities also the true and false ones to expect."""


def keep(
    text_scores: npt.ArrayLike,
    pair_scores: npt.ArrayLike,
    strategies: Sequence[str | None],
    thresholds: Thresholds | FittedThresholds,
) -> Bools:
    """The two-threshold rule: which candidates to keep.

    Args:
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.
        strategies: [N]; how each pair score was found, None where there is none.
        thresholds: tau_1 and tau_2; a strategy without a tau_2 is off.

    Returns:
        [N] booleans.

    Raises:
        DataError: The lengths differ, a text score is not finite, or a pair score has no strategy.
    """
    texts, pairs, names = _checked_scores(text_scores, pair_scores, strategies)
    limits = np.asarray([OFF if n is None else thresholds.pair_thresholds.get(n, OFF) for n in names], dtype=np.float64)
    # rounding can put a cosine a hair below -1: off means off
    passes_text = (texts >= thresholds.text_threshold) | (thresholds.text_threshold <= OFF)
    return passes_text & (np.isnan(pairs) | (limits <= OFF) | (pairs >= limits))


def fit_thresholds(
    text_scores: npt.ArrayLike,
    pair_scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    strategies: Sequence[str | None],
    probabilities: npt.ArrayLike | None = None,
    missed_gold: int = 0,
    criterion: Criterion = "f1",
    grid: int = 200,
    max_recall_loss: float | None = None,
    target_precision: float | None = None,
) -> FittedThresholds:
    """Fit tau_1 and, for each strategy, tau_2; the module's docstring says how.

    Args:
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.
        labels: [N], true = supported.
        strategies: [N]; how each pair score was found, None where there is none.
        probabilities: [N], in [0, 1], that each is true; the criterion is what they let expect. None: the labels' own.
        missed_gold: Gold triples that were never proposed. They count in the denominator of recall. At the best F1 a
            false candidate costs F1 / (2 - F1) true ones, so that without them F1 would seem higher than it is and
            the thresholds would come out too strict.
        criterion: `f1`; `youden` (tpr - fpr); `recall` (only useful with `target_precision`).
        grid: Largest number of values tried per threshold, besides off.
        max_recall_loss: How far recall may fall below that of keeping everything, in points (.02 is two points).
        target_precision: Precision to reach at least, on these candidates; no guarantee on others.

    Raises:
        DataError: The arrays do not fit together, or no candidate is true.
        ConfigError: A setting is out of its range, or no thresholds meet both limits.
    """
    truth, _ = checked(labels, text_scores, both_classes=False)
    texts, pairs, names = _checked_scores(text_scores, pair_scores, strategies)
    _check_fit(texts, pairs, truth, grid)
    counted = counted_as(truth, probabilities)
    objective = ThresholdObjective.of(counted, criterion, missed_gold, max_recall_loss, target_precision)
    text_grid = threshold_grid(texts, grid)
    groups = _groups(texts, pairs, names, counted, text_grid, grid)
    chosen, values = _ascend(groups, _start(groups, objective), objective)
    if probabilities is not None:
        chosen, values = _worth_it(groups, chosen, values, objective)
    best = int(np.argmax(values))
    objective.require_met(float(values[best]))
    pair_thresholds = {
        group.strategy: float(group.grid[place])
        for group, place in zip(groups, chosen[:, best], strict=True)
        if group.strategy is not None
    }
    true, false = (float(total[best]) for total in _totals(groups, chosen)[:2])
    return _fitted(float(text_grid[best]), pair_thresholds, true, false, objective)


def _fitted(
    text_threshold: float, pair_thresholds: dict[str, float], true: float, false: float, objective: ThresholdObjective
) -> FittedThresholds:
    """Thresholds with the scores of keeping so many true and false candidates."""
    return FittedThresholds(
        text_threshold,
        pair_thresholds,
        precision=true / (true + false) if true + false else 0.0,
        recall=true / objective.gold,
        f1=2 * true / (true + false + objective.gold),
        tpr=true / objective.total_true,
        fpr=false / objective.total_false if objective.total_false else 0.0,
    )


def _ascend(groups: Sequence[_Group], chosen: Places, objective: ThresholdObjective) -> tuple[Places, Floats]:
    """Change one group's threshold at a time, for every tau_1 at once, until nothing gets better.

    Args:
        groups: G groups.
        chosen: [G, I] place in each group's grid to start from.
        objective: What to maximise.

    Returns:
        The places [G, I] and the value [I] they reach.
    """
    rows = np.arange(chosen.shape[1])
    values = objective(_totals(groups, chosen))
    changed = True
    while changed:
        changed = False
        for number, group in enumerate(groups):
            others = _totals(groups, chosen) - group.kept[:, rows, chosen[number]]
            table = objective(others[:, :, None] + group.kept)  # [I, J]
            place = table.argmax(axis=1)
            found = table[rows, place]
            # an equal value is taken only when looser: (value, looseness) rises each time, so that the loop ends
            better = (found > values) | ((found == values) & (place < chosen[number]))
            if better.any():
                chosen[number] = np.where(better, place, chosen[number])
                values = np.where(better, found, values)
                changed = True
    return chosen, values


def _worth_it(
    groups: Sequence[_Group], chosen: Places, values: Floats, objective: ThresholdObjective
) -> tuple[Places, Floats]:
    """For each tau_1 the places found and their value less a true candidate for each tau_2; or all tau_2 off."""
    off = np.zeros_like(chosen)
    without = objective(_totals(groups, off))
    # With very few true candidates the price is below 1, or what keeps the limits would seem not to.
    priced = values - np.minimum((chosen > 0).sum(axis=0) / objective.gold, _HIGHEST_PRICE)
    return np.where(priced > without, chosen, off), np.maximum(priced, without)


def _start(groups: Sequence[_Group], objective: ThresholdObjective) -> Places:
    """[G, I]: for each tau_1 the best of the solutions where each group maximises `true - price * false` by itself."""
    tried = [(price, n) for price in objective.prices() for n in range(0, len(groups[0].kept), 2)]
    starts = np.stack(
        [np.stack([(g.kept[n] - price * g.kept[n + 1]).argmax(axis=1) for g in groups]) for price, n in tried]
    )  # [S, G, I]
    values = np.stack([objective(_totals(groups, start)) for start in starts])  # [S, I]
    return starts[values.argmax(axis=0), :, np.arange(starts.shape[2])].T.copy()


def _totals(groups: Sequence[_Group], chosen: Places) -> Floats:
    """[K, I]: what is kept at the places [G, I]."""
    rows = np.arange(chosen.shape[1])
    kept = [group.kept[:, rows, places] for group, places in zip(groups, chosen, strict=True)]
    totals: Floats = np.sum(kept, axis=0)
    return totals


def _groups(
    texts: Floats, pairs: Floats, names: Sequence[str | None], counted: Floats, text_grid: Floats, size: int
) -> list[_Group]:
    has_pair = ~np.isnan(pairs)
    of = np.asarray([name if pair else "" for name, pair in zip(names, has_pair, strict=True)], dtype=object)
    groups = []
    for name in sorted(set(of)):
        rows = of == name
        grid = threshold_grid(pairs[rows], size) if name else np.asarray([OFF])
        # the largest grid point that still lets the score through; off (0) lets everything through
        first = np.maximum(np.searchsorted(text_grid, texts[rows], side="right") - 1, 0)
        second = np.maximum(np.searchsorted(grid, pairs[rows], side="right") - 1, 0) if name else np.zeros_like(first)
        shape = (len(text_grid), len(grid))
        groups.append(_Group(name or None, grid, np.stack([_kept(first, second, row[rows], shape) for row in counted])))
    return groups


def _kept(first: Places, second: Places, weights: Floats, shape: tuple[int, int]) -> Floats:
    """[I, J]: weights of the candidates that reach both grid points, from the last points that each one reaches."""
    sums = np.bincount(first * shape[1] + second, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
    return sums[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]


def threshold_grid(values: Floats, size: int) -> Floats:
    """Off, then at most `size` midpoints between neighbouring distinct values, ascending, evenly spaced in rank.

    Midpoints, because a score computed again in another batch may differ in its last bits.
    """
    distinct, counts = np.unique(values, return_counts=True)
    low, high = distinct[:-1], distinct[1:]
    middle = low + (high - low) / 2
    middle = np.where(middle > low, middle, high)
    if len(middle) > size:
        below = np.cumsum(counts)[:-1]
        wanted = np.linspace(0, len(values), size + 2)[1:-1]
        middle = middle[np.unique(np.minimum(np.searchsorted(below, wanted), len(middle) - 1))]
    return np.concatenate([[OFF], middle[middle > OFF]])


def _checked_scores(
    text_scores: npt.ArrayLike, pair_scores: npt.ArrayLike, strategies: Sequence[str | None]
) -> tuple[Floats, Floats, Sequence[str | None]]:
    texts, pairs = np.asarray(text_scores, dtype=np.float64), np.asarray(pair_scores, dtype=np.float64)
    if texts.ndim != 1 or texts.shape != pairs.shape or len(texts) != len(strategies):
        shapes = f"{list(texts.shape)}, {list(pairs.shape)} and {len(strategies)}"
        raise DataError(f"text_scores, pair_scores and strategies must be [N] each, got {shapes}")
    if not np.isfinite(texts).all() or np.isinf(pairs).any():
        raise DataError("text_scores must be finite and pair_scores finite or nan: look for candidates without a score")
    for place in np.flatnonzero(~np.isnan(pairs)).tolist():
        if not strategies[place]:
            raise DataError(f"candidate {place} has pair score {pairs[place]} but no strategy: name how it was found")
    return texts, pairs, strategies


def _check_fit(texts: Floats, pairs: Floats, truth: Bools, grid: int) -> None:
    if not truth.any():
        raise DataError(f"none of the {len(truth)} candidates is labelled true: there is nothing to fit thresholds on")
    lowest = min(texts.min(), np.min(pairs, where=~np.isnan(pairs), initial=0.0))
    if lowest < OFF - _SLACK:
        raise DataError(f"scores are cosines and a threshold of {OFF} means off, got a score of {lowest}")
    if grid < 1:
        raise ConfigError(f"grid must be at least 1, got {grid}")
