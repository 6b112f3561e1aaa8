import numpy as np
import pytest

from cacre.evaluation.pair_threshold import fit_pair_threshold
from cacre.evaluation.thresholds import fit_thresholds

NAN = float("nan")


@pytest.mark.parametrize("seed", range(20))
def test_where_the_text_threshold_is_off_it_is_that_of_the_joint_fit(seed):
    generator = np.random.default_rng(seed)
    labels = generator.random(60) < 0.5
    labels[0] = True
    pairs = np.round(np.clip(0.3 * labels + generator.normal(0, 0.3, 60), -1, 1), 3)
    texts = np.full(60, 0.5)
    joint = fit_thresholds(texts, pairs, labels, strategies=["schema"] * 60, missed_gold=seed)
    alone = fit_pair_threshold(texts, pairs, labels, text_threshold=-1.0, missed_gold=seed)
    assert alone == joint.pair_thresholds["schema"]


def test_only_what_passes_the_text_threshold_counts():
    texts, pairs, labels = [0.1, 0.1, 0.8, 0.8, 0.8], [0.9, 0.8, 0.2, 0.4, NAN], [False, False, False, True, True]
    assert fit_pair_threshold(texts, pairs, labels, text_threshold=0.5) == pytest.approx(0.3)
    assert fit_pair_threshold(texts, [NAN] * 5, labels, text_threshold=0.5) == -1.0
    assert fit_pair_threshold([0.1] * 5, pairs, labels, text_threshold=0.5) == -1.0


def test_limits_are_kept_or_come_near():
    texts, labels = np.full(8, 0.5), np.asarray([True, False, True, False, True, False, False, False])
    pairs = np.linspace(0.8, 0.1, 8)
    free = fit_pair_threshold(texts, pairs, labels, text_threshold=-1.0)
    assert 0.3 < free <= 0.4
    assert 0.7 < fit_pair_threshold(texts, pairs, labels, text_threshold=-1.0, target_precision=0.9) <= 0.8
    wrong_first = ~labels
    nearest = fit_pair_threshold(texts, pairs, wrong_first, text_threshold=-1.0, target_precision=0.99)
    kept = pairs >= nearest
    shares = [wrong_first[pairs >= limit].mean() for limit in pairs]
    assert wrong_first[kept].mean() == max(shares)


def test_by_probabilities_it_stays_off_unless_it_is_worth_a_candidate():
    texts, labels = np.full(32, 0.5), np.asarray([True] * 16 + [False] * 16)
    pairs = np.linspace(0.8, 0.1, 32)
    surely = np.where(labels, 0.9, 0.1)
    found = fit_pair_threshold(texts, pairs, labels, text_threshold=-1.0, probabilities=surely)
    assert found == pytest.approx(0.45)
    hardly = np.where(labels, 0.5, 0.25)
    assert fit_pair_threshold(texts, pairs, labels, text_threshold=-1.0) == found
    assert fit_pair_threshold(texts, pairs, labels, text_threshold=-1.0, probabilities=hardly) == -1.0
