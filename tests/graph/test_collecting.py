"""Verdict rows become one graph: what enters, what is one edge, what is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_rows import OPEN, TEXT, edges_of, graph_of, row, triple

from cacre.data import parse_row, read_rows
from cacre.errors import ConfigError, DataError
from cacre.graph import GraphCollector, MergeSettings

HOSTILE = [
    'a"b',
    "`x`",
    "\\",
    "a,b",
    "a\nb\t",
    "👨\u200d👩",
    "=HYPERLINK(1)",
    "+1",
    "@x",
    "-2",
    "<b>",
    "]]>",
    "א\u200f",
    "》",
]


def test_spellings_of_one_fact_are_one_edge_with_its_sources_surest_first():
    rows = [
        row(
            triple("《長夜》", "執導者", "李默", probability=0.6, text_score=0.5, evidence=[[0, 4]]),
            text="《長夜》李默",
            id="a",
        ),
        row(triple("长夜", "导演", "李　默", probability=0.9), id="b"),
        row(triple("长夜", "导演", "李默"), id="c", text="另一段。"),
    ]
    graph = graph_of(*rows)
    (edge,) = graph.edges
    assert (edge.subject, edge.predicate, edge.object, edge.object_type, edge.is_value) == (
        "长夜",
        "导演",
        "李默",
        "人物",
        False,
    )
    assert [source.row for source in edge.sources] == ["b", "a", "c"]
    assert (edge.sources[1].quotes, edge.sources[1].subject, edge.probability) == (("《長夜》",), "《長夜》", 0.9)
    film = graph.entities["长夜"]
    assert (film.name, film.types, film.aliases) == ("长夜", ("影视作品",), ("《長夜》",))


def test_a_repeated_row_changes_nothing_and_one_evidence_counts_once():
    one = row(triple("长夜", "导演", "李默", probability=0.4, evidence=[[1, 3]]), id="a")
    surer = row(triple("《长夜》", "导演", "李默", probability=0.7, evidence=[[1, 3]]), id="a")
    assert graph_of(one, one) == graph_of(one)
    (edge,) = graph_of(one, surer).edges
    assert [source.probability for source in edge.sources] == [0.7]
    elsewhere = row(triple("长夜", "导演", "李默", evidence=[[5, 7]]), id="a")
    assert len(graph_of(one, elsewhere).edges[0].sources) == 2


def test_only_supported_and_probable_triples_enter():
    collector = GraphCollector(OPEN, MergeSettings(min_probability=0.5))
    collector.add(
        row(
            triple("长夜", "导演", "李默", probability=0.5),
            triple("长夜", "导演", "王五", probability=0.49),
            triple("长夜", "编剧", "赵六", "rejected", reason="low text score"),
        )
    )
    assert edges_of(collector.graph()) == {("长夜", "导演", "李默")}
    counts = collector.counts
    assert (counts.rows, counts.triples, counts.improbable, counts.rejected, counts.merged) == (1, 1, 1, 1, 0)


def test_a_threshold_needs_probabilities():
    collector = GraphCollector(OPEN, MergeSettings(min_probability=0.5))
    with pytest.raises(DataError, match=r"triples\[0\].probability: is missing.*calibrate"):
        collector.add(row(("长夜", "导演", "李默")))
    assert (collector.counts.rows, collector.graph().edges) == (0, ())


def test_candidates_without_verdicts_are_sent_to_filter(tmp_path):
    raw = {"text": TEXT, "triples": [{"subject": "长夜", "predicate": "导演", "object": "李默"}]}
    path = tmp_path / "c.jsonl"
    path.write_text("\n" + json.dumps(raw))
    for given_, place in (
        (raw, ""),
        (parse_row(raw, "candidates"), ""),
        (next(read_rows(path, "candidates")), f"{path}:2: "),
        (next(read_rows(path, "texts")), f"{path}:2: "),
    ):
        with pytest.raises(DataError, match="cacre filter") as caught:
            GraphCollector(OPEN).add(given_)
        assert str(caught.value).startswith(f"{place}triples[0].verdict: ")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"evidence": [[0, 1], [3, 99]]}, "triples[0].evidence[1]"),
        ({"evidence": [[3, 1]]}, "triples[0].evidence[0]"),
        ({"qualifiers": ["台湾"]}, "triples[0].qualifiers"),
        ({"qualifiers": {"inArea": 3}}, "triples[0].qualifiers"),
        ({"qualifiers": {"inArea": "\0"}}, "triples[0].qualifiers"),
        ({"object": {"inArea": "台湾"}}, "triples[0].object"),
        ({"probability": 2}, "triples[0].probability"),
    ],
)
def test_bad_rows_are_named(tmp_path, bad, field):
    path = tmp_path / "v.jsonl"
    path.write_text(json.dumps(row(triple("长夜", "票房", "3亿") | bad)))
    with pytest.raises(DataError) as caught:
        GraphCollector(OPEN).add(next(read_rows(path, "texts")))
    assert (caught.value.field, caught.value.path, caught.value.line) == (field, str(path), 1)


@pytest.mark.parametrize("settings_", [{"min_probability": 1.5}, {"min_probability": True}, {"merge_aliases": "no"}])
def test_bad_settings_are_refused(settings_):
    with pytest.raises(ConfigError):
        MergeSettings(**settings_)


def test_values_merge_by_width_and_space_and_are_no_entities():
    graph = graph_of(
        row(("长夜", "上映时间", "２０１９年 7月")),
        row(("长夜", "公映日期", "2019年7月"), text="b"),
        row(("长夜", "票房", "10²")),
    )
    assert edges_of(graph) == {("长夜", "上映时间", "2019年7月"), ("长夜", "票房", "10²")}
    assert {(edge.is_value, edge.object_type) for edge in graph.edges} == {(True, "Date"), (True, "Number")}
    assert list(graph.entities) == ["长夜"]


@pytest.mark.parametrize("place", ["slots", "qualifiers"])
def test_qualifiers_are_kept_and_tell_edges_apart(place):
    def box_office(amount, **slots):
        if place == "slots":
            types = {"@value": "Number", "inArea": "地点"}
            return triple("长夜", "票房", {"@value": amount, **slots}, object_type=types)
        return triple("长夜", "票房", amount, qualifiers=slots)

    rows = [
        row(box_office("3亿", inArea="台湾", 来源="报纸")),
        row(box_office("３亿", 来源="报 纸 ", inArea="台湾"), text="b"),
        row(box_office("3亿", inArea="香港", note=" "), text="c"),
        row(triple("长夜", "票房", "3亿"), text="d"),
    ]
    graph = graph_of(*rows)
    assert [dict(edge.qualifiers) for edge in graph.edges] == [
        {"inArea": "台湾", "来源": "报 纸"},
        {"inArea": "香港"},
        {},
    ]
    assert [len(edge.sources) for edge in graph.edges] == [2, 1, 1]


def test_hostile_names_survive():
    graph = graph_of(*(row((name, "同乡", "龍" * 2000), text=f"t{n}") for n, name in enumerate(HOSTILE)))
    assert {entity.name for entity in graph.entities.values()} == {name.strip() for name in HOSTILE} | {"龍" * 2000}


def test_texts_are_held_once_whatever_the_number_of_rows():
    rows = [row(("长夜", "导演", f"人{n}"), text="".join(["长夜", "由人执导" * 9]), id=f"r{n}") for n in range(3)]
    graph = graph_of(*rows)
    assert len({id(source.text) for edge in graph.edges for source in edge.sources}) == 1


names = st.sampled_from(["长夜", "《長夜》", "李默", "李 默", "云大", "云岭大学", "2019年", "=1"])
words = st.sampled_from(
    ["导演", "執導", "妻子", "丈夫", "配偶", "儿子", "父亲", "简称", "全称", "作者", "改编自", "上映时间", "同乡"]
)
kinds = st.sampled_from([None, "人物", "影视作品", "作品", "图书作品", "Text"])
items = st.builds(
    lambda s, p, o, kind, chance, area: triple(
        s, p, o, subject_type=kind, probability=chance, qualifiers={"inArea": area} if area else {}
    ),
    names, words, names, kinds, st.sampled_from([None, 0.3, 0.8]), st.sampled_from(["", "台湾", "台 湾"]),
)  # fmt: skip
row_lists = st.lists(st.lists(items, max_size=4), max_size=5).map(
    lambda rows: [row(*found, text=f"第{n}段", id=str(n)) for n, found in enumerate(rows)]
)
switches = st.fixed_dictionaries({"merge_aliases": st.booleans(), "keep_inverses": st.booleans()})


def content(graph):
    """The edges and entities without their order, and the sources without theirs."""
    edges = {identity_of(edge): frozenset(edge.sources) for edge in graph.edges}
    entities = {(e.key, frozenset(e.types), frozenset((e.name, *e.aliases))) for e in graph.entities.values()}
    return edges, entities


def identity_of(edge):
    slots = tuple(edge.qualifiers.items())
    return edge.subject, edge.predicate, edge.object, edge.is_value, edge.object_type, slots


@settings(max_examples=80, deadline=None)
@given(row_lists, switches, st.randoms())
def test_the_order_of_rows_does_not_matter(rows, chosen, random):
    shuffled = random.sample(rows, len(rows))
    assert content(graph_of(*shuffled, **chosen)) == content(graph_of(*rows, **chosen))


@settings(max_examples=60, deadline=None)
@given(row_lists, switches)
def test_repeated_rows_change_nothing_but_sources(rows, chosen):
    graph = graph_of(*rows, **chosen)
    assert graph_of(*rows, *rows, **chosen) == graph
    copies = [{**one, "id": one["id"] + "x"} for one in rows]
    again = graph_of(*rows, *copies, **chosen)
    assert [replace(e, sources=()) for e in again.edges] == [replace(e, sources=()) for e in graph.edges]
    assert again.entities == graph.entities
    assert all(len(more.sources) == 2 * len(one.sources) for more, one in zip(again.edges, graph.edges, strict=True))


@settings(max_examples=60, deadline=None)
@given(row_lists, switches)
def test_edges_stand_on_entities_and_keys_differ(rows, chosen):
    graph = graph_of(*rows, **chosen)
    ends = {end for edge in graph.edges for end in (edge.subject, *(() if edge.is_value else (edge.object,)))}
    assert ends == set(graph.entities)
    assert all(entity.key == key and entity.name not in entity.aliases for key, entity in graph.entities.items())
    assert all(edge.sources for edge in graph.edges)
    assert len({identity_of(edge) for edge in graph.edges}) == len(graph.edges)
