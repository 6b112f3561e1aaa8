"""Further keys of rows and triples: what a source keeps, and how each format says it."""

import csv
import json

import pytest
import rdflib
from verdict_rows import OPEN, graph_of, row, triple

from cacre.errors import DataError
from cacre.graph import GraphCollector
from cacre.graph.metadata import LONGEST_KEY, LONGEST_TOGETHER, as_object
from cacre.graph.networks import write_node_link
from cacre.graph.rdf import to_rdf, write_json_ld, write_turtle
from cacre.graph.tables import read_csv, write_csv

HOSTILE = {
    "url": "https://example.org/?q='\"&x=<y>",
    "=cmd()": "=1+1",
    "多行": '一\n二\r\n"三"\\\n@prefix x: <y> .',
    "date": "2024-05-01",
    "stars": 4.5,
    "draft": False,
    "nothing": None,
    "deep": {"作者": [{"名": "甲\u2028"}, None, [1, [2, [3]]]]},
    "half": "\ud83d",
}


def source_of(graph):
    ((source,),) = (edge.sources for edge in graph.edges)
    return source


def test_a_source_keeps_the_further_keys_of_its_row_and_its_triple():
    judged = triple(
        "长夜", "导演", "李默", note="甲", agreement=0.5, qualifiers={"地": "乙"}, mentions={"subject": [1, 3]}
    )
    source = source_of(graph_of(row(judged, id="1", url="https://example.org/1", gold=[], extraction={"llm": "m"})))
    assert as_object(source.row_metadata) == {"url": "https://example.org/1", "extraction": {"llm": "m"}}
    assert as_object(source.triple_metadata) == {"note": "甲", "agreement": 0.5}


def test_without_further_keys_there_is_nothing():
    source = source_of(graph_of(row(("长夜", "导演", "李默"), id="1")))
    assert (source.row_metadata, source.triple_metadata) == ("", "")


def test_one_text_of_two_sites_is_two_sources_and_read_by_two_llms_one():
    sites = [row(("长夜", "导演", "李默"), url=f"https://example.org/{number}") for number in (1, 2)]
    (edge,) = graph_of(*sites, *sites).edges
    assert [as_object(source.row_metadata)["url"][-1] for source in edge.sources] == ["1", "2"]
    llms = [
        row(triple("长夜", "导演", "李默", probability=p), extraction={"llm": name})
        for p, name in ((0.5, "a"), (0.9, "b"))
    ]
    for rows in (llms, llms[::-1]):
        (edge,) = graph_of(*rows).edges
        assert [as_object(source.row_metadata) for source in edge.sources] == [{"extraction": {"llm": "b"}}]


def test_what_is_too_long_is_left_out_and_counted():
    collector = GraphCollector(OPEN)
    page = {"html": "<p>" * LONGEST_KEY, "url": "https://example.org/"}
    many = {f"k{number:02}": "长" * (LONGEST_KEY - 20) for number in range(10)}
    collector.add(row(triple("长夜", "导演", "李默", **many), **page))
    source = source_of(collector.graph())
    assert as_object(source.row_metadata) == {"url": "https://example.org/"}
    assert list(as_object(source.triple_metadata)) == ["k00", "k01", "k02", "k03"]
    assert len(source.triple_metadata) <= LONGEST_TOGETHER + 100
    assert collector.counts.left_out == {"html": 1, **{f"k{number:02}": 1 for number in range(4, 10)}}


def test_a_key_that_is_no_json_is_named_and_nothing_of_the_row_enters():
    collector = GraphCollector(OPEN)
    for keys, field in (({"url": {1, 2}}, "url"), ({"score": float("nan")}, "score")):
        with pytest.raises(DataError, match="is no JSON value") as caught:
            collector.add(row(("长夜", "导演", "李默"), **keys))
        assert caught.value.field == field
    with pytest.raises(DataError) as caught:
        collector.add(row(triple("长夜", "导演", "李默", note=b"x")))
    assert caught.value.field == "triples[0].note"
    assert (collector.counts.rows, collector.graph().edges) == (0, ())


def test_hostile_values_arrive_in_csv_and_node_link(tmp_path):
    graph = graph_of(row(triple("长夜", "导演", "李默", **HOSTILE), **HOSTILE))
    write_csv(graph, tmp_path / "csv")
    assert read_csv(tmp_path / "csv") == graph
    with (tmp_path / "csv" / "sources.csv").open(encoding="utf-8", newline="") as stream:
        (line,) = csv.DictReader(stream)
    assert json.loads(line["row_metadata"]) == json.loads(line["triple_metadata"]) == HOSTILE
    write_node_link(graph, tmp_path / "graph.json")
    ((edge,),) = (json.loads((tmp_path / "graph.json").read_text(encoding="utf-8"))["edges"],)
    assert edge["sources"][0]["row_metadata"] == edge["sources"][0]["triple_metadata"] == HOSTILE


def test_rdf_has_a_property_for_each_key_that_sparql_finds(tmp_path):
    graph = graph_of(row(triple("长夜", "导演", "李默", **HOSTILE), **HOSTILE))
    write_turtle(graph, tmp_path / "graph.ttl")
    read = rdflib.Graph().parse(tmp_path / "graph.ttl", format="turtle")
    assert set(read) == set(to_rdf(graph))
    query = """
        PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
        PREFIX prov: <http://www.w3.org/ns/prov#>
        PREFIX row_key: <https://example.org/row_key/>
        PREFIX triple_key: <https://example.org/triple_key/>
        SELECT ?url ?stars ?draft ?deep ?half WHERE {
          ?statement a rdf:Statement ; prov:wasDerivedFrom ?source .
          ?source row_key:url ?url ; row_key:stars ?stars ; triple_key:draft ?draft ; triple_key:deep ?deep ;
            row_key:half ?half .
        }"""
    ((url, stars, draft, deep, half),) = read.query(query)
    assert (str(url), float(stars), draft.toPython()) == (HOSTILE["url"], 4.5, False)
    assert (json.loads(str(deep)), json.loads(str(half))) == (HOSTILE["deep"], HOSTILE["half"])


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own
@pytest.mark.parametrize("number", [2**53 - 1, 2**53, -(2**63) - 1, 10**30])
def test_json_ld_keeps_every_digit_of_a_number(tmp_path, number):
    judged = triple("长夜", "导演", "李默", stars=number)
    graph = graph_of(row(judged))
    write_json_ld(graph, tmp_path / "graph.jsonld")
    read = rdflib.Graph().parse(tmp_path / "graph.jsonld", format="json-ld")
    found = [o for o in read.objects() if isinstance(o, rdflib.Literal) and o.value == number]
    assert [str(o) for o in found] == [str(number)]
    assert set(read) == set(to_rdf(graph))
