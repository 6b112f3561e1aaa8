import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import ModelError
from cacre.inference.thresholds import Calibration, Thresholds

NUMBER = st.floats(allow_nan=False, allow_infinity=False)
CALIBRATION = st.builds(Calibration, NUMBER, NUMBER, NUMBER, NUMBER)


@settings(max_examples=50, deadline=None)
@given(NUMBER, st.dictionaries(st.text(), NUMBER), st.none() | CALIBRATION)
def test_json_round_trip(text_threshold, pairs, calibration):
    thresholds = Thresholds(text_threshold, pairs, calibration, {"rows": 3})
    assert Thresholds.from_dict(json.loads(json.dumps(thresholds.to_dict()))) == thresholds


def test_a_missing_strategy_is_off():
    thresholds = Thresholds(0.5, {"schema": 0.7})
    assert [thresholds.pair_threshold(name) for name in ("schema", "siblings", None)] == [0.7, -1.0, -1.0]


def test_probability_by_hand():
    calibration = Calibration(text_weight=2.0, pair_weight=4.0, has_pair_weight=-1.0, bias=-0.5)
    assert calibration.probability(0.25, None) == calibration.probability(0.25, math.nan) == 0.5
    assert calibration.probability(0.25, 0.5) == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert Calibration(0, 0, 0, math.log(3)).probability(0.9, 0.9) == pytest.approx(0.75)


@settings(max_examples=50, deadline=None)
@given(CALIBRATION, st.floats(-1, 1), st.none() | st.floats(-1, 1))
def test_probabilities_never_leave_the_unit_interval(calibration, text_score, pair_score):
    small = Calibration(*(max(min(w, 1e6), -1e6) for w in (calibration.text_weight, calibration.pair_weight, 1e5, -7)))
    assert 0 <= small.probability(text_score, pair_score) <= 1


GOOD = Thresholds(0.5, {"schema": 0.7}, Calibration(1, 2, 3, 4), {"rows": 3}).to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format must be 1, got 2"),
        ({"format": None}, "format must be 1"),
        ({"format": True}, "format must be 1"),
        ({"text_threshold": "0.5"}, "text_threshold must be a finite number, got '0.5'"),
        ({"text_threshold": math.nan}, "text_threshold"),
        ({"pair_thresholds": [0.7]}, "pair_thresholds must be a JSON object"),
        ({"pair_thresholds": {"schema": None}}, "pair_thresholds: schema"),
        ({"calibration": {"kind": "isotonic"}}, "kind must be 'logistic', got 'isotonic'"),
        ({"calibration": {**GOOD["calibration"], "bias": True}}, "calibration: bias"),
        ({"fitted_on": "dev"}, "fitted_on must be a JSON object"),
    ],
)
def test_faults_are_named(change, message):
    with pytest.raises(ModelError, match=message) as caught:
        Thresholds.from_dict({**GOOD, **change}, where="mini/thresholds.json")
    assert str(caught.value).startswith("mini/thresholds.json")


def test_calibration_and_origin_may_be_absent():
    assert Thresholds.from_dict({"format": 1, "text_threshold": 0, "pair_thresholds": {}}) == Thresholds(0.0)
