"""Each corruption changes what it says it changes, and no negative is true."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data.boundaries import trims
from cacre.data.guard import FalseNegativeGuard, GuardReport
from cacre.data.negatives import (
    NEGATIVE_KINDS,
    CorruptionRules,
    corrupt_object,
    corrupt_predicate,
    corrupt_subject,
    corruption_source,
    entity_pool,
    generate_negatives,
    swap_roles,
    trim_boundary,
)
from cacre.errors import ConfigError
from cacre.schema import RelationType, Schema
from cacre.types import Example, Triple

SCHEMA = Schema.of(
    "small",
    [
        RelationType("导演", "影视作品", "人物", near_misses=("作者", "主演", "编剧"), co_holds=frozenset(["编剧"])),
        RelationType("编剧", "影视作品", "人物"),
        RelationType("主演", "影视作品", "娱乐人物", synonyms=("演员",)),
        RelationType("作者", "图书作品", "人物"),
        RelationType("成立日期", "企业", "Date"),
        RelationType("丈夫", "人物", "人物", inverse_relation="妻子"),
        RelationType("妻子", "人物", "人物", inverse_relation="丈夫"),
    ],
)
TEXT = "《长夜》由李默执导，周岩主演；李默的另一部片《白桥》由苏禾主演。青禾公司成立于2003年。"
FILM = Triple("长夜", "导演", "李默")
ANCHORS = (
    FILM,
    Triple("长夜", "主演", "周岩"),
    Triple("白桥", "演员", "苏禾"),
    Triple("青禾公司", "成立日期", "2003年"),
)
EXAMPLE = Example(TEXT, ANCHORS, ANCHORS, ANCHORS)
SOURCE = corruption_source(EXAMPLE, SCHEMA)


def outcomes(corrupt, triple, source=SOURCE, times=60):
    rng = np.random.default_rng(3)
    return {corrupt(triple, source, SCHEMA, rng) for _ in range(times)}


def test_subjects_and_objects_of_the_same_type_are_preferred():
    assert outcomes(corrupt_subject, FILM) == {Triple("白桥", "导演", "李默")}
    assert outcomes(corrupt_object, FILM) == {Triple("长夜", "导演", "周岩"), Triple("长夜", "导演", "苏禾")}
    companies = outcomes(corrupt_subject, ANCHORS[3])
    assert {t.subject for t in companies} == {"长夜", "李默", "周岩", "白桥", "苏禾"}


def test_the_pool_serves_where_the_text_has_nobody_else():
    lone = Example("《长夜》由李默执导。", (FILM,), (FILM,), (FILM,))
    pool = entity_pool([EXAMPLE, Example("", (Triple("长夜谣", "导演", "李默"),), (), ())], SCHEMA)
    assert pool["影视作品"] == ("长夜", "白桥", "长夜谣")
    assert outcomes(corrupt_subject, FILM, corruption_source(lone, SCHEMA)) == {None}
    # Not 长夜谣: a name around the replaced one may mean the same thing.
    assert outcomes(corrupt_subject, FILM, corruption_source(lone, SCHEMA, pool)) == {Triple("白桥", "导演", "李默")}


def test_predicates_become_near_misses_that_fit_the_types():
    assert {t.predicate for t in outcomes(corrupt_predicate, FILM)} == {"主演", "编剧"}
    assert outcomes(corrupt_predicate, Triple("长夜", "年代", "古代")) == {None}
    assert outcomes(corrupt_predicate, ANCHORS[3]) == {None}
    assert outcomes(corrupt_predicate, Triple("甲", "丈夫", "乙")) == {Triple("甲", "妻子", "乙")}


def test_roles_are_swapped():
    assert outcomes(swap_roles, FILM) == {Triple("李默", "导演", "长夜")}
    assert outcomes(swap_roles, Triple("长夜", "导演", "《长夜》")) == {None}


def test_boundaries_by_hand():
    text = "导演李默说：李默岩来了。"
    before = {"演李默", "导演李默", "说：李默", "默说：李默"}
    after = {"李默说", "李默说：", "李默说：李", "李默岩", "李默岩来", "李默岩来了"}
    # Not 默, which is known, and not ：李默, which is the name but for punctuation.
    assert set(trims("李默", text, ["默"])) == {"李"} | before | after


def test_right_names_without_their_ending_are_no_errors():
    assert "青川" not in trims("青川市", "他到青川市去", [])
    assert "青川市" not in trims("青川", "他到青川市去", [])
    assert "川市" in trims("青川市", "他到青川市去", [])


def test_a_name_that_is_not_in_the_text_has_no_boundary_to_trim():
    assert trims("王安", TEXT, []) == []
    assert outcomes(trim_boundary, Triple("王安", "导演", "陈白")) == {None}


texts = st.text("甲乙丙，。《》 市a", min_size=1, max_size=20)


@settings(max_examples=40)
@given(texts, st.data())
def test_trimmed_names_are_other_substrings_of_the_text(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    name = text[start : data.draw(st.integers(start + 1, len(text)))]
    known = [name, *data.draw(st.lists(st.text("甲乙丙市", min_size=1, max_size=3), max_size=3))]
    for form in trims(name, text, known):
        assert form
        assert form in text
        assert form not in known
        assert 1 <= abs(len(form) - len(name)) <= 3
        assert form in name or name in form


@settings(max_examples=40)
@given(texts, st.data(), st.integers(0, 9))
def test_trim_boundary_changes_one_side(text, data, seed):
    subject, object_ = (data.draw(st.sampled_from(text)) for _ in range(2))
    triple = Triple(subject, "导演", object_)
    source = corruption_source(Example(text, (triple,), (triple,), (triple,)), SCHEMA)
    made = trim_boundary(triple, source, SCHEMA, np.random.default_rng(seed))
    if made is not None:
        changed = [new for new, old in zip(made, triple, strict=True) if new != old]
        assert len(changed) == 1
        assert changed[0] in text
        assert made.predicate == "导演"


names = st.sampled_from(["长夜", "白桥", "李默", "周岩", "苏禾"])
facts = st.lists(st.builds(Triple, names, st.sampled_from(list(SCHEMA.relations)), names), min_size=1, max_size=4)


@settings(max_examples=40)
@given(facts, st.lists(st.builds(Triple, names, st.just("导演"), names), max_size=2), st.integers(0, 99))
def test_no_negative_is_known_to_be_true(anchors, gold, seed):
    example = Example(TEXT, tuple(anchors), tuple(anchors), tuple(anchors), gold=tuple(gold))
    batch = generate_negatives(example, SCHEMA, np.random.default_rng(seed), 3)
    guard = FalseNegativeGuard(SCHEMA, [*anchors, *gold])
    assert len(batch.negatives) == len(batch.kinds) == len(anchors)
    for negatives, kinds in zip(batch.negatives, batch.kinds, strict=True):
        assert len(kinds) == len(negatives) == len(set(negatives)) <= 3
        assert all(guard.reject_reason(negative) is None for negative in negatives)
    assert sum(batch.report.made.values()) == sum(map(len, batch.negatives))


def test_every_kind_gets_its_turn_and_the_seed_decides():
    first = generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(5), 5)
    again = generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(5), 5)
    assert first == again
    assert set(first.report.made) == set(NEGATIVE_KINDS)
    assert all(len(negatives) == 5 for negatives in first.negatives)
    assert first != generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(6), 5)


def test_of_each_kind_so_many():
    kinds = ["swap_roles", "corrupt_predicate", "corrupt_object"]
    batch = generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(5), 1, CorruptionRules(kinds, each=True))
    turns = generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(5), 1, CorruptionRules(kinds))
    possible = [set(kinds), set(kinds), set(kinds), {"swap_roles", "corrupt_object"}]  # the last has no near miss
    assert [set(row) for row in batch.kinds] == possible
    assert [len(set(row)) for row in batch.negatives] == [3, 3, 3, 2]
    assert all(len(row) == 1 for row in turns.negatives)
    double = generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(5), 2, CorruptionRules(kinds, each=True))
    assert all(row.count("swap_roles") == 1 and row.count("corrupt_object") == 2 for row in double.kinds)


def test_chosen_kinds_only_and_what_exists_is_not_made_again():
    swapped = Triple("李默", "导演", "长夜")
    example = Example(TEXT, (FILM,), (FILM,), (FILM,))
    batch = generate_negatives(example, SCHEMA, np.random.default_rng(5), 2, CorruptionRules(["swap_roles"]))
    assert batch.negatives == ((swapped,),)
    batch = generate_negatives(
        Example(TEXT, (FILM,), (FILM,), (swapped,)),
        SCHEMA,
        np.random.default_rng(5),
        2,
        CorruptionRules(["swap_roles"]),
    )
    assert (batch.negatives, batch.report) == (((),), GuardReport())


def test_drops_are_counted_once():
    couple = Triple("李默", "丈夫", "周岩")
    known = (couple, Triple("周岩", "丈夫", "李默"))
    batch = generate_negatives(
        Example(TEXT, known, known, ANCHORS[:2]), SCHEMA, np.random.default_rng(0), 1, CorruptionRules(["swap_roles"])
    )
    assert batch.negatives == ((), ())
    assert batch.report.drop_rate == 1.0
    film = Example(TEXT, (FILM,), (FILM,), (FILM,))
    report = generate_negatives(
        film, SCHEMA, np.random.default_rng(0), 2, CorruptionRules(["corrupt_predicate"])
    ).report
    assert report == GuardReport({"corrupt_predicate": 1}, {"co_holding": 1})


def test_where_the_annotation_is_complete_a_relation_that_often_holds_too_is_wrong():
    film = Example(TEXT, (FILM,), (FILM,), (FILM,))
    rng = np.random.default_rng(0)
    batch = generate_negatives(film, SCHEMA, rng, 2, CorruptionRules(["corrupt_predicate"], complete=True))
    assert batch.report == GuardReport({"corrupt_predicate": 2})
    known = Example(TEXT, (FILM, *(n for row in batch.negatives for n in row)), (), ())
    again = generate_negatives(known, SCHEMA, rng, 2, CorruptionRules(["corrupt_predicate"], complete=True))
    assert not set(known.anchors) & {n for row in again.negatives for n in row}


def test_no_predicate_is_replaced_by_a_relation_that_is_left_out():
    near = SCHEMA["导演"].near_misses
    alike = outcomes(corrupt_predicate, FILM, SOURCE)
    assert {t.predicate for t in alike} <= set(near) and len(alike) > 1
    left_out = frozenset([next(iter(alike)).predicate])
    assert outcomes(corrupt_predicate, FILM, replace(SOURCE, without=left_out)) == {
        t for t in alike if t.predicate not in left_out
    }
    assert outcomes(corrupt_predicate, FILM, replace(SOURCE, without=frozenset(SCHEMA.relations))) == {None}


@given(st.integers(0, 2**32), st.sets(st.sampled_from(sorted(SCHEMA.relations))))
def test_negatives_name_nothing_that_is_left_out(seed, names):
    rules = CorruptionRules(complete=True, without=frozenset(names))
    batch = generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(seed), 3, rules)
    assert not names & {negative.predicate for row in batch.negatives for negative in row}


def test_wrong_wishes_are_refused():
    with pytest.raises(ConfigError, match="corrupt_subject, corrupt_predicate"):
        generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(0), 1, CorruptionRules(["fake"]))
    with pytest.raises(ConfigError):
        generate_negatives(EXAMPLE, SCHEMA, np.random.default_rng(0), -1)
