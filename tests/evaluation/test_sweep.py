import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from cacre.evaluation.curves import (
    average_precision,
    brier_score,
    coverage_at_risk,
    precision_at_recall,
    precision_recall_curve,
    recall_at_precision,
    reliability_bins,
    risk_coverage_area,
    risk_coverage_curve,
    roc_auc,
    roc_curve,
)
from cacre.evaluation.sweep import Ranking

# few levels, so that ties are the rule
scored = st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def columns(rows):
    labels, scores = zip(*rows, strict=True)
    return np.asarray(labels), np.asarray(scores) / 4


@settings(max_examples=40)
@given(scored)
def test_equal_to_scikit_learn_with_ties(rows):
    labels, scores = columns(rows)
    assert roc_auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(metrics.average_precision_score(labels, scores))
    theirs = metrics.roc_curve(labels, scores, drop_intermediate=False)
    for ours, other in zip(roc_curve(labels, scores), theirs, strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-12)
    precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
    curve = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1])  # they end with a point for keeping nothing
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1])
    np.testing.assert_allclose(curve.thresholds[::-1], thresholds)
    probabilities = (scores + 1) / 2
    assert brier_score(labels, probabilities) == pytest.approx(metrics.brier_score_loss(labels, probabilities))


@settings(max_examples=40)
@given(scored, st.data())
def test_a_weight_of_n_is_n_copies(rows, data):
    labels, scores = columns(rows)
    weights = np.asarray(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    swept = Ranking(labels, scores).sweep(weights[None, :].astype(float))
    labels, scores = np.repeat(labels, weights), np.repeat(scores, weights)
    if not labels.any() or labels.all():
        assert np.isnan(swept.auc()[0])
        return
    copied = Ranking(labels, scores).sweep()
    for name, arguments in (
        ("auc", ()),
        ("average_precision", ()),
        ("risk_area", ()),
        ("precision_at_recall", (0.8,)),
        ("recall_at_precision", (0.6,)),
        ("false_removed_at_tpr", (0.9,)),
        ("coverage_at_risk", (0.3,)),
    ):
        ours, expected = getattr(swept, name)(*arguments)[0], getattr(copied, name)(*arguments)
        assert ours == pytest.approx(float(expected)), name
    assert swept.auc()[0] == pytest.approx(metrics.roc_auc_score(labels, scores))
    missed = np.asarray([2.0])
    assert swept.f1(missed).max() == pytest.approx(copied.f1(np.asarray(2.0)).max())


def test_rates_by_hand():
    labels, scores = [1, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5]
    # kept 1..5: precision 1, 1/2, 2/3, 3/4, 3/5; recall 1/3, 1/3, 2/3, 1, 1
    assert precision_at_recall(labels, scores, 0.5) == 0.75  # not 2/3, which the strictest threshold would give
    assert recall_at_precision(labels, scores, 0.7) == 1.0
    assert recall_at_precision(labels, scores, 0.8) == pytest.approx(1 / 3)
    assert recall_at_precision([0, 1], [0.9, 0.1], 0.8) == 0.0


def test_risk_and_coverage_by_hand():
    labels, scores = [1, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5]
    risks = [0, 1 / 2, 1 / 3, 1 / 4, 2 / 5]
    curve = risk_coverage_curve(labels, scores)
    assert curve.coverage.tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert curve.risk.tolist() == pytest.approx(risks)
    assert risk_coverage_area(labels, scores) == pytest.approx(np.mean(risks))
    assert coverage_at_risk(labels, scores, 0.25) == 0.8
    assert coverage_at_risk([0, 1], [0.9, 0.1], 0.1) == 0.0
    # one score for all: no order, so that every coverage has the risk of all
    assert risk_coverage_area([1, 0, 0, 0], [0.5] * 4) == 0.75
    assert risk_coverage_area([1, 1], [0.2, 0.1]) == 0.0


def test_reliability_bins_by_hand():
    bins = reliability_bins([0, 0, 1, 1], [0.2, 0.4, 0.7, 1.0], bins=2)
    assert bins.count.tolist() == [2, 2]
    assert bins.mean_probability.tolist() == pytest.approx([0.3, 0.85])
    assert bins.share_true.tolist() == [0.0, 1.0]
    assert np.isnan(reliability_bins([0], [0.2], bins=2).share_true[1])
