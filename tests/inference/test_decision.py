from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.errors import ConfigError
from cacre.inference.decision import (
    DecisionRules,
    Scores,
    check_candidate,
    check_modality,
    check_scores,
    decide,
    margin,
    normalise_mention,
    reason_kind,
)
from cacre.inference.thresholds import Calibration, Thresholds
from cacre.schema import RelationType, Schema, load_schema
from cacre.types import Candidate, Modality, Triple

SCHEMA = load_schema("duie")
TEXT = "《雾中渡》由林知远执导，Ｃｏｌｄ Ｒｉｖｅｒ公司出品。"
THRESHOLDS = Thresholds(0.55, {"paraphrase": 0.4, "schema": -1.0})
cosines = st.floats(-1, 1)


def check(subject, predicate, object_, rules=None, **types):
    candidate = Candidate(Triple(subject, predicate, object_), **types)
    return check_candidate(candidate, normalise_mention(TEXT), SCHEMA, rules or DecisionRules())


def test_a_good_triple_passes_all_checks():
    assert check("雾中渡", "导演", "林知远", subject_type="影视作品", object_type="人物") is None


@pytest.mark.parametrize("subject", ["《雾中渡》", " 雾中渡 ", "雾 中渡"])
def test_title_marks_and_spaces_do_not_matter(subject):
    assert check(subject, "导演", "林知远") is None


def test_width_and_case_do_not_matter():
    assert check("雾中渡", "出品公司", "cold river公司") is None


def test_dots_in_foreign_names_do_not_matter():
    assert normalise_mention("阿列克·罗恩") == normalise_mention("阿列克・罗恩") == normalise_mention("阿列克•罗恩")


@pytest.mark.parametrize(
    ("triple", "reason"),
    [
        (("白石渡", "导演", "林知远"), "subject not in text"),
        (("雾中渡", "导演", "林远知"), "object not in text"),
        (("白石渡", "导演", "林远知"), "subject not in text"),
        (("雾中渡", "气味", "林知远"), "predicate not in schema"),
        (("《》", "导演", "林知远"), "subject not in text"),
        (("雾中渡", "导演", "林知远\x00"), "object not in text"),
    ],
)
def test_the_first_failing_check_is_named(triple, reason):
    assert check(*triple) == reason


def test_wrong_types_are_named():
    reason = check("林知远", "导演", "雾中渡", subject_type="人物", object_type="影视作品")
    assert reason == "type or direction violates schema"


@pytest.mark.parametrize(
    ("text", "triple", "reason"),
    [
        ("《灯塔》由林知远执导。", ("灯塔", "导演", "灯塔"), "subject and object are the same"),
        ("《灯塔》由林知远执导。", ("林知远", "执导", "《林知远》"), "subject and object are the same"),
        ("青禾集团总部在临水。", ("青禾集团", "创始人", "青禾集团"), "subject and object are the same"),
        ("青禾创办了青禾集团。", ("青禾", "创始人", "青禾"), None),
        ("黄小川在片中饰演自己。", ("黄小川", "饰演", "黄小川"), None),
        ("书名与主角阿宁同名。", ("阿宁", "主角", "阿宁"), None),
        ("小说《灯塔》拍成了电视剧。", ("灯塔", "改编自", "灯塔"), None),
        ("林知远执导。", ("灯塔", "导演", "灯塔"), "subject not in text"),
    ],
)
def test_one_name_for_two_things_has_to_be_written_twice(text, triple, reason):
    candidate = Candidate(Triple(*triple))
    assert check_candidate(candidate, normalise_mention(text), SCHEMA, DecisionRules()) == reason
    assert check_candidate(candidate, normalise_mention(text), SCHEMA, DecisionRules(False, False)) is None


def test_checks_can_be_turned_off_one_by_one():
    assert check("雾中渡", "气味", "林知远", DecisionRules(schema_checks=False)) is None
    assert check("白石渡", "导演", "林知远", DecisionRules(mention_checks=False)) is None
    assert check("白石渡", "气味", "林知远", DecisionRules(mention_checks=False)) == "predicate not in schema"


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (Scores(0.55), None),
        (Scores(0.412), "text_score 0.412 below 0.550"),
        (Scores(0.9, 0.31, "paraphrase"), "pair_score 0.310 below 0.400"),
        (Scores(0.9, 0.4, "paraphrase"), None),
        (Scores(0.1, 0.1, "paraphrase"), "text_score 0.100 below 0.550"),
        (Scores(0.9, -1.0, "schema"), None),
        (Scores(0.9, -1.0, "siblings"), None),
        (Scores(0.9, None, None), None),
    ],
)
def test_both_thresholds_must_be_reached(scores, reason):
    assert check_scores(scores, THRESHOLDS, DecisionRules()) == reason


