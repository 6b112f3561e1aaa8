"""Candidates said backwards, or in words of several readings, are judged as what they mean."""

import pytest

import tiny_model
from cacre.inference import DecisionRules, OnnxVerifier, load_verifier
from cacre.inference.decision import Scores
from cacre.inference.reading import best_read, readings_of
from cacre.schema import RelationType, Schema, load_schema
from cacre.types import Candidate, Triple

SCHEMA = load_schema("duie")
FILM, PERSON, _ = tiny_model.SENTENCES
DIRECTED = Triple("雾中渡", "导演", "林知远")


@pytest.fixture(scope="module")
def verifier(tiny_folder):
    return OnnxVerifier(tiny_folder, threads=1)


def read(*triple, schema=SCHEMA, **types):
    return [tuple(one.triple) for one in readings_of(Candidate(Triple(*triple), **types), schema)]


def test_names_synonyms_and_unknown_predicates_stay_as_they_are():
    for predicate in ("导演", "执导者", "气味"):
        candidate = Candidate(Triple("雾中渡", predicate, "林知远"))
        assert readings_of(candidate, SCHEMA) == (candidate,)


def test_outer_white_space_in_a_predicate_changes_no_verdict(verifier):
    said = [DIRECTED._replace(predicate=f"{predicate} ") for predicate in ("导演", "执导者", "\u3000導演")]
    plain = [one._replace(predicate=name) for one, name in zip(said, ("导演", "执导者", "导演"), strict=True)]
    for one, other in zip(verifier.verify(FILM, said), verifier.verify(FILM, plain), strict=True):
        assert one.judged_as is None
        for name in ("outcome", "text_score", "pair_score", "probability", "evidence", "reason", "margin"):
            assert getattr(one, name) == getattr(other, name)
    assert read("林知远", "执导作品 ", "雾中渡") == [tuple(DIRECTED)]
    assert read("甲", " 配偶", "乙") == [("甲", "妻子", "乙"), ("甲", "丈夫", "乙")]


def test_an_inverse_is_turned_round_with_its_types():
    candidate = Candidate(
        Triple("林知远", "执导作品", "雾中渡"), "人物", "影视作品", Triple("雾中渡", "执导者", "林知远"), {"n": 1}
    )
    [turned] = readings_of(candidate, SCHEMA)
    assert turned == Candidate(DIRECTED, "影视作品", "人物", candidate.paraphrase, {"n": 1})


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        (("甲", "配偶", "乙"), [("甲", "妻子", "乙"), ("甲", "丈夫", "乙")]),
        (("甲", "爱人", "乙"), [("甲", "丈夫", "乙"), ("甲", "妻子", "乙")]),
        (("甲", "老公", "乙"), [("甲", "老公", "乙")]),
        (("甲", "儿子", "乙"), [("乙", "父亲", "甲"), ("乙", "母亲", "甲")]),
        (("甲", "演员", "乙"), [("甲", "演员", "乙"), ("乙", "饰演", "甲")]),
        (("甲", "执导", "乙"), [("甲", "执导", "乙"), ("乙", "导演", "甲")]),
    ],
)
def test_a_word_of_several_readings_has_them_all(triple, expected):
    assert read(*triple) == expected


def test_types_and_shapes_choose_among_readings():
    assert read("林知远", "执导", "雾中渡", subject_type="人物") == [tuple(DIRECTED)]
    assert read("雾中渡", "执导", "林知远", object_type="人物") == [("雾中渡", "执导", "林知远")]
    assert read("林知远", "执导", "《雾中渡》") == [("《雾中渡》", "导演", "林知远")]


def test_where_nothing_fits_there_is_still_something_to_judge():
    assert read("雾中渡", "执导作品", "林知远", subject_type="影视作品") == [("林知远", "导演", "雾中渡")]


def test_a_symmetric_relation_is_not_turned():
    schema = Schema.of("school", [RelationType("同窗", "人物", "人物", inverses=("老同学",), symmetric=True)])
    assert read("甲", "老同学", "乙", schema=schema) == [("甲", "同窗", "乙")]


def test_the_best_supported_reading_counts_and_of_equal_ones_the_first():
    first, second, third = (Candidate(Triple("甲", name, "乙")) for name in "一二三")
    scores = [Scores(0.1), Scores(0.4), Scores(0.2)]
    assert best_read([(first, second), (third,)], scores) == ([second, third], scores[1:])
    assert best_read([(first, second)], [Scores(0.3), Scores(0.3)])[0] == [first]


