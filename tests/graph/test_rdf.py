import importlib
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from urllib.parse import unquote

import pytest
import rdflib
from hostile_graphs import NAMES, RELATIONS, every_name, graphs, metadata
from hypothesis import given, settings
from rdflib.namespace import DCTERMS, PROV, RDF, RDFS, SKOS, XSD

import cacre.graph.rdf as module
from cacre.errors import ConfigError, MissingExtraError
from cacre.graph.rdf import to_rdf, write_json_ld, write_turtle
from cacre.graph.rdf_nodes import CACRE, OA, literal_of
from cacre.graph.tables import write_csv
from cacre.graph.values import Edge, Entity, Graph, Source

# rdflib 7.6 warns of itself when it parses JSON-LD.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
BASE = "https://example.org/"
FORMATS = pytest.mark.parametrize(
    ("write", "format"), [(write_turtle, "turtle"), (write_json_ld, "json-ld")], ids=["turtle", "json-ld"]
)
SMALL = Graph(
    {"王小石": Entity("王小石", "王小石", ("人物",), ("小石",)), "acme": Entity("acme", "ACME")},
    (
        Edge("王小石", "创始", "acme", sources=(Source("王小石创办了ACME。", "7", ((0, 5),), probability=0.95),)),
        Edge("王小石", "生日", "1970年1月2日", True, "Date", {}, (Source("生于1970年1月2日。", probability=0.5),)),
    ),
)


def name_of(iri: rdflib.term.Node, kind: str) -> str:
    assert str(iri).startswith(f"{BASE}{kind}/")
    return unquote(str(iri).removeprefix(f"{BASE}{kind}/"))


def contents(rdf: rdflib.Graph) -> tuple[set, list]:
    """Entities and edges of RDF, read by what the module documents; sets where RDF has no order."""
    entities = {
        (
            name_of(node, "entity"),
            str(rdf.value(node, RDFS.label, any=False)),
            frozenset(name_of(kind, "type") for kind in rdf.objects(node, RDF.type) if kind != CACRE.Entity),
            frozenset(map(str, rdf.objects(node, SKOS.altLabel))),
        )
        for node in rdf.subjects(RDF.type, CACRE.Entity)
    }
    return entities, sorted((edge_of(rdf, node) for node in rdf.subjects(RDF.type, RDF.Statement)), key=repr)


def edge_of(rdf: rdflib.Graph, node: rdflib.term.Node) -> tuple:
    parts = [rdf.value(node, part, any=False) for part in (RDF.subject, RDF.predicate, RDF.object)]
    assert tuple(parts) in rdf
    written = rdf.value(node, CACRE.asWritten, any=False)
    kind = rdf.value(node, CACRE.objectType, any=False)
    prefix = f"{BASE}qualifier/"
    qualifiers = sorted((name_of(p, "qualifier"), str(o)) for p, o in rdf[node] if str(p).startswith(prefix))
    return (
        name_of(parts[0], "entity"),
        name_of(parts[1], "relation"),
        str(written) if written is not None else name_of(parts[2], "entity"),
        written is not None,
        name_of(kind, "type") if kind else "",
        tuple(qualifiers),
        tuple(sorted((source_of(rdf, source) for source in rdf.objects(node, PROV.wasDerivedFrom)), key=repr)),
    )


def source_of(rdf: rdflib.Graph, node: rdflib.term.Node) -> tuple:
    pieces = sorted(
        tuple(rdf.value(piece, name, any=False).toPython() for name in (CACRE.rank, OA.start, OA.end, OA.exact))
        for piece in rdf.objects(node, OA.hasSelector)
    )
    row = rdf.value(node, DCTERMS.identifier, any=False)
    return (
        str(rdf.value(rdf.value(node, OA.hasSource, any=False), RDF.value, any=False)),
        None if row is None else str(row),
        tuple((start, end) for _, start, end, _ in pieces),
        tuple(quote for *_, quote in pieces),
        str(rdf.value(node, CACRE.subjectAsWritten, any=False) or ""),
        str(rdf.value(node, CACRE.objectAsWritten, any=False) or ""),
        *(score_of(rdf, node, name) for name in (CACRE.probability, CACRE.textScore, CACRE.pairScore)),
        *(keys_of(rdf, node, kind) for kind in ("row_key", "triple_key")),
    )