def test_a_reason_never_shows_two_equal_numbers():
    reason = check_scores(Scores(0.549999), THRESHOLDS, DecisionRules())
    assert reason == "text_score 0.549999 below 0.550000"


def test_given_thresholds_replace_the_fitted_ones():
    rules = DecisionRules(text_threshold=0.2, pair_threshold=0.95)
    assert check_scores(Scores(0.3, 0.96, "schema"), THRESHOLDS, rules) is None
    assert check_scores(Scores(0.3, 0.9, "schema"), THRESHOLDS, rules) == "pair_score 0.900 below 0.950"
    assert (
        check_scores(Scores(0.3, 0.1, "paraphrase"), THRESHOLDS, DecisionRules(text_threshold=0.2, pair_threshold=-1))
        is None
    )


@pytest.mark.parametrize("value", [1.2, -3.0, float("nan")])
def test_a_threshold_outside_the_cosines_is_an_error(value):
    with pytest.raises(ConfigError, match="text_threshold is a cosine"):
        DecisionRules(text_threshold=value)


def test_verdicts_keep_scores_evidence_and_order():
    candidates = [Candidate(Triple("雾中渡", "导演", "林知远")), Candidate(Triple("雾中渡", "导演", "无名氏"))]
    scores = [Scores(0.8, 0.7, "paraphrase", ((0, 3),)), Scores(0.9)]
    thresholds = Thresholds(0.55, {}, Calibration(4.0, 1.0, 0.5, -2.0))
    kept, rejected = decide(TEXT, candidates, scores, SCHEMA, thresholds, DecisionRules())
    assert kept.supported
    assert (kept.candidate, kept.text_score, kept.pair_score) == (candidates[0], 0.8, 0.7)
    assert (kept.evidence, kept.reason) == (((0, 3),), None)
    assert kept.probability == pytest.approx(1 / (1 + 2.718281828 ** -(4 * 0.8 + 0.7 + 0.5 - 2)))
    assert (rejected.outcome, rejected.reason) == ("rejected", "object not in text")
    assert (rejected.text_score, rejected.pair_score) == (0.9, None)


@pytest.mark.parametrize(
    ("predicate", "extra", "logit"),
    [
        ("导演", {}, 1.5),
        ("执导", {"agreement": 1}, 2.5),
        ("导演", {"agreement": 0.5}, 2.0),
        ("导演", {"agreement": True}, 1.5),
        ("导演", {"agreement": "0.5"}, 1.5),
        ("导演", {"agreement": 1.5}, 1.5),
        ("编剧", {}, 0.5),
    ],
)
def test_agreement_and_relation_of_the_candidate_count_in_the_probability(predicate, extra, logit):
    calibration = Calibration(1.0, 0, 0, 0.0, agreement_weight=1.0, relation_offsets={"导演": 1.0})
    candidate = Candidate(Triple("雾中渡", predicate, "林知远"), extra=extra)
    rules = DecisionRules(schema_checks=False)
    (verdict,) = decide(TEXT, [candidate], [Scores(0.5)], SCHEMA, Thresholds(-1.0, {}, calibration), rules)
    assert verdict.probability == pytest.approx(1 / (1 + 2.718281828459045**-logit))


def test_without_a_calibration_there_is_no_probability():
    candidates = [Candidate(Triple("雾中渡", "导演", "林知远"))]
    (verdict,) = decide(TEXT, candidates, [Scores(0.8)], SCHEMA, THRESHOLDS, DecisionRules())
    assert verdict.probability is None


@given(cosines, cosines, cosines, cosines, cosines)
def test_looser_thresholds_never_reject_more(text_score, pair_score, tau_1, tau_2, slack):
    scores = Scores(text_score, pair_score, "schema")
    strict = check_scores(scores, Thresholds(tau_1, {"schema": tau_2}), DecisionRules())
    loose = Thresholds(max(-1.0, tau_1 - abs(slack)), {"schema": max(-1.0, tau_2 - abs(slack))})
    if strict is None:
        assert check_scores(scores, loose, DecisionRules()) is None


@given(st.text(), st.text(), st.text())
def test_what_stands_in_a_text_is_found_there(before, name, after):
    folded = normalise_mention(before + "，" + name + "，" + after)
    assert normalise_mention(name) in folded


def test_reasons_are_counted_without_their_numbers():
    assert reason_kind("text_score 0.412 below 0.550") == "text_score below threshold"
    assert reason_kind("pair_score 0.100 below 0.400") == "pair_score below threshold"
    assert reason_kind("object not in text") == "object not in text"


