import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.config import ModelSettings
from cacre.preprocessing.evidence import MARKS, VALUES
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import RelationType, Schema
from cacre.types import Triple

TEXT = "《雾中渡》由林知远执导，顾青禾编剧。"
TRIPLE = Triple("雾中渡", "导演", "林知远")


def look(featurizer, text, triple):
    window = featurizer.text(text)
    evidence = featurizer.evidence(window, triple)
    values = dict(zip(VALUES, evidence.values.tolist(), strict=True))
    marked = {
        name: "".join(text[s:e] for (s, e), flag in zip(window.offsets.tolist(), column, strict=True) if flag)
        for name, column in zip(MARKS, evidence.marks.T, strict=True)
    }
    return values, marked


def test_marks_line_up_with_the_tokens(featurizer):
    _, marked = look(featurizer, TEXT, TRIPLE)
    assert marked["subject"] == marked["nearest_subject"] == marked["title"] == "雾中渡"
    assert marked["object"] == marked["nearest_object"] == "林知远"
    assert marked["cue"] == "执导"
    assert marked["other_cue"] == "编剧"
    assert marked["subject_part"] == marked["negation"] == ""


def test_marks_of_a_window_line_up_too(make_featurizer):
    featurizer = make_featurizer(max_text_length=24)
    text = "这里没有什么可说。" * 5 + TEXT
    windows = featurizer.windows(text)
    index = featurizer.choose_window(windows, TRIPLE)
    assert index > 0
    marks = featurizer.evidence(windows[index], TRIPLE).marks
    found = [text[s:e] for (s, e), flag in zip(windows[index].offsets, marks[:, 0], strict=True) if flag]
    assert found == ["雾", "中", "渡"]


def test_special_tokens_are_never_marked(featurizer):
    marks = featurizer.evidence(featurizer.text(TEXT), TRIPLE).marks
    assert marks[0].sum() == marks[-1].sum() == 0
    assert set(np.unique(marks)) == {0.0, 1.0}


def test_a_token_of_several_characters_is_marked_if_one_of_them_is(schema):
    from tokenizers import Regex, pre_tokenizers

    tokenizer = build_character_tokenizer([TEXT], min_count=1)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(".{1,4}"), "isolated")
    featurizer = Featurizer(tokenizer, schema, ModelSettings())
    window = featurizer.text(TEXT)
    found = [
        TEXT[s:e]
        for (s, e), flag in zip(window.offsets, featurizer.evidence(window, TRIPLE).marks[:, 1], strict=True)
        if flag
    ]
    assert found == ["》由林知", "远执导，"]


def test_partial_mentions_are_marked_apart(featurizer):
    values, marked = look(featurizer, TEXT, Triple("雾中渡之夜", "导演", "林知远先生"))
    assert (marked["subject_part"], marked["object_part"]) == ("雾中渡", "林知远")
    assert marked["subject"] == marked["object"] == ""
    assert values["subject_coverage"] == pytest.approx(0.6)
    assert (values["subject_exact"], values["object_exact"]) == (0.0, 0.0)


def test_names_and_order_of_the_values_do_not_depend_on_the_candidate(featurizer):
    assert len(set(VALUES)) == len(VALUES) == featurizer.value_count
    assert len(set(MARKS)) == len(MARKS) == featurizer.mark_count
    from cacre.preprocessing.evidence import candidate_values, make_context

    for text in (TEXT, "", "没有"):
        for predicate in ("导演", "不在其中"):
            scan = featurizer.text(text).scan
            context = make_context(scan, TRIPLE._replace(predicate=predicate), (), frozenset(), ("", ""))
            assert tuple(candidate_values(context)) == VALUES


def test_a_synonym_has_the_evidence_of_its_relation(featurizer, schema):
    synonym = schema["导演"].synonyms[0]
    left, right = (featurizer.evidence(featurizer.text(TEXT), TRIPLE._replace(predicate=p)) for p in ("导演", synonym))
    assert synonym != "导演"
    np.testing.assert_array_equal(left.values, right.values)
    np.testing.assert_array_equal(left.marks, right.marks)


def test_a_predicate_outside_the_schema_is_its_own_cue(featurizer):
    values, marked = look(featurizer, "林知远的旧友是顾青禾。", Triple("林知远", "旧友", "顾青禾"))
    assert marked["cue"] == "旧友"
    assert values["in_schema"] == 0.0
    assert look(featurizer, TEXT, TRIPLE)[0]["in_schema"] == 1.0


def test_an_ambiguous_synonym_is_its_own_cue(featurizer, schema):
    assert schema.resolve("配偶") is None
    values, marked = look(featurizer, "林知远的配偶是顾青禾。", Triple("林知远", "配偶", "顾青禾"))
    assert marked["cue"] == "配偶"
    assert marked["other_cue"] == ""
    assert values["cue_between"] == 1.0


