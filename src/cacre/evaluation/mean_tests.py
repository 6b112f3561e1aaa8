"""Tests of the mean of bounded losses: how surely is it below a bound? Valid for any distribution and any n."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from cacre.evaluation.score_table import Floats

MeanTest = Literal["betting", "hoeffding_bentkus"]

_ROUNDING = 1e-9
"""How far sums of rounded losses may miss their mean."""


def betting_p_values(losses: Floats, bound: float, delta: float) -> Floats:
    """p-values of `mean loss >= bound` by betting against it (Waudby-Smith & Ramdas 2024; Bates et al. 2021, 3.1.3).

    The wealth `prod(1 - bet_i * (loss_i - bound))` is a supermartingale under the hypothesis, each bet made before its
    loss is seen, so that it exceeds 1 / p at any time with a chance of p at most (Ville). Small variance pays.

    Args:
        losses: `[n, K]`, in [0, 1]; n draws, in random order, for each of K hypotheses.
        bound: In (0, 1).
        delta: Level that the bets are tuned to; the p-values are valid at any level.

    Returns:
        `[K]`.
    """
    n = len(losses)
    seen = np.arange(2, n + 2)[:, None]
    mean = (0.5 + np.cumsum(losses, axis=0)) / seen
    variance = (0.25 + np.cumsum((losses - mean) ** 2, axis=0)) / seen
    before = np.vstack([np.full((1, losses.shape[1]), 0.25), variance[:-1]])
    bets = np.minimum(1.0, np.sqrt(2 * math.log(1 / delta) / (n * before)))
    wealth = np.cumsum(np.log1p(-bets * (losses - bound)), axis=0)
    best: Floats = np.exp(-np.maximum(wealth.max(axis=0), 0.0))
    return best


def hoeffding_bentkus_p_values(losses: Floats, bound: float, delta: float) -> Floats:
    """p-values of `mean loss >= bound` by Hoeffding's and Bentkus' inequalities (Bates et al. 2021, proposition 2).

    Args:
        losses: `[n, K]`, in [0, 1].
        bound: In (0, 1).
        delta: Not used.

    Returns:
        `[K]`.
    """
    n = len(losses)
    divergence = _divergence(losses.mean(axis=0), bound)
    steps = np.arange(n + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    log_chance = factorials[n] - factorials - factorials[::-1]
    binomial = np.cumsum(np.exp(log_chance + steps * math.log(bound) + (n - steps) * math.log1p(-bound)))
    # a mean of k / n must not become k + 1 for a rounding error
    whole = np.ceil(losses.mean(axis=0) * n - 1e-9).astype(np.int64)
    smallest: Floats = np.minimum(np.minimum(np.exp(-n * divergence), math.e * binomial[whole]), 1.0)
    return smallest


MEAN_TESTS: Mapping[MeanTest, Callable[[Floats, float, float], Floats]] = {
    "betting": betting_p_values,
    "hoeffding_bentkus": hoeffding_bentkus_p_values,
}
"""Each takes losses `[n, K]`, a bound and delta, and gives p-values `[K]` of `mean loss >= bound`."""


def draws_needed(losses: Floats, bound: float, delta: float, test: MeanTest) -> int | None:
    """About how many draws like these would make a p-value of `delta`; a guide, no guarantee.

    Args:
        losses: `[n]`, in [0, 1].
        bound: In (0, 1).
        delta: Level.
        test: Which test is to be run.

    Returns:
        A number; None if their mean is not below the bound by more than rounding, so that none would do.
    """
    if float(losses.mean()) >= bound - _ROUNDING:
        return None
    if test == "betting":
        # A mean just below the bound is only told from it by small bets.
        growth = float(np.log1p(-np.geomspace(1e-4, 1.0, 80)[:, None] * (losses - bound)).mean(axis=1).max())
    else:
        growth = float(_divergence(losses.mean(keepdims=True), bound)[0])
    return math.ceil(math.log(1 / delta) / growth) if growth > 0 else None


def _divergence(mean: Floats, bound: float) -> Floats:
    """Kullback-Leibler divergence of two coins, for `mean <= bound`."""
    low = np.clip(np.minimum(mean, bound), 1e-300, 1 - 1e-16)
    found: Floats = low * np.log(low / bound) + (1 - low) * np.log((1 - low) / (1 - bound))
    return found
