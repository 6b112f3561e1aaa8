"""Which relation a predicate is, in which direction, and which names are one entity."""

from collections import Counter

import pytest
from verdict_rows import OPEN, TEXT, edges_of, graph_of, row, schema_of, triple

from cacre.graph import GraphCollector
from cacre.graph.facts import facts_of, verdicts_of
from cacre.schema import RelationType


def test_unknown_relations_stay_as_said_and_go_by_the_types_of_the_row():
    graph = graph_of(
        row(triple("甲", "身高", "1米8", object_type="Number"), triple("甲", "同乡", "乙", subject_type="人物"))
    )
    assert [(edge.predicate, edge.is_value, edge.object_type) for edge in graph.edges] == [
        ("身高", True, ""),
        ("同乡", False, ""),
    ]
    assert graph.entities["甲"].types == ("人物",)


def test_mixed_types_of_a_relation_are_decided_by_the_row():
    schema = schema_of(RelationType("奖励", "人物", "奖项/Number"))
    rows = [
        row(triple("甲", "奖励", "100元", object_type="Number"), triple("甲", "奖励", "金云奖", object_type="奖项"))
    ]
    assert [edge.is_value for edge in graph_of(*rows, schema=schema).edges] == [True, False]
    assert not graph_of(row(triple("长夜", "导演", "1984", object_type="Number"))).edges[0].is_value


def test_inverse_relations_are_one_edge_in_the_direction_that_comes_first():
    collector = GraphCollector(OPEN)
    collector.add(
        row(triple("林溪", "丈夫", "周岩", evidence=[[0, 1]]), triple("周岩", "妻子", "林溪"), ("周岩", "太太", "林溪"))
    )
    (edge,) = collector.graph().edges
    assert (edge.subject, edge.predicate, edge.object) == ("周岩", "妻子", "林溪")
    assert {(source.subject, source.object) for source in edge.sources} == {("周岩", "林溪")}
    assert (collector.counts.read.turned, collector.counts.merged) == (1, 2)
    kept = graph_of(row(("林溪", "丈夫", "周岩"), ("周岩", "妻子", "林溪")), keep_inverses=True)
    assert edges_of(kept) == {("林溪", "丈夫", "周岩"), ("周岩", "妻子", "林溪")}


def test_a_phrase_read_from_object_to_subject_is_turned():
    assert edges_of(graph_of(row(("李默", "执导作品", "长夜")))) == {("长夜", "导演", "李默")}
    assert edges_of(graph_of(row(("2019年", "当年上映的影片", "长夜")))) == {("长夜", "上映时间", "2019年")}
    assert edges_of(graph_of(row(("李默", "执导作品", "长夜")), keep_inverses=True)) == {("李默", "执导作品", "长夜")}
    fathers = schema_of(RelationType("父亲", "人物", "人物", inverses=("儿子",)))
    assert edges_of(graph_of(row(("周岩", "儿子", "周舟")), schema=fathers)) == {("周舟", "父亲", "周岩")}


def test_a_word_used_both_ways_is_turned_where_the_verifier_did():
    said = triple("李默", "执导", "长夜", judged_as=["长夜", "导演", "李默"])
    plain = triple("长夜", "执导", "李默")
    assert edges_of(graph_of(row(said))) == edges_of(graph_of(row(plain))) == {("长夜", "导演", "李默")}
    assert edges_of(graph_of(row(said), keep_inverses=True)) == {("李默", "执导", "长夜")}
    wife = row(triple("李\u200b默", "配偶", "周岩", judged_as=["李默", "妻子", "周岩"]))
    assert [fact.turned for _, fact in facts_of(verdicts_of(wife), TEXT, Counter())] == [False]
    role = triple("阿桥", "演员", "李默", judged_as=["李默", "饰演", "阿桥"])
    assert edges_of(graph_of(row(role))) == {("李默", "饰演", "阿桥")}


@pytest.mark.parametrize("word", ["儿子", "长子", "孩子"])
def test_a_phrase_of_two_relations_joins_the_one_that_is_known_and_else_stays(word):
    child = row(("周岩", word, "周舟"), text="b")
    assert edges_of(graph_of(child)) == {("周岩", word, "周舟")}
    for rows in ([child, row(("周舟", "母亲", "周岩"))], [row(("周舟", "母亲", "周岩")), child]):
        (edge,) = graph_of(*rows).edges
        assert (edge.predicate, len(edge.sources)) == ("母亲", 2)


def test_a_phrase_of_two_relations_that_are_both_known_stays():
    rows = [row(("周舟", "母亲", "周岩"), ("周舟", "父亲", "周岩"), ("周岩", "儿子", "周舟"))]
    assert ("周岩", "儿子", "周舟") in edges_of(graph_of(*rows))


def test_a_name_relation_is_only_turned_into_another():
    assert edges_of(graph_of(row(("云大", "全称", "云岭大学")))) == {("云岭大学", "简称", "云大")}
    assert edges_of(graph_of(row(("青禾", "本名", "林溪")))) == {("青禾", "本名", "林溪")}


