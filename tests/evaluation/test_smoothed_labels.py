import sys

import numpy as np
import pytest

from cacre.errors import MissingExtraError
from cacre.evaluation.smoothed_labels import smoothed_labels

NAN = float("nan")


def test_as_many_true_ones_are_expected_as_there_are():
    draw = np.random.default_rng(3)
    labels = draw.random(300) < 0.4
    found = smoothed_labels(draw.normal(labels, 1.0), [NAN] * 300, [None] * 300, labels)
    assert found.sum() == pytest.approx(labels.sum(), abs=0.1)
    assert found[labels].mean() > found[~labels].mean() + 0.1


def test_with_many_labels_these_decide():
    draw = np.random.default_rng(3)
    labels, scores = draw.random(20_000) < 0.4, draw.random(20_000)  # the score says nothing
    few = smoothed_labels(scores[:20], [NAN] * 20, [None] * 20, labels[:20])
    many = smoothed_labels(scores, [NAN] * 20_000, [None] * 20_000, labels)
    assert np.abs(few - labels[:20]).mean() > 0.3
    assert np.abs(many - labels).mean() < 0.02


def test_each_strategy_is_read_on_its_own_scale():
    # what is high for siblings is low for paraphrases
    pairs = np.tile([0.9, 0.7, 0.3, 0.1], 10)
    names = ["paraphrase", "paraphrase", "siblings", "siblings"] * 10
    labels = np.tile([True, False, True, False], 10)
    found = smoothed_labels(np.full(40, 0.5), pairs, names, labels)
    assert (found[labels] > 0.6).all()
    assert (found[~labels] < 0.4).all()


def test_a_candidate_without_a_pair_score_goes_by_its_text_score():
    texts, labels = [0.1, 0.2, 0.8, 0.9] * 5, [0, 0, 1, 1] * 5
    found = smoothed_labels(texts, [NAN, 0.5, NAN, 0.5] * 5, [None, "schema", "schema", "schema"] * 5, labels)
    assert np.isfinite(found).all()
    assert found[0] < 0.2
    assert found[2] > 0.8


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match="eval"):
        smoothed_labels([0.1, 0.2], [NAN, NAN], [None, None], [0, 1])