@pytest.mark.parametrize(
    ("scores", "rules", "expected"),
    [
        (Scores(0.6), DecisionRules(), 0.05),
        (Scores(0.5), DecisionRules(), -0.05),
        (Scores(0.9, 0.45, "paraphrase"), DecisionRules(), 0.05),
        (Scores(0.5, 0.45, "paraphrase"), DecisionRules(), -0.05),
        (Scores(0.9, 0.1, "schema"), DecisionRules(), 0.35),
        (Scores(0.9, 0.1, "schema"), DecisionRules(pair_threshold=0.0), 0.1),
        (Scores(0.9), DecisionRules(text_threshold=-1.0), None),
    ],
)
def test_the_margin_is_the_distance_to_the_nearest_threshold(scores, rules, expected):
    found = margin(scores, THRESHOLDS, rules)
    assert found == (None if expected is None else pytest.approx(expected))


@given(cosines, cosines, cosines, cosines)
def test_the_margin_has_the_sign_of_the_verdict(text_score, pair_score, tau_1, tau_2):
    scores, thresholds = Scores(text_score, pair_score, "paraphrase"), Thresholds(tau_1, {"paraphrase": tau_2})
    found = margin(scores, thresholds, DecisionRules())
    kept = check_scores(scores, thresholds, DecisionRules()) is None
    assert kept == (found is None or found >= 0)


def test_no_margin_where_a_check_decides():
    candidate = Candidate(Triple("白石渡", "导演", "林知远"))
    [verdict] = decide(TEXT, [candidate], [Scores(0.9)], SCHEMA, THRESHOLDS, DecisionRules())
    assert verdict.margin is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("denied", "denied in text"), ("rumoured", "rumoured in text"), ("planned", None), ("past", None)],
)
def test_what_is_denied_or_rumoured_is_rejected_and_the_rest_flagged(kind, reason):
    candidate, modality = Candidate(Triple("雾中渡", "导演", "林知远")), Modality(kind, (4, 5))
    [verdict] = decide(TEXT, [candidate], [Scores(0.9, modality=modality)], SCHEMA, THRESHOLDS, DecisionRules())
    assert (verdict.reason, verdict.modality) == (reason, modality)
    assert (verdict.margin is None) == (reason is not None)


def test_what_modality_rejects_is_chosen():
    planned = Scores(0.9, modality=Modality("planned", (4, 5)))
    assert check_modality(planned, DecisionRules(reject_modality=("planned", "past"))) == "planned in text"
    assert check_modality(Scores(0.9), DecisionRules(reject_modality=("planned",))) is None
    denied = Scores(0.9, modality=Modality("denied", (4, 5)))
    assert check_modality(denied, DecisionRules(reject_modality=())) is None
    with pytest.raises(ConfigError, match="'gossip' is unknown: use any of denied, rumoured, planned, past"):
        DecisionRules(reject_modality=("gossip",))


def test_relations_that_the_model_has_not_learned_have_thresholds_of_their_own():
    directed = RelationType("导演", "影视作品", "人物", synonyms=("掌镜人",))
    own = Schema.of("own", [RelationType("取景地", "影视作品", "地点", synonyms=("外景地",)), directed])
    new = Thresholds(0.1, {}, Calibration(0, 0, 0, 0))
    thresholds = Thresholds(0.55, {}, Calibration(0, 0, 0, 9), new_relations=new)
    said = (("取景地", "云州"), ("外景地", "云州"), ("导演", "林知远"), ("掌镜人", "林知远"))
    candidates = [Candidate(Triple("雾中渡", predicate, object_)) for predicate, object_ in said]
    scores, rules = [Scores(0.2)] * 4, DecisionRules(schema=own)

    def verdicts(thresholds, rules, new=("取景地",)):
        return decide("《雾中渡》在云州取景，由林知远执导。", candidates, scores, SCHEMA, thresholds, rules, new)

    found = verdicts(thresholds, rules)
    assert [v.supported for v in found] == [True, True, False, False], "under any word of theirs"
    assert [v.margin for v in found] == [pytest.approx(0.1)] * 2 + [pytest.approx(-0.35)] * 2
    assert found[0].probability == 0.5 < found[2].probability
    strict = replace(rules, text_threshold=0.3)
    assert {v.reason for v in verdicts(thresholds, strict)} == {"text_score 0.200 below 0.300"}
    assert not any(v.supported for v in verdicts(replace(thresholds, new_relations=None), rules))
    unknown = verdicts(thresholds, DecisionRules(schema_checks=False), ())
    assert not any(v.supported for v in unknown), "a word of no schema is no new relation"
