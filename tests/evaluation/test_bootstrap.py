import numpy as np
import pytest

from cacre.errors import ConfigError, DataError
from cacre.evaluation import bootstrap_intervals, bootstrap_scores, score
from cacre.evaluation.bootstrap import Intervals


def random_counts(texts=300, seed=1):
    generator = np.random.default_rng(seed)
    predicted, gold = generator.integers(0, 5, (2, texts))
    correct = generator.binomial(np.minimum(predicted, gold), 0.6)
    return np.stack([correct, predicted, gold, correct], axis=1)


def test_equal_texts_leave_no_spread():
    counts = np.tile([1, 2, 4, 1], (20, 1))
    assert bootstrap_intervals(counts, 50).precision == (0.5, 0.5)
    assert bootstrap_intervals(counts, 50).recall == (0.25, 0.25)
    assert bootstrap_intervals(counts, 50).f1 == pytest.approx((1 / 3, 1 / 3))


def test_the_spread_of_precision_is_that_of_theory():
    # one prediction a text, so that precision is a plain mean with a known standard error
    correct = np.r_[np.ones(280, int), np.zeros(120, int)]
    counts = np.stack([correct, np.ones(400, int), np.ones(400, int), correct], axis=1)
    scores = bootstrap_scores(counts, 2000)
    assert scores[:, 0].std() == pytest.approx(np.sqrt(0.7 * 0.3 / 400), rel=0.07)
    assert scores[:, 0].mean() == pytest.approx(0.7, abs=0.002)


def test_intervals_hold_the_score_and_repeat_with_the_seed():
    counts = random_counts()
    intervals = bootstrap_intervals(counts, 200)
    correct, predicted, gold, _ = counts.sum(axis=0)
    assert intervals.precision[0] < correct / predicted < intervals.precision[1]
    assert intervals.recall[0] < correct / gold < intervals.recall[1]
    assert intervals == bootstrap_intervals(counts, 200)
    assert intervals != bootstrap_intervals(counts, 200, seed=14)
    wider = bootstrap_intervals(counts, 200, level=0.99)
    assert wider.f1[0] <= intervals.f1[0] < intervals.f1[1] <= wider.f1[1]
    assert isinstance(wider, Intervals)


def test_the_same_seed_draws_the_same_texts_for_two_systems():
    counts = random_counts()
    better = counts.copy()
    better[:, [0, 3]] = np.minimum(counts[:, 1], counts[:, 2])[:, None]
    assert (bootstrap_scores(better, 100) >= bootstrap_scores(counts, 100)).all()


def test_no_predictions_score_zero():
    assert bootstrap_scores(np.tile([0, 0, 2, 0], (5, 1)), 10).tolist() == [[0.0, 0.0, 0.0]] * 10
    assert score({}, {"甲": [("a", "b", "c")]}).f1 == 0.0


def test_wrong_input_is_named():
    with pytest.raises(DataError, match=r"\[0, 4\]"):
        bootstrap_scores(np.zeros((0, 4), dtype=np.int64))
    with pytest.raises(ConfigError, match="resamples"):
        bootstrap_scores(random_counts(), 0)
    with pytest.raises(ConfigError, match="level"):
        bootstrap_intervals(random_counts(), 10, level=95)
