import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import ModelError
from cacre.inference.thresholds import Calibration, Thresholds

NUMBER = st.floats(allow_nan=False, allow_infinity=False)
PROBABILITY = st.floats(0, 1)


@st.composite
def knots(draw, numbers=NUMBER):
    logits = sorted(draw(st.sets(numbers, max_size=6)))
    probabilities = sorted(draw(st.lists(PROBABILITY, min_size=len(logits), max_size=len(logits))))
    return tuple(zip(logits, probabilities, strict=True))


CALIBRATION = st.builds(
    Calibration, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, st.dictionaries(st.text(), NUMBER), knots()
)
OLD = {"kind": "logistic", "text_weight": 8.0, "pair_weight": 3.0, "has_pair_weight": -1.0, "bias": -3.5}
ISOTONIC = {**OLD, "kind": "isotonic", "knots": {"logits": [-1.0, 1.0, 3.0], "probabilities": [0.1, 0.5, 0.9]}}


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


def test_a_file_of_an_older_version_reads_and_writes_as_before():
    calibration = Calibration.from_dict(OLD)
    assert calibration == Calibration(8.0, 3.0, -1.0, -3.5)
    assert calibration.to_dict() == OLD
    same = calibration.probability(0.5, 0.2)
    assert calibration.probability(0.5, 0.2, agreement=0.3, relation="导演") == same


def test_relation_and_agreement_by_hand():
    calibration = Calibration(2.0, 0, 0, -1.0, 4.0, -3.0, {"导演": 0.5})
    assert calibration.logit(0.5, None) == calibration.logit(0.5, None, agreement=math.nan, relation="气味") == 0.0
    assert calibration.logit(0.5, None, agreement=0.75) == 0.0
    assert calibration.logit(0.5, None, agreement=1.0, relation="导演") == 1.5
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_straight_lines_between_knots_level_beyond_them():
    calibration = Calibration.from_dict({**ISOTONIC, "text_weight": 1.0, "bias": 0.0})
    given_at = [calibration.probability(logit, None) for logit in (-9, -1, 0, 1, 2, 3, 9)]
    assert given_at == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9])
    assert calibration.kind == "isotonic"


@settings(max_examples=100, deadline=None)
@given(
    knots(st.floats(-50, 50)),
    st.floats(0, 30),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    st.none() | st.floats(-1, 1),
)
def test_the_probability_never_falls_when_the_text_score_rises(points, weight, texts, pair):
    calibration = Calibration(weight, 3.0, -1.0, -2.0, knots=points)
    low, high = (calibration.probability(text, pair) for text in sorted(texts))
    assert 0 <= low <= high + 1e-12 <= 1 + 1e-12


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
        ({"calibration": {"kind": "beta"}}, "kind must be 'logistic' or 'isotonic', got 'beta'"),
        ({"calibration": {**OLD, "kind": "isotonic"}}, "knots must be a JSON object"),
        (
            {"calibration": {**ISOTONIC, "knots": {"logits": [], "probabilities": []}}},
            "logits must be a list of rising",
        ),
        ({"calibration": {**ISOTONIC, "knots": {"logits": [2, 1], "probabilities": [0, 1]}}}, "logits must be a list"),
        ({"calibration": {**ISOTONIC, "knots": {"logits": [1], "probabilities": [0, 1]}}}, "as many probabilities"),
        ({"calibration": {**ISOTONIC, "knots": {"logits": [1, 2], "probabilities": [0, 2]}}}, "from 0.0 to 2.0"),
        ({"calibration": {**OLD, "relation_offsets": {"导演": None}}}, "relation_offsets: 导演"),
        ({"calibration": {**OLD, "agreement_weight": "much"}}, "agreement_weight"),
        ({"calibration": {**GOOD["calibration"], "bias": True}}, "calibration: bias"),
        ({"fitted_on": "dev"}, "fitted_on must be a JSON object"),
        ({"new_relations": {**GOOD, "text_threshold": None}}, "new_relations: text_threshold must be a finite number"),
    ],
)
def test_faults_are_named(change, message):
    with pytest.raises(ModelError, match=message) as caught:
        Thresholds.from_dict({**GOOD, **change}, where="mini/thresholds.json")
    assert str(caught.value).startswith("mini/thresholds.json")


def test_calibration_and_origin_may_be_absent():
    assert Thresholds.from_dict({"format": 1, "text_threshold": 0, "pair_thresholds": {}}) == Thresholds(0.0)


def test_numbers_for_new_relations_are_kept_and_found():
    new = Thresholds(-0.5, {"schema": 0.1}, Calibration(1, 2, 3, 4))
    both = Thresholds(0.5, {"schema": 0.7}, new_relations=new)
    assert Thresholds.from_dict(json.loads(json.dumps(both.to_dict()))) == both
    assert (both.of(new_relation=True), both.of(new_relation=False)) == (new, both)
    plain = Thresholds(0.5)
    assert plain.of(new_relation=True) is plain
    assert "new_relations" not in plain.to_dict()
