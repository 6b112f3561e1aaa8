import json
import sys
from pathlib import Path

import networkx
import pytest
from hostile_graphs import NAMES, every_name, graphs, metadata
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import MissingExtraError
from cacre.graph.networks import escape_xml, to_networkx, unescape_xml, write_graphml, write_node_link
from cacre.graph.values import Edge, Entity, Graph, Source


def graph_of(network: networkx.MultiDiGraph) -> Graph:
    """Back to a graph, checking what is said twice."""
    entities, edges = {}, {}
    for key, node in network.nodes(data=True):
        if node["kind"] == "entity":
            entities[key] = Entity(key, node["name"], tuple(node["types"]), tuple(node["aliases"]))
    for subject, target, number, found in network.edges(keys=True, data=True):
        value = network.nodes[target]
        assert (value["kind"] == "value") is found["is_value"]
        name = value["name"] if found["is_value"] else target
        names = (subject, found["predicate"], name, found["is_value"], found["object_type"])
        edge = Edge(*names, found["qualifiers"], tuple(map(source_of, found["sources"])))
        assert found.get("probability") == edge.probability
        assert found.get("text_score") == edge.text_score
        edges[number] = edge
    return Graph(entities, tuple(edge for _, edge in sorted(edges.items())))


def source_of(found: dict) -> Source:
    rest = {**found, "evidence": tuple(map(tuple, found["evidence"]))}
    quotes = rest.pop("quotes")
    for name in ("row_metadata", "triple_metadata"):
        rest[name] = metadata(rest[name])
    source = Source(**rest)
    assert list(source.quotes) == quotes
    return source


def read_graphml(path: Path) -> networkx.MultiDiGraph:
    """NetworkX's own reader, then what the module documents: JSON and the escape."""
    read = networkx.read_graphml(path, force_multigraph=True)
    network = networkx.MultiDiGraph()
    for node, attributes in read.nodes(data=True):
        network.add_node(unescape_xml(node), **decoded(attributes))
    for subject, target, number, attributes in read.edges(keys=True, data=True):
        network.add_edge(unescape_xml(subject), unescape_xml(target), key=number, **decoded(attributes))
    return network


def decoded(attributes: dict) -> dict:
    plain = {name: unescape_xml(value) if isinstance(value, str) else value for name, value in attributes.items()}
    lists = ("types", "aliases", "qualifiers", "sources")
    return {name: json.loads(value) if name in lists else value for name, value in plain.items()}


def read_node_link(path: Path) -> networkx.MultiDiGraph:
    return networkx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")


FORMATS = pytest.mark.parametrize(
    ("write", "read"), [(write_graphml, read_graphml), (write_node_link, read_node_link)], ids=["graphml", "node-link"]
)


@settings(max_examples=12)
@given(graphs())
def test_a_network_says_all_that_the_graph_does(graph):
    assert graph_of(to_networkx(graph)) == graph


@FORMATS
@settings(max_examples=12)
@given(graphs())
def test_files_come_back_as_they_were(tmp_path_factory, write, read, graph):
    path = tmp_path_factory.mktemp("networks") / "graph"
    write(graph, path)
    assert graph_of(read(path)) == graph


@FORMATS
def test_every_hostile_name_and_relation_comes_back(tmp_path, write, read):
    write(every_name(), tmp_path / "graph")
    assert graph_of(read(tmp_path / "graph")) == every_name()


@FORMATS
def test_an_empty_graph_comes_back(tmp_path, write, read):
    write(Graph({}, ()), tmp_path / "graph")
    assert graph_of(read(tmp_path / "graph")) == Graph({}, ())


@FORMATS
def test_files_do_not_depend_on_the_run(tmp_path, write, read):
    for name in ("a", "b"):
        write(every_name(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@FORMATS
def test_chinese_stays_readable(tmp_path, write, read):
    write(every_name(), tmp_path / "graph")
    assert "繁體中文" in (tmp_path / "graph").read_text(encoding="utf-8")


@FORMATS
def test_a_failure_leaves_what_was_there(tmp_path, write, read):
    path = tmp_path / "graph"
    path.write_text("before", encoding="utf-8")
    bad = Graph({"甲": Entity("甲", "甲", ("人物",), (object(),))}, ())
    with pytest.raises(TypeError):
        write(bad, path)
    assert [file.name for file in tmp_path.iterdir()] == ["graph"]
    assert path.read_text(encoding="utf-8") == "before"


def test_values_are_nodes_of_their_own_whatever_entities_are_called():
    entities = {key: Entity(key, key) for key in ("王", "value:Date:2019年", "::value:")}
    edges = (Edge("王", "生日", "2019年", True, "Date"), Edge("王", "卒日", "2019年", True, "Date"))
    network = to_networkx(Graph(entities, edges))
    assert dict(network.nodes(data="kind")) == dict.fromkeys(entities, "entity") | {":value:Date:2019年": "value"}
    assert network.number_of_edges("王", ":value:Date:2019年") == 2


def test_unknown_scores_are_no_attributes():
    network = to_networkx(Graph({"甲": Entity("甲", "甲")}, (Edge("甲", "同名", "甲", sources=(Source("甲"),)),)))
    assert not {"probability", "text_score"} & network.edges["甲", "甲", 0].keys()


def test_scores_of_either_kind_of_number_are_one_attribute_of_graphml(tmp_path):
    scores = [Source("甲", probability=probability) for probability in (1, 0.5)]
    edges = tuple(Edge("甲", f"关系{index}", "甲", sources=(score,)) for index, score in enumerate(scores))
    write_graphml(Graph({"甲": Entity("甲", "甲")}, edges), tmp_path / "graph")
    assert (tmp_path / "graph").read_text(encoding="utf-8").count('attr.name="probability"') == 1


@given(st.text(st.sampled_from("_x0aF8\x08\r\x00\ud800\ufffe甲\\")) | st.sampled_from(NAMES))
def test_the_escape_is_reverted_and_leaves_only_what_xml_holds(text):
    escaped = escape_xml(text)
    assert unescape_xml(escaped) == text
    assert not set(escaped) & set("\x08\r\x00\ud800\ufffe\x0b\x1f\uffff")


def test_the_escape_is_that_of_office_open_xml():
    assert escape_xml("a\x08_x0008_\\ _x_") == "a_x0008__x005F_x0008_\\ _x_"


def test_without_networkx_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError, match=r"'networkx'.*cacre\[graph\]"):
        write_node_link(every_name(), tmp_path / "graph")