def keys_of(rdf: rdflib.Graph, node: rdflib.term.Node, kind: str) -> str:
    """Further keys, put together again from the literals."""
    found = {name_of(p, kind): value_of(o) for p, o in rdf[node] if str(p).startswith(f"{BASE}{kind}/")}
    return metadata(found)


def value_of(literal: rdflib.term.Node) -> object:
    if literal.datatype in (RDF.JSON, XSD.boolean, XSD.integer):
        return json.loads(str(literal))
    return float(str(literal)) if literal.datatype == XSD.decimal else str(literal)


def score_of(rdf: rdflib.Graph, node: rdflib.term.Node, name: rdflib.URIRef) -> float | None:
    value = rdf.value(node, name, any=False)
    return None if value is None else float(value)


def expected(graph: Graph) -> tuple[set, list]:
    entities = {(e.key, e.name, frozenset(e.types), frozenset(e.aliases)) for e in graph.entities.values()}
    edges = [
        (
            *(edge.subject, edge.predicate, edge.object, edge.is_value, edge.object_type),
            tuple(sorted(edge.qualifiers.items())),
            tuple(sorted(map(source_fields, edge.sources), key=repr)),
        )
        for edge in graph.edges
    ]
    return entities, sorted(edges, key=repr)


def source_fields(source: Source) -> tuple:
    scores = (source.probability, source.text_score, source.pair_score)
    metadata_ = (source.row_metadata, source.triple_metadata)
    return (source.text, source.row, source.evidence, source.quotes, source.subject, source.object, *scores, *metadata_)


@settings(max_examples=12)
@given(graphs())
def test_rdf_says_all_that_the_graph_does(graph):
    assert contents(to_rdf(graph)) == expected(graph)


@pytest.mark.slow
@FORMATS
@settings(max_examples=12)
@given(graphs())
def test_files_are_the_same_rdf(tmp_path_factory, write, format, graph):
    path = tmp_path_factory.mktemp("rdf") / "graph"
    write(graph, path)
    read = rdflib.Graph().parse(path, format=format)
    assert set(read) == set(to_rdf(graph))
    assert contents(read) == expected(graph)


@FORMATS
def test_every_hostile_name_and_relation_comes_back(tmp_path, write, format):
    write(every_name(), tmp_path / "graph")
    read = rdflib.Graph().parse(tmp_path / "graph", format=format)
    assert contents(read) == expected(every_name())
    labels = {str(label) for relation in read.subjects(RDF.type, RDF.Property) for label in read[relation : RDFS.label]}
    assert set(RELATIONS) <= labels


def test_files_do_not_depend_on_the_process(tmp_path):
    write_csv(SMALL, tmp_path / "tables")
    code = "from cacre.graph import rdf, tables; graph = tables.read_csv('tables');"
    code += "rdf.write_turtle(graph, 'there.turtle'); rdf.write_json_ld(graph, 'there.json-ld')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": "7"})
    for write, format in ((write_turtle, "turtle"), (write_json_ld, "json-ld")):
        write(SMALL, tmp_path / "here")
        assert (tmp_path / "here").read_bytes() == (tmp_path / f"there.{format}").read_bytes()


@FORMATS
def test_an_empty_graph_is_empty_rdf(tmp_path, write, format):
    write(Graph({}, ()), tmp_path / "graph")
    assert len(rdflib.Graph().parse(tmp_path / "graph", format=format)) == 0