def test_spouses_are_one_edge_whoever_comes_first():
    both = [row(("周岩", "配偶", "林溪")), row(("林溪", "配偶", "周岩"), text="b")]
    (edge,) = graph_of(*both).edges
    assert (edge.predicate, len(edge.sources)) == ("配偶", 2)
    (edge,) = graph_of(*both, row(("林溪", "丈夫", "周岩"), text="c")).edges
    assert (edge.subject, edge.predicate, edge.object, len(edge.sources)) == ("周岩", "妻子", "林溪", 3)


def test_types_choose_between_a_synonym_and_a_phrase_read_backwards():
    said = triple("阿蛮", "演员", "林溪", subject_type="人物", object_type="娱乐人物")
    assert edges_of(graph_of(row(said))) == {("林溪", "饰演", "阿蛮")}
    assert edges_of(graph_of(row(("长夜", "演员", "林溪")))) == {("长夜", "主演", "林溪")}


def test_symmetric_relations_are_ordered():
    schema = schema_of(RelationType("同学", "人物", "人物", symmetric=True))
    rows = [row(("甲", "同学", "乙")), row(("乙", "同学", "甲"), text="b")]
    (edge,) = graph_of(*rows, schema=schema).edges
    assert [(source.subject, source.object) for source in edge.sources] == [(edge.subject, edge.object)] * 2
    assert len(graph_of(*rows, schema=schema, keep_inverses=True).edges) == 2


def test_a_person_and_a_film_of_one_name_stay_two():
    graph = graph_of(
        row(("长夜", "导演", "李默"), ("长夜", "妻子", "林溪")),
        row(("长夜", "身世", "成谜"), text="b"),
        row(("《长夜》", "编剧", "赵六"), text="c"),
    )
    assert {
        ("长夜〈影视作品〉", "导演", "李默"),
        ("长夜〈人物〉", "妻子", "林溪"),
        ("长夜〈影视作品〉", "身世", "成谜"),
    } <= edges_of(graph)
    assert graph.entities["长夜〈影视作品〉"].aliases == ("《长夜》",)
    assert graph.entities["长夜〈人物〉"].types == ("人物",)


def test_a_broad_type_joins_one_of_the_narrow_ones_but_never_bridges_them():
    film, book = ("长夜", "导演", "李默"), ("长夜", "作者", "赵六")
    for often in (film, book):
        graph = graph_of(row(film, book, ("长夜", "改编自", "长夜")), row(often, text="b"), row(often, text="c"))
        assert ("长夜〈影视作品〉", "改编自", "长夜〈图书作品〉") in edges_of(graph)
    narrow = row(triple("长夜", "改编自", "长夜", object_type="图书作品"))
    assert edges_of(graph_of(narrow)) == {("长夜〈影视作品〉", "改编自", "长夜〈图书作品〉")}


def test_types_that_mean_either_join_and_are_dropped_beside_what_they_mean():
    graph = graph_of(row(("云图", "代言人", "林溪"), ("云图", "创始人", "周岩")))
    assert graph.entities["云图"].types == ("企业",)


def test_aliases_are_listed_and_only_merged_when_asked():
    rows = [
        row(("云岭大学", "简称", "云大"), ("云大", "校长", "周岩")),
        row(("云大", "全称", "云岭大学"), text="b"),
        row(triple("云岭大学", "英文名", "Yunling", object_type="Text"), text="c"),
    ]
    graph = graph_of(*rows)
    assert edges_of(graph) == {
        ("云岭大学", "简称", "云大"),
        ("云大", "校长", "周岩"),
        ("云岭大学", "英文名", "Yunling"),
    }
    assert graph.entities["云岭大学"].aliases == ("云大", "Yunling")
    merged = graph_of(*rows, merge_aliases=True)
    assert ("云岭大学", "校长", "周岩") in edges_of(merged)
    assert "云大" not in merged.entities


def test_an_alias_of_two_or_of_another_type_is_nobodys():
    rows = [row(("云岭大学", "简称", "云大"), ("云南大学堂", "简称", "云大"), ("云大", "校长", "周岩"))]
    assert ("云大", "校长", "周岩") in edges_of(graph_of(*rows, merge_aliases=True))
    person = row(("云岭大学", "简称", "云大"), ("云大", "妻子", "林溪"))
    assert ("云大", "妻子", "林溪") in edges_of(graph_of(person, merge_aliases=True))
    assert "云岭大学" in graph_of(person, merge_aliases=True).entities


def test_the_full_name_is_the_key_of_merged_entities():
    rows = [row(("云岭大学", "简称", "云大")), *(row(("云大", "校长", f"人{n}"), text=f"t{n}") for n in range(3))]
    (key,) = {edge.subject for edge in graph_of(*rows, merge_aliases=True).edges}
    assert key == "云岭大学"


@pytest.mark.parametrize("relation", list(OPEN), ids=lambda relation: relation.name)
def test_every_relation_keeps_its_name_and_turns_at_most_to_its_inverse(relation):
    (edge,) = graph_of(row(("甲一", relation.name, "乙二"))).edges
    assert edge.predicate in {relation.name, relation.inverse_relation}
    assert edge.is_value is (relation.object_type in {"Date", "Number", "Text"})
