"""Lookup, rewriting of triples, and JSON."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.errors import SchemaError
from cacre.schema import TYPE_VIOLATION, RelationType, Schema, load_schema
from cacre.types import Triple

DUIE = load_schema()
words = st.text(alphabet="甲乙丙丁戊", min_size=1, max_size=3)


def test_an_unknown_name_lists_the_nearest():
    with pytest.raises(SchemaError, match=r"'董事' is not in schema 'duie'; nearest names: 董事长"):
        DUIE["董事"]
    with pytest.raises(SchemaError, match="nearest names: "):
        DUIE["zzz"]


def test_resolve_takes_names_and_synonyms_but_no_inverse():
    assert DUIE.resolve("主演") == "主演"
    assert DUIE.resolve("演员") == "主演"
    assert DUIE.resolve("执导者") == "导演"
    assert DUIE.resolve("执导作品") is None
    assert DUIE.resolve("居住地") is None


@pytest.mark.parametrize("said", ["导演 ", " 导演", "\u3000导演\t", "導演 ", "导演\xa0"])
def test_outer_white_space_is_no_part_of_a_predicate(said):
    spaced, plain = Triple("雾中渡", said, "林知远"), Triple("雾中渡", "导演", "林知远")
    assert DUIE.resolve(said) == "导演"
    assert DUIE.readings(said) == DUIE.readings("导演")
    assert DUIE.paraphrase(spaced) == DUIE.paraphrase(plain)
    assert DUIE.check(spaced) is None
    assert DUIE.says_the_same(spaced, Triple("林知远", " 执导作品", "雾中渡"))
    assert DUIE.inverse_triples(plain._replace(predicate="妻子 ")) == DUIE.inverse_triples(
        plain._replace(predicate="妻子")
    )
    assert DUIE.resolve("导 游 ") is None


def test_width_and_decomposed_characters_are_folded_on_both_sides():
    schema = Schema.of(
        "own",
        [
            RelationType("réalisateur", "film", "person", synonyms=("DIR（1）",), inverses=("電影 A",)),
            RelationType("RÉALISATEUR", "film", "person"),
        ],
    )
    assert schema.resolve("re\u0301alisateur") == "réalisateur"
    assert schema.resolve("ＤＩＲ(1)") == "réalisateur"
    assert schema.resolve("RÉALISATEUR") == "RÉALISATEUR"
    (reading,) = schema.readings("电影　Ａ")
    assert reading.turned and reading.relation.name == "réalisateur"


def test_an_exact_word_comes_before_one_that_folds_alike():
    schema = Schema.of("own", [RelationType("Ａ", "人物", "人物"), RelationType("A", "人物", "人物")])
    assert (schema.resolve("A"), schema.resolve("Ａ"), schema.resolve(" A")) == ("A", "Ａ", "Ａ")


def test_a_shared_synonym_is_not_resolved():
    assert "配偶" in DUIE["丈夫"].synonyms and "配偶" in DUIE["妻子"].synonyms
    assert DUIE.resolve("配偶") is None
    assert DUIE.check(Triple("阿宁", "配偶", "阿木")) is None


def test_an_inverse_is_checked_in_its_own_direction():
    assert DUIE.check(Triple("林知远", "执导作品", "雾中渡")) is None
    assert DUIE.check(Triple("林知远", "执导作品", "雾中渡"), "人物", "影视作品") is None
    assert DUIE.check(Triple("林知远", "执导作品", "雾中渡"), "影视作品", "人物") == TYPE_VIOLATION
    assert DUIE.check(Triple("1998年3月", "创作", "雾中渡")) == TYPE_VIOLATION


def test_paraphrase_prefers_a_synonym_and_keeps_the_order():
    assert DUIE.paraphrase(Triple("灯塔", "导演", "阿宁")) == Triple("灯塔", "执导者", "阿宁")


def test_paraphrase_of_a_synonym_is_the_canonical_name():
    assert DUIE.paraphrase(Triple("灯塔", "演员", "阿宁")) == Triple("灯塔", "主演", "阿宁")


def test_paraphrase_falls_back_on_the_inverse_and_then_on_none():
    schema = Schema.of(
        "small", [RelationType("师父", "人物", "人物", inverses=("徒弟",)), RelationType("同窗", "人物", "人物")]
    )
    assert schema.paraphrase(Triple("阿宁", "师父", "阿木")) == Triple("阿木", "徒弟", "阿宁")
    assert schema.paraphrase(Triple("阿宁", "同窗", "阿木")) is None
    assert schema.paraphrase(Triple("阿宁", "邻居", "阿木")) is None


@given(st.sampled_from(list(DUIE)), words, words)
def test_a_paraphrase_differs_and_means_the_same_relation(relation, left, right):
    triple = Triple(left, relation.name, right)
    other = DUIE.paraphrase(triple)
    assert other is not None and other.predicate != triple.predicate
    assert {other.subject, other.object} == {left, right}
    assert DUIE.paraphrase(triple) == other


@given(words, words)
def test_inverting_twice_gives_the_triple_back(left, right):
    triple = Triple(left, "妻子", right)
    (inverse,) = DUIE.inverse_triples(triple)
    assert inverse == Triple(right, "丈夫", left)
    assert DUIE.inverse_triples(inverse) == (triple,)


def test_inverse_triples_of_symmetric_and_of_one_way_relations():
    schema = Schema.of("small", [RelationType("同窗", "人物", "人物", symmetric=True)])
    assert schema.inverse_triples(Triple("阿宁", "同窗", "阿木")) == (Triple("阿木", "同窗", "阿宁"),)
    assert DUIE.inverse_triples(Triple("阿宁", "父亲", "阿木")) == ()
    assert DUIE.inverse_triples(Triple("阿宁", "邻居", "阿木")) == ()


def test_cues_hold_the_name_and_the_synonyms_and_unknown_predicates_are_their_own():
    relation = RelationType("师父", "人物", "人物", synonyms=("授业恩师",), cues=("拜师", "师父"))
    assert relation.cues == ("拜师", "师父", "授业恩师")
    assert DUIE.cues("邻居") == ("邻居",)
    assert DUIE.cues("演员") == DUIE["主演"].cues


def test_types_come_once_each():
    kinds = DUIE.types()
    assert len(kinds) == len(set(kinds))
    assert {"人物", "企业/品牌", "Number", "Date", "作品", "影视作品"} <= set(kinds)


@pytest.mark.parametrize("name", ["duie", "open"])
def test_json_round_trip(name, tmp_path):
    schema = load_schema(name)
    assert Schema.from_json(schema.to_json()) == schema
    path = tmp_path / "folder" / "mine.json"
    schema.save(path)
    assert load_schema(path) == schema
    assert json.loads(path.read_text(encoding="utf-8")) == schema.to_json()


def test_schemas_can_be_pickled_and_hashed():
    assert DUIE.resolve("演员") == "主演"  # fill the caches first
    assert pickle.loads(pickle.dumps(DUIE)) == DUIE
    assert hash(DUIE) == hash(load_schema()) and len({*DUIE, *load_schema()}) == 48


@pytest.mark.parametrize(
    ("relations", "message"),
    [
        ([], "has no relations"),
        ([RelationType("a", "x", "y"), RelationType("a", "x", "z")], "'a' comes twice"),
        ([RelationType("a", "x", "y", near_misses=("b",))], "near_misses names 'b'"),
        ([RelationType("a", "x", "y", co_holds=frozenset({"b"}))], "co_holds names 'b'"),
        ([RelationType("a", "x", "y", inverse_relation="b"), RelationType("b", "y", "x")], "whose own is None"),
    ],
)
def test_contradictory_relations_are_refused(relations, message):
    with pytest.raises(SchemaError, match=message):
        Schema.of("small", relations)