@FORMATS
@pytest.mark.parametrize("base", ["urn:mine:", "https://例.example/图#", "http://localhost:8080/kg/"])
def test_names_go_below_the_base(tmp_path, write, format, base):
    write(SMALL, tmp_path / "graph", base=base)
    read = rdflib.Graph().parse(tmp_path / "graph", format=format)
    assert set(read) == set(to_rdf(SMALL, base=base))
    assert rdflib.URIRef(f"{base}entity/acme") in set(read.subjects())


@pytest.mark.parametrize("base", ["", "example.org/", "https://example.org", "https://a b/", "https://x/<>/", "/kg/"])
def test_a_base_that_is_no_absolute_iri_is_refused(tmp_path, base):
    for write in (write_turtle, write_json_ld):
        with pytest.raises(ConfigError, match=re.escape(f"base {base!r} must be an absolute IRI")):
            write(SMALL, tmp_path / "graph", base=base)
    with pytest.raises(ConfigError, match="absolute IRI"):
        to_rdf(SMALL, base=base)
    assert not list(tmp_path.iterdir())


@FORMATS
def test_texts_can_be_left_out(tmp_path, write, format):
    write(SMALL, tmp_path / "graph", with_texts=False)
    read = rdflib.Graph().parse(tmp_path / "graph", format=format)
    assert not list(read.triples((None, RDF.value, None)))
    assert {str(quote) for quote in read.objects(None, OA.exact)} == {"王小石创办"}
    assert len(set(read.objects(None, OA.hasSource))) == 2


def test_the_query_of_the_documentation_runs():
    query = re.search(r"```sparql\n(.*?)```", module.__doc__, re.DOTALL)[1]
    found = [tuple(map(str, row)) for row in to_rdf(SMALL).query(query)]
    assert found == [("王小石", "创始", "ACME", "0.95", "王小石创办")]


def test_plain_sparql_finds_facts_by_their_labels():
    query = 'SELECT ?day WHERE { ?who rdfs:label "王小石"@zh ; ?relation ?day . ?relation rdfs:label "生日"@zh }'
    assert [str(day) for (day,) in to_rdf(SMALL).query(query, initNs={"rdfs": RDFS})] == ["1970-01-02"]


def test_turtle_is_readable(tmp_path):
    write_turtle(SMALL, tmp_path / "graph")
    text = (tmp_path / "graph").read_text(encoding="utf-8")
    assert 'entity:acme a cacre:Entity ;\n  rdfs:label "ACME" .\n' in text
    assert '"1970-01-02"^^xsd:date' in text
    assert 'cacre:asWritten "1970年1月2日"' in text


def test_turtle_quotes_every_literal_on_one_line(tmp_path):
    write_turtle(every_name(), tmp_path / "graph")
    text = (tmp_path / "graph").read_bytes().decode()
    assert '"""' not in text
    assert all(len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0 for line in text.split("\n"))


def test_facts_that_differ_in_qualifiers_only_are_two_statements():
    source = (Source("甲"),)
    edges = tuple(Edge("甲", "配音", "甲", qualifiers={"作品": name}, sources=source) for name in ("子", "丑"))
    graph = Graph({"甲": Entity("甲", "甲")}, edges)
    assert contents(to_rdf(graph)) == expected(graph)
    assert len(set(to_rdf(graph).subjects(RDF.type, RDF.Statement))) == 2


def test_json_ld_has_one_node_a_line(tmp_path):
    write_json_ld(SMALL, tmp_path / "graph")
    lines = (tmp_path / "graph").read_text(encoding="utf-8").splitlines()
    nodes = [json.loads(line.removesuffix(",")) for line in lines[2:-1]]
    assert {"@id": "entity:acme", "@type": "cacre:Entity", "rdfs:label": "ACME"} in nodes


def test_exports_of_two_graphs_can_be_loaded_together():
    both = to_rdf(SMALL) + to_rdf(Graph(SMALL.entities, SMALL.edges[::-1]))
    assert contents(both) == expected(SMALL)


