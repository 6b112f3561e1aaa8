"""Splits partition the data and share nothing."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data.splits import find_leaks, hold_out_relations, leaking_rows, split_examples
from cacre.errors import ConfigError
from cacre.schema import load_schema
from cacre.types import Example, Triple

DUIE = load_schema("duie")


def example(text, *pairs, relation="导演", name=None):
    anchors = tuple(Triple(s, relation, o) for s, o in pairs)
    return Example(text, anchors, anchors, tuple(Triple(t.object, t.predicate, t.subject) for t in anchors), id=name)


MANY = [example(f"第{i}部片由导演{i}拍成。", (f"片{i}", f"人{i}")) for i in range(200)]
names = st.sampled_from("甲乙丙丁戊己庚辛壬癸")
examples = st.lists(
    st.builds(example, st.text("春夏秋冬", min_size=1, max_size=4), st.tuples(names, names)), max_size=25
)


@settings(max_examples=30)
@given(examples, st.integers(0, 5))
def test_splits_partition_and_do_not_leak(items, seed):
    parts = split_examples(items, (0.6, 0.2, 0.2), seed)
    together = [*parts.train, *parts.dev, *parts.test]
    assert sorted(map(id, together)) == sorted(map(id, items))
    assert find_leaks(parts.train, parts.dev) == []
    assert find_leaks(parts.train, parts.test) == []
    assert find_leaks(parts.dev, parts.test) == []


def test_sizes_are_near_the_fractions():
    parts = split_examples(MANY, (0.8, 0.1, 0.1), 1)
    assert [len(part) for part in (parts.train, parts.dev, parts.test)] == [160, 20, 20]


def test_a_zero_fraction_gets_nothing():
    parts = split_examples(MANY, (0.9, 0.1, 0.0), 1)
    assert (len(parts.train), len(parts.dev), parts.test) == (180, 20, ())


def test_the_seed_decides_and_the_order_does_not():
    shuffled = random.Random(0).sample(MANY, len(MANY))
    one, same = split_examples(MANY, (0.8, 0.1, 0.1), 1), split_examples(shuffled, (0.8, 0.1, 0.1), 1)
    assert {e.text for e in one.dev} == {e.text for e in same.dev}
    assert {e.text for e in one.dev} != {e.text for e in split_examples(MANY, (0.8, 0.1, 0.1), 2).dev}


def test_chains_stay_together():
    chain = [
        example("一", ("甲", "乙")),
        example("二", ("《乙》", "甲"), ("丙", "丁")),
        example("三", ("丙", "丁")),
        example("三 ", ("戊", "己")),
    ]
    for seed in range(20):
        parts = split_examples([*chain, *MANY], (0.5, 0.25, 0.25), seed)
        assert sum(any(e in part for e in chain) for part in (parts.train, parts.dev, parts.test)) == 1


def test_leaks_are_named():
    leaks = find_leaks([example("Ａ甲 乙", ("甲", "乙"))], [example("无关"), example("a甲乙", ("乙 ", "《甲》"))])
    assert [(leak.kind, leak.value, leak.left, leak.right) for leak in leaks] == [
        ("text", ("a甲乙",), 0, 1),
        ("pair", ("乙", "甲"), 0, 1),
    ]


def test_every_row_that_leaks_is_found():
    left = [example("甲乙", ("甲", "乙"))]
    right = [example("乙甲", ("乙", "甲")), example("无关", ("丙", "丁")), example("又是甲乙", ("甲", "乙"))]
    assert leaking_rows(left, [*right, example("甲乙")]) == {0, 2, 3}
    assert leaking_rows(left, []) == frozenset()


@pytest.mark.parametrize("fractions", [(0.5, 0.2, 0.2), (1.2, -0.1, -0.1), (0.5, 0.5)])
def test_wrong_fractions_are_refused(fractions):
    with pytest.raises(ConfigError, match="sum 1"):
        split_examples(MANY, fractions, 1)


def test_held_out_relations_are_nowhere_in_the_rest():
    mixed = Example(
        "长夜由李默执导，苏禾作曲。",
        (Triple("长夜", "导演", "李默"), Triple("长夜", "作曲", "苏禾")),
        (Triple("长夜", "执导者", "李默"), Triple("长夜", "配乐", "苏禾")),
        (Triple("长夜", "导演", "苏禾"), Triple("长夜", "作曲", "李默")),
    )
    negative = Example(
        "白桥由周岩执导。",
        (Triple("白桥", "导演", "周岩"), Triple("白桥", "类型", "电影")),
        (Triple("白桥", "执导者", "周岩"), Triple("白桥", "体裁", "电影")),
        (Triple("白桥", "作曲", "周岩"), Triple("白桥", "类型", "周岩")),
        hard=(Triple("白桥", "作曲", "电影"), Triple("周岩", "类型", "电影")),
    )
    parts = hold_out_relations(
        [mixed, negative, example("长夜由李默执导，苏禾作曲。", ("长夜", "李默"))], ["作曲"], DUIE
    )
    (held,) = parts.held_out
    assert held.anchors == (Triple("长夜", "作曲", "苏禾"),)
    assert held.negatives == (Triple("长夜", "作曲", "李默"),)
    (seen,) = parts.seen
    assert seen.anchors == (Triple("白桥", "类型", "电影"),)
    assert seen.negatives == (Triple("白桥", "类型", "周岩"),)
    assert seen.hard == (Triple("周岩", "类型", "电影"),)


def test_other_words_for_a_held_out_relation_are_held_out_too():
    """But not 儿子, which is a word for 母亲 as well."""
    father = example("周舟的父亲是周岩。", ("周舟", "周岩"))
    father = replace(father, anchors=(Triple("周舟", "父亲", "周岩"),))
    assert {"父亲", "爸爸"} <= DUIE.words_of(["父亲"]) and "儿子" not in DUIE.words_of(["父亲"])
    mother = Triple("周舟", "母亲", "林溪")
    seen = Example(
        "周舟的母亲是林溪，周岩是邻居。",
        (mother,),
        (Triple("林溪", "儿子", "周舟"),),
        (Triple("周舟", "母亲", "周岩"),),
        hard=(Triple("周舟", "爸爸", "周岩"), Triple("周岩", "儿子", "周舟")),
    )
    said = replace(seen, text="周舟的爸爸是周岩。", anchors=(Triple("周舟", "爸爸", "周岩"),))
    assert hold_out_relations([father, seen, said], ["父亲"], DUIE).seen == (
        replace(seen, hard=(Triple("周岩", "儿子", "周舟"),)),
    )


def test_relations_that_do_not_occur_cannot_be_held_out():
    with pytest.raises(ConfigError, match="作曲"):
        hold_out_relations(MANY, ["导演", "作曲"], DUIE)
    with pytest.raises(ConfigError, match="at least one"):
        hold_out_relations(MANY, [], DUIE)