def test_near_misses_are_told_from_other_cues(featurizer):
    values, _ = look(featurizer, "《雾中渡》由林知远主演。", TRIPLE)
    assert values["cue_count"] == 0.0
    assert values["near_miss_cue_count"] > 0.0
    assert values["near_miss_closer"] == 1.0
    assert look(featurizer, TEXT, TRIPLE)[0]["near_miss_closer"] == 0.0


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("《雾中渡》由林知远执导。", False),
        ("《雾中渡》并非由林知远执导。", True),
        ("据传《雾中渡》由林知远执导。", True),
        ("《雾中渡》由林知远执导。顾青禾没有来。", False),
    ],
)
def test_negation_of_the_clause(featurizer, text, negated):
    assert look(featurizer, text, TRIPLE)[0]["negation_in_clause"] == float(negated)


def test_distance_from_cue_to_negation(featurizer):
    near = look(featurizer, "雾中渡由林知远并未执导。", TRIPLE)[0]["negation_to_cue"]
    far = look(featurizer, "并未说雾中渡由林知远执导。", TRIPLE)[0]["negation_to_cue"]
    none = look(featurizer, TEXT, TRIPLE)[0]["negation_to_cue"]
    assert near == 0.0 < far < none == 1.0


def test_borders(featurizer):
    values, _ = look(featurizer, TEXT, TRIPLE)
    assert values["subject_before_opening"] == values["subject_after_closing"] == 1.0
    assert values["subject_is_title"] == 1.0
    assert values["object_before_function"] == 1.0
    assert values["object_is_title"] == values["object_inside_title"] == 0.0


def test_a_mention_cut_out_of_a_title_or_of_a_number(featurizer):
    values, _ = look(featurizer, "《雾中渡》于2011年由林知远执导。", Triple("中渡", "上映时间", "201"))
    assert (values["subject_inside_title"], values["subject_is_title"]) == (1.0, 0.0)
    assert (values["object_cut_before"], values["object_cut_after"]) == (0.0, 1.0)
    whole, _ = look(featurizer, "《雾中渡》于2011年由林知远执导。", Triple("雾中渡", "上映时间", "2011"))
    assert (whole["object_cut_before"], whole["object_cut_after"]) == (0.0, 0.0)


def test_what_stands_between(featurizer):
    values, _ = look(featurizer, "《雾中渡》上映，导演林知远来了。", TRIPLE)
    assert values["subject_first"] == 1.0
    assert (values["same_clause"], values["same_sentence"]) == (0.0, 1.0)
    assert values["commas_between"] > 0.0
    reverse, _ = look(featurizer, "林知远的《雾中渡》", TRIPLE)
    assert (reverse["subject_first"], reverse["same_clause"], reverse["commas_between"]) == (0.0, 1.0, 0.0)


def test_types_expected_and_seen(featurizer):
    values, _ = look(featurizer, TEXT, TRIPLE)
    assert values["object_expects_person"] == values["object_looks_person"] == 1.0
    assert values["subject_expects_work"] == 1.0


words = st.text(alphabet="林知远雾中渡导演《》，。不是未0１aＡ㎡… \n😀(", max_size=30)


@settings(deadline=None)
@given(
    text=words, subject=words, predicate=st.one_of(words, st.sampled_from(["导演", "配偶", "上映时间"])), object_=words
)
def test_evidence_is_finite_and_bounded_for_anything(make_featurizer, text, subject, predicate, object_):
    featurizer = make_featurizer(max_text_length=16)
    triple = Triple(subject, predicate, object_)
    windows = featurizer.windows(text)
    chosen = windows[featurizer.choose_window(windows, triple)]
    evidence = featurizer.evidence(chosen, triple)
    assert evidence.marks.shape == (len(chosen.ids), len(MARKS))
    assert evidence.values.shape == (len(VALUES),)
    assert ((evidence.marks == 0) | (evidence.marks == 1)).all()
    assert ((evidence.values >= 0) & (evidence.values <= 1)).all()
    featurizer.triple(triple)


@settings(deadline=None)
@given(text=st.text(max_size=60), parts=st.tuples(*[st.text(max_size=20)] * 3))
def test_evidence_never_raises(featurizer, text, parts):
    evidence = featurizer.evidence(featurizer.text(text), Triple(*parts))
    assert np.isfinite(evidence.values).all()


def test_every_cue_counts_also_inside_a_longer_one_of_another_relation(tokenizer):
    # There was a limit that cut a list whose order depended on the hash seed of the process.
    words = [f"{first}{second}" for first in "甲乙丙丁戊己庚辛" for second in "子丑寅卯辰巳午未"]
    own = RelationType("一", "人物", "人物", cues=tuple(words))
    other = RelationType("二", "人物", "人物", cues=tuple(word + "处" for word in words))
    featurizer = Featurizer(tokenizer, Schema.of("two", [own, other]), ModelSettings())
    for word in words:
        _, marked = look(featurizer, f"林知远{word}处顾青禾。", Triple("林知远", "一", "顾青禾"))
        assert (marked["cue"], marked["other_cue"]) == (word, word + "处")