def test_local_names_hold_nothing_that_a_format_has_to_escape():
    names = {str(node).rsplit("/", 1)[1] for node in to_rdf(every_name()).subjects() if "/entity/" in str(node)}
    assert len(names) == len(NAMES)
    assert all(re.fullmatch(r"(?:[A-Za-z0-9_]|%[0-9A-F]{2})+", name) for name in names)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("王小石", "zh"),
        ("繁體", "zh"),
        ("ACME公司", "zh"),
        ("ACME", None),
        ("ひらがな漢字", None),
        ("한漢", None),
        ("12", None),
    ],
)
def test_labels_in_han_are_chinese(name, language):
    rdf = to_rdf(Graph({"x": Entity("x", name, (), (f"{name}二" if language else f"{name}2",))}, ()))
    assert {label.language for label in rdf.objects(None, RDFS.label | SKOS.altLabel)} == {language}


@pytest.mark.parametrize(
    ("value", "kind", "lexical", "datatype"),
    [
        ("2019年7月16日", "Date", "2019-07-16", XSD.date),
        ("2019年07月16号", "", "2019-07-16", XSD.date),
        ("２０１９年７月", "Date", "2019-07", XSD.gYearMonth),
        ("2019年", "Date/Text", "2019", XSD.gYear),
        ("2019-07-16", "Date", "2019-07-16", XSD.date),
        ("2019-07", "Date", "2019-07", XSD.gYearMonth),
        ("2019", "Date", "2019", XSD.gYear),
        ("2019", "Number", "2019.0", XSD.decimal),
        ("2019", "", "2019.0", XSD.decimal),
        ("-1.50", "Number", "-1.50", XSD.decimal),
        ("+3", "Number", "3.0", XSD.decimal),
        ("１２.５", "Number", "12.5", XSD.decimal),
        *(
            (value, kind, value, None)
            for value, kind in [
                ("2019年2月30日", "Date"),
                ("2019年13月", "Date"),
                ("0000", "Date"),
                ("0000年", "Date"),
                ("98年7月", "Date"),
                ("约2019年", "Date"),
                ("2019年7月16日晚", "Date"),
                ("2019-7-16", "Date"),
                ("1000年", "Number"),
                ("2019年7月16日", "Text"),
                ("120", "Text"),
                ("010000", "Number"),
                ("1,000", "Number"),
                ("10万", "Number"),
                ("1e5", "Number"),
                ("٣", "Number"),
                ("20190716", "Date"),
                (" 甲\n", "Date"),
            ]
        ),
    ],
)
def test_values_are_typed_only_where_they_are_exactly_that(value, kind, lexical, datatype):
    literal = literal_of(value, kind)
    assert (str(literal), literal.datatype) == (lexical, datatype)
    assert not literal.ill_typed
    rdf = to_rdf(Graph({"甲": Entity("甲", "甲")}, (Edge("甲", "值", value, True, kind),)))
    assert [str(written) for written in rdf.objects(None, CACRE.asWritten)] == [value]


@pytest.mark.parametrize("score", [1e-7, 0.1 + 0.2, 1, -0.0, 0.123456])
def test_scores_are_exact_decimals(score):
    graph = Graph({"甲": Entity("甲", "甲")}, (Edge("甲", "值", "甲", sources=(Source("甲", probability=score),)),))
    found = set(to_rdf(graph).objects(None, CACRE.probability))
    assert {(float(value), value.datatype, type(value.value)) for value in found} == {(score, XSD.decimal, Decimal)}
    assert all(re.fullmatch(r"-?\d+\.\d+", str(value)) for value in found)


def test_without_rdflib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdflib", None)
    monkeypatch.delitem(sys.modules, "cacre.graph.rdf")
    with pytest.raises(MissingExtraError, match=r"'rdflib'.*cacre\[graph\]"):
        importlib.import_module("cacre.graph.rdf")
