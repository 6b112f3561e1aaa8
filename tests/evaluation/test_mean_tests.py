import math

import numpy as np
import pytest

from cacre.evaluation.mean_tests import MEAN_TESTS, betting_p_values, draws_needed, hoeffding_bentkus_p_values


@pytest.mark.parametrize("test", MEAN_TESTS.values())
@pytest.mark.parametrize("law", ["coin", "steady", "heavy"])
def test_p_values_of_a_true_hypothesis_are_rarely_small(test, law):
    """2,000 samples whose mean is just the bound: at most a share delta may be rejected."""
    generator, bound, shape = np.random.default_rng(0), 0.1, (200, 2000)
    losses = {
        "coin": lambda: (generator.random(shape) < bound).astype(float),
        "steady": lambda: generator.uniform(0, 2 * bound, shape),
        "heavy": lambda: np.where(generator.random(shape) < 0.02, 1.0, (bound - 0.02) / 0.98),
    }[law]()
    for delta in (0.05, 0.2):
        # a share of delta, and four standard errors
        assert (test(losses, bound, delta) <= delta).mean() <= delta + 4 * math.sqrt(delta * (1 - delta) / 2000)


@pytest.mark.parametrize("test", MEAN_TESTS.values())
def test_p_values_lie_in_the_unit_interval_and_see_a_small_mean(test):
    losses = np.stack([np.full(300, 0.01), np.full(300, 0.1), np.full(300, 0.9)], axis=1)
    p_values = test(losses, 0.1, 0.1)
    assert ((p_values > 0) & (p_values <= 1)).all()
    assert p_values[0] < 0.01
    assert p_values[1] == p_values[2] == 1.0


def test_bentkus_by_hand():
    """No loss in 20 draws: e * .9 ** 20 of Bentkus is larger than .9 ** 20 of Hoeffding."""
    assert hoeffding_bentkus_p_values(np.zeros((20, 1)), 0.1, 0.1)[0] == pytest.approx(0.9**20)


def test_betting_by_hand():
    """The first bet is sqrt(2 log 10 / (2 / 4)), cut to 1; both losses are 0, so that the wealth is 1.1 ** 2."""
    assert betting_p_values(np.zeros((2, 1)), 0.1, 0.1)[0] == pytest.approx(1 / 1.1**2)


def test_small_variance_pays_in_betting():
    coin = (np.arange(400) % 12 == 6).astype(float)[:, None]
    steady = np.full((400, 1), coin.mean())
    assert betting_p_values(steady, 0.1, 0.1)[0] < 0.05 < betting_p_values(coin, 0.1, 0.1)[0]


@pytest.mark.parametrize("test", MEAN_TESTS)
def test_so_many_draws_are_about_enough(test):
    losses = np.tile([0.0, 0.1, 0.05, 0.05], 25)
    needed = draws_needed(losses, 0.1, 0.1, test)
    assert MEAN_TESTS[test](np.resize(losses, (2 * needed, 1)), 0.1, 0.1)[0] <= 0.1
    assert MEAN_TESTS[test](np.resize(losses, (needed // 2, 1)), 0.1, 0.1)[0] > 0.1
    assert draws_needed(losses + 0.1, 0.1, 0.1, test) is None


@pytest.mark.parametrize("test", MEAN_TESTS)
@pytest.mark.parametrize("below", [0.0, 1e-12, 1e-6, 1e-4, 1e-3, 1e-2])
def test_draws_needed_are_a_number_that_would_do_or_none(test, below):
    """Of coins whose mean is hardly below the bound: once as many as less than none."""
    coin = (np.arange(10_000) < 1000).astype(float)
    needed = draws_needed(coin, 0.1 + below, 0.1, test)
    if below < 1e-9:
        assert needed is None
    elif needed is not None:
        # the divergence of coins, which no test can do better than
        assert needed >= math.log(10) / (below**2 / (2 * 0.1 * 0.9)) * 0.9
    assert below < 1e-4 or needed is not None