def test_the_verdict_is_that_of_the_triple_that_is_meant(verifier):
    said = Candidate(Triple("林知远", "执导作品", "雾中渡"), extra={"page": 3})
    turned, plain = verifier.verify(FILM, [said, DIRECTED])
    assert turned.candidate == said and turned.judged_as == DIRECTED
    assert plain.judged_as is None
    for name in ("outcome", "text_score", "pair_score", "probability", "evidence", "reason", "margin"):
        assert getattr(turned, name) == getattr(plain, name)


def test_of_several_readings_the_verdict_is_that_of_the_better_one(verifier):
    said = Triple("林知远", "配偶", "顾青禾")
    wife, husband = (said._replace(predicate=name) for name in ("妻子", "丈夫"))
    both, *single = verifier.verify(PERSON, [said, wife, husband])
    better = max(single, key=lambda verdict: verdict.text_score)
    assert (both.candidate.triple, both.judged_as) == (said, better.candidate.triple)
    assert (both.text_score, both.pair_score) == (better.text_score, better.pair_score)
    assert verifier.score_many([(PERSON, [said])])[0][0].text_score == better.text_score


def test_a_schema_of_ones_own_says_what_is_read_backwards(tiny_folder):
    own = Schema.of("own", [RelationType("导演", "影视作品", "人物", inverses=("掌镜",))])
    triple = Triple("林知远", "掌镜", "雾中渡")
    [verdict] = OnnxVerifier(tiny_folder, threads=1, rules=DecisionRules(schema=own)).verify(FILM, [triple])
    assert verdict.judged_as == DIRECTED
    [verdict] = OnnxVerifier(tiny_folder, threads=1).verify(FILM, [triple])
    assert (verdict.judged_as, verdict.reason) == (None, "predicate not in schema")


def test_what_a_turned_candidate_is_compared_with_is_turned_too(verifier):
    said, plain = verifier.comparisons([Triple("林知远", "执导作品", "雾中渡"), DIRECTED])
    assert said.triples == plain.triples == (Triple("雾中渡", "执导者", "林知远"),)


def test_a_schema_of_ones_own_gives_new_relations_their_words():
    own = Schema.of("own", [RelationType("取景地", "影视作品", "地点", synonyms=("外景地",), cues=("取景",))])
    mini = load_verifier("mini-zh", threads=1)
    ours = load_verifier("mini-zh", threads=1, rules=DecisionRules(schema=own))
    text = "《雾中渡》在云州取景，由顾青禾执导。"
    place, person = Triple("雾中渡", "取景地", "云州"), Triple("雾中渡", "取景地", "顾青禾")
    [known] = mini.verify(text, [place])
    right, wrong, directed = ours.verify(text, [place, person, DIRECTED._replace(object="顾青禾")])
    assert known.reason == directed.reason == "predicate not in schema"
    assert right.outcome == "supported"
    assert right.text_score > max(known.text_score, wrong.text_score)
    assert "取景" in [text[a:b] for a, b in right.evidence]
    assert ours.new_relations == {"取景地"}
    assert not mini.new_relations


def test_what_the_model_has_learned_under_another_word_is_scored_as_that():
    schema = Schema.of("own", [RelationType("适应症", "药物", "疾病", synonyms=("主治",))])
    mini = load_verifier("mini-zh", threads=1)
    ours = load_verifier("mini-zh", threads=1, rules=DecisionRules(schema=schema))
    text = "盐酸氨溴索片用于治疗急性支气管炎。"
    learned = mini.verify(text, [Triple("急性支气管炎", "治疗药物", "盐酸氨溴索片")])[0]
    said, by_synonym, backwards = ours.verify(
        text,
        [
            Triple("盐酸氨溴索片", "适应症", "急性支气管炎"),
            Triple("盐酸氨溴索片", "主治", "急性支气管炎"),
            Triple("急性支气管炎", "治疗药物", "盐酸氨溴索片"),
        ],
    )
    assert said.text_score == by_synonym.text_score == learned.text_score
    assert (said.outcome, said.judged_as) == ("supported", None)
    assert backwards.reason == "predicate not in schema"
    assert not ours.new_relations
    assert ours.attention(text, said.candidate).triple == Triple("急性支气管炎", "治疗药物", "盐酸氨溴索片")
