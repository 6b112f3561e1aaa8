import json

import numpy as np
import pytest

from cacre.errors import ConfigError, DataError
from cacre.evaluation.curves import average_precision, roc_auc
from cacre.evaluation.score_table import ScoreTable
from cacre.evaluation.verifier_metrics import measure


def make_table(labels, scores, **columns):
    size = len(labels)
    values = {
        "label_source": "gold",
        "text": np.arange(size) // 2,
        "labels": np.asarray(labels, dtype=bool),
        "text_score": np.asarray(scores, dtype=float),
        "pair_score": np.full(size, np.nan),
        "strategy": [None] * size,
        "relation": ["导演"] * size,
        "text_length": np.full(size, 30),
        "missed_gold": np.zeros((size + 1) // 2, dtype=np.int64),
        "probability": np.full(size, np.nan),
        "agreement": np.full(size, np.nan),
        "error_kind": [None] * size,
        "seen": np.full(size, np.nan),
    }
    return ScoreTable(**{**values, **columns})


def random_table(size=300, seed=2, **columns):
    generator = np.random.default_rng(seed)
    labels = generator.random(size) < 0.7
    scores = np.round(generator.random(size) * 0.6 + 0.3 * labels, 2)
    probability = np.clip(scores, 0, 1)
    return make_table(labels, scores, probability=probability, **columns)


def test_the_values_are_those_of_the_curves_and_the_intervals_hold_them():
    table = random_table(missed_gold=np.ones(150, dtype=np.int64))
    report = measure(table, resamples=200)
    scores = report["scores"]["text_score"]
    assert scores["auc"]["value"] == pytest.approx(roc_auc(table.labels, table.text_score), abs=1e-6)
    expected = average_precision(table.labels, table.text_score)
    assert scores["average_precision"]["value"] == pytest.approx(expected, abs=1e-6)
    estimates = [scores["auc"], scores["average_precision"], scores["risk_coverage"]["area"], scores["best_f1"]["f1"]]
    estimates += [scores["precision_at_recall"]["0.8"], report["calibration"]["brier"], report["unfiltered"]["f1"]]
    for estimate in estimates:
        low, high = estimate["interval"]
        assert low < estimate["value"] < high
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert measure(table, resamples=200) == report
    assert measure(table, resamples=200, seed=14) != report


def test_the_auc_interval_is_that_of_a_bootstrap_written_out():
    table = random_table(60)
    generator, texts, areas = np.random.default_rng(13), 30, []
    for _ in range(100):
        rows = np.concatenate([np.flatnonzero(table.text == t) for t in generator.integers(0, texts, size=texts)])
        areas.append(roc_auc(table.labels[rows], table.text_score[rows]))
    interval = measure(table, resamples=100)["scores"]["text_score"]["auc"]["interval"]
    assert interval == pytest.approx(np.quantile(areas, [0.025, 0.975]), abs=1e-6)


def test_the_operating_point_by_hand():
    # 40 right ones: 39 are .975 of them, 38 are .95
    table = make_table([1] * 40 + [0] * 10, [*np.linspace(1, 0.61, 40), *np.linspace(0.9, 0.5, 10)])
    point = measure(table, resamples=0)["scores"]["text_score"]["operating_point"]
    assert (point["true_kept"], point["true_lost"], point["tpr"]) == (39, 1, 0.975)
    assert point["threshold"] == pytest.approx(0.62)
    assert (point["false_kept"], point["false_removed"]) == (7, 3)
    assert point["false_removed_share"] == {"value": 0.3, "interval": None}


def test_best_f1_counts_missed_gold_and_stands_beside_keeping_all():
    table = make_table([1, 1, 0, 0], [0.9, 0.8, 0.7, 0.6], missed_gold=np.asarray([1, 1]))
    report = measure(table, resamples=0)
    assert report["unfiltered"]["precision"]["value"] == 0.5
    assert report["unfiltered"]["recall"]["value"] == 0.5
    assert report["unfiltered"]["f1"]["value"] == 0.5
    best = report["scores"]["text_score"]["best_f1"]
    assert (best["f1"]["value"], best["threshold"], best["kept"]) == (pytest.approx(2 / 3, abs=1e-6), 0.8, 2)
    assert (best["precision"], best["recall"]) == (1.0, 0.5)


def test_a_score_that_some_lack_is_measured_where_it_is():
    pair = np.asarray([0.9, np.nan, 0.1, np.nan])
    scores = measure(make_table([1, 1, 0, 0], [0.4] * 4, pair_score=pair, strategy=["schema", None] * 2), resamples=0)[
        "scores"
    ]
    assert (scores["pair_score"]["n"], scores["pair_score"]["auc"]["value"]) == (2, 1.0)
    assert "best_f1" not in scores["pair_score"]
    assert scores["text_score"]["auc"]["value"] == 0.5
    assert scores["probability"] is None


def test_one_class_alone_has_no_area():
    report = measure(make_table([1, 1, 1], [0.3, 0.2, 0.1]), resamples=20)
    assert report["scores"]["text_score"]["auc"] == {"value": None, "interval": None}
    assert report["calibration"] is None
    report = measure(make_table([0, 0, 0], [0.3, 0.2, 0.1]), resamples=20)
    assert report["scores"]["text_score"]["operating_point"]["true_kept"] is None
    assert report["scores"]["text_score"]["auc"]["value"] is None
    json.dumps(report, allow_nan=False)


def test_an_area_that_most_resamples_lack_has_no_interval():
    # the one wrong candidate is not drawn in a third of the resamples
    report = measure(make_table([1] * 19 + [0], np.linspace(1, 0, 20)), resamples=100)
    assert report["scores"]["text_score"]["auc"] == {"value": 1.0, "interval": None}


def test_groups():
    size = 60
    labels = [1, 0] * 30
    relation = ["导演"] * 40 + ["号"] * 12 + ["主演"] * 8
    kinds = [None, "swap"] * 20 + [None, None] * 10
    table = make_table(
        labels,
        np.linspace(1, 0, size),
        relation=relation,
        error_kind=kinds,
        text_length=np.asarray([40, 41, 80, 81, 160, 161] * 10),
        seen=np.asarray([1.0, 0.0, np.nan] * 20),
    )
    groups = measure(table, resamples=0)["groups"]
    assert {name: group["n"] for name, group in groups["relation"].items()} == {"导演": 40, "other": 20}
    assert {name: (g["right"], g["wrong"]) for name, g in groups["error_kind"].items()} == {
        "swap": (30, 20),
        "unnamed": (30, 10),
    }
    swap = (table.labels) | np.asarray([kind == "swap" for kind in kinds])
    expected = roc_auc(table.labels[swap], table.text_score[swap])
    assert groups["error_kind"]["swap"]["auc"]["text_score"]["value"] == pytest.approx(expected, abs=1e-6)
    assert {name: group["n"] for name, group in groups["text_length"].items()} == {
        "<= 40": 10,
        "41-80": 20,
        "81-160": 20,
        "> 160": 10,
    }
    # lengths of 40 fall on right candidates only: no area, and not .5
    assert groups["text_length"]["<= 40"]["auc"]["text_score"]["value"] is None
    assert {name: group["n"] for name, group in groups["entities"].items()} == {"seen": 20, "unseen": 20}
    removed = sum(group["false_removed"] for group in groups["relation"].values())
    assert removed == measure(table, resamples=0)["scores"]["text_score"]["operating_point"]["false_removed"]


def test_every_source_says_that_gold_is_incomplete():
    for source in ("gold", "support", "lists"):
        report = measure(make_table([1, 0], [0.2, 0.1], label_source=source), resamples=0)
        assert source in report["label_note"]
        assert "incomplete" in report["label_note"]


def test_wrong_input_is_named():
    with pytest.raises(DataError, match="no candidates"):
        measure(make_table([], []))
    with pytest.raises(ConfigError, match="resamples"):
        measure(make_table([1, 0], [0.2, 0.1]), resamples=-1)
