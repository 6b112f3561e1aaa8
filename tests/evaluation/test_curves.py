import numpy as np
import pytest
from sklearn import metrics

from cacre.errors import ConfigError, DataError
from cacre.evaluation import (
    average_precision,
    brier_score,
    expected_calibration_error,
    false_positives_removed_at_tpr,
    roc_auc,
    roc_curve,
    true_positive_rate_at,
)


def random_scores(seed, size=400, levels=25):
    """Scores with many ties, a little higher for true candidates."""
    generator = np.random.default_rng(seed)
    labels = generator.random(size) < 0.6
    return labels, np.round((generator.random(size) + 0.4 * labels) * levels) / levels


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [1, 25, 10**9])
def test_equal_to_scikit_learn(seed, levels):
    labels, scores = random_scores(seed, levels=levels)
    assert roc_auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(
        metrics.average_precision_score(labels, scores), abs=1e-12
    )
    for ours, theirs in zip(
        roc_curve(labels, scores), metrics.roc_curve(labels, scores, drop_intermediate=False), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    probabilities = scores / scores.max()
    assert brier_score(labels, probabilities) == pytest.approx(metrics.brier_score_loss(labels, probabilities))


def test_auc_by_hand():
    # pairs (true, false): .8 > .3, .8 > .6, .6 > .3, and .6 against .6 is a tie
    assert roc_auc([1, 1, 0, 0], [0.8, 0.6, 0.6, 0.3]) == 3.5 / 4


def test_operating_points_by_hand():
    labels, scores = [1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert true_positive_rate_at(labels, scores, 0.0) == pytest.approx(2 / 3)
    assert true_positive_rate_at(labels, scores, 0.4) == 1.0
    assert false_positives_removed_at_tpr(labels, scores, 1.0) == pytest.approx(2 / 3)
    assert false_positives_removed_at_tpr(labels, scores, 0.6) == 1.0
    assert false_positives_removed_at_tpr(labels, scores) == pytest.approx(2 / 3)
    # equal scores fall together: a tied false candidate cannot be removed alone
    assert false_positives_removed_at_tpr([1, 0], [0.5, 0.5], 1.0) == 0.0


def test_a_rate_is_reached_in_spite_of_rounding():
    labels = [1] * 10 + [0] * 10
    scores = np.r_[np.linspace(1, 0.1, 10), np.linspace(0.95, 0.05, 10)]
    assert true_positive_rate_at(labels, scores, 0.1 + 0.2) == true_positive_rate_at(labels, scores, 0.3) == 0.4
    assert false_positives_removed_at_tpr(labels, scores, 0.1 + 0.2) == pytest.approx(0.8)


def test_calibration_error_by_hand():
    # bins of .5: mean probability .3 against 0 true, and .8 against 1/2 true
    assert expected_calibration_error([0, 0, 1, 0], [0.2, 0.4, 0.7, 0.9], bins=2) == pytest.approx((0.3 + 0.3) / 2)
    assert expected_calibration_error([1, 0], [1.0, 0.0]) == 0.0
    assert brier_score([1, 0], [0.5, 1.0]) == pytest.approx((0.25 + 1.0) / 2)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 0], [0.5], r"\[2\] and \[1\]"),
        ([], [], "N >= 1"),
        ([2, 0], [0.5, 0.1], "0 or 1, got 2"),
        ([1, 0], [0.5, np.nan], "nan at index 1"),
        ([1, 1], [0.5, 0.1], "both labels"),
    ],
)
def test_wrong_input_is_named(labels, scores, message):
    with pytest.raises(DataError, match=message):
        roc_auc(labels, np.asarray(scores, dtype=float))


def test_wrong_settings_are_named():
    with pytest.raises(ConfigError, match="fpr"):
        true_positive_rate_at([1, 0], [0.5, 0.1], 1.5)
    with pytest.raises(ConfigError, match="bins"):
        expected_calibration_error([1, 0], [0.5, 0.1], bins=0)
    with pytest.raises(DataError, match="probabilities"):
        brier_score([1, 0], [0.5, 1.1])
