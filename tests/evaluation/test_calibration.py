import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cacre.errors import DataError, MissingExtraError
from cacre.evaluation import brier_score, expected_calibration_error, fit_calibration, probabilities


def random_candidates(seed, size=4000):
    """Labels drawn from a known logistic law; a third without a pair score."""
    generator = np.random.default_rng(seed)
    texts, pairs = generator.uniform(-0.2, 1.0, (2, size))
    pairs[generator.random(size) < 1 / 3] = np.nan
    has_pair = ~np.isnan(pairs)
    logit = 4 * texts + 3 * np.where(has_pair, pairs, 0) - 1.5 * has_pair - 1
    truth = 1 / (1 + np.exp(-logit))
    return texts, pairs, generator.random(size) < truth, truth


def test_a_known_law_is_found_again():
    texts, pairs, labels, truth = random_candidates(0)
    found = fit_calibration(texts, pairs, labels)
    assert found.text_weight == pytest.approx(4, abs=0.5)
    assert found.pair_weight == pytest.approx(3, abs=0.6)
    assert found.has_pair_weight == pytest.approx(-1.5, abs=0.4)
    assert np.abs(probabilities(found, texts, pairs) - truth).max() < 0.06


def test_fresh_candidates_are_calibrated():
    found = fit_calibration(*random_candidates(0)[:3])
    texts, pairs, labels, _ = random_candidates(1)
    given = probabilities(found, texts, pairs)
    assert expected_calibration_error(labels, given) < 0.03
    assert brier_score(labels, given) < brier_score(labels, np.full(len(labels), labels.mean()))


def test_applying_equals_scikit_learn():
    texts, pairs, labels, _ = random_candidates(2, 300)
    has_pair = ~np.isnan(pairs)
    features = np.stack([texts, np.where(has_pair, pairs, 0), has_pair], axis=1)
    model = LogisticRegression(C=100.0, max_iter=1000).fit(features, labels)
    given = probabilities(fit_calibration(texts, pairs, labels), texts, pairs)
    np.testing.assert_allclose(given, model.predict_proba(features)[:, 1], atol=1e-9)


def test_scores_that_separate_the_labels_stay_finite():
    found = fit_calibration([0.1, 0.2, 0.8, 0.9], [np.nan] * 4, [0, 0, 1, 1])
    assert found.pair_weight == 0.0
    assert 0 < found.probability(0.1, None) < 0.5 < found.probability(0.9, None) < 1


def test_wrong_input_is_named():
    with pytest.raises(DataError, match="both labels"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 1])
    with pytest.raises(DataError, match="pair_scores"):
        fit_calibration([0.1, 0.2], [0.1], [1, 0])


def test_without_scikit_learn_the_pip_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cacre\[eval\]'"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 0])
