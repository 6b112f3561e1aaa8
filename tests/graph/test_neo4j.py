r"""Graphs for Neo4j, run by a stand-in that reads escapes and names as Neo4j does."""

import csv
import json
import re

import pytest
from hostile_graphs import NAMES, RELATIONS, TEXT, every_name, graphs, metadata
from hypothesis import given, settings
from hypothesis import strategies as st
from neo4j.exceptions import AuthError, ClientError
from neo4j_stand_in import StandIn, StandInDriver, read_literal, unescaped

from cacre.errors import ConfigError, DataError
from cacre.graph.neo4j import (
    LoadCounts,
    cypher_statements,
    load_into_neo4j,
    write_admin_csv,
    write_cypher,
)
from cacre.graph.neo4j_import import ADMIN_FILES
from cacre.graph.values import Edge, Entity, Graph, Source

INJECTIONS = (
    r"\u0060) DETACH DELETE n //",
    r"\u0060",
    r"\\u0060",
    r"\uuu0060",
    r"\u005Cu0060",
    "`) DETACH DELETE n //",
    "``",
    "\\",
    "a\\",
    "\\`",
    "x\\'y",
    "'] AS row RETURN 1; MATCH (n) DETACH DELETE n; //",
    "$rows",
    "a\nb;\n",
    "${x}",
)
SOURCE = Source("《书》由甲写。", "行1", ((1, 2), (4, 5)), "书", "甲", 0.25, -0.5, 0.875)


def injected():
    entities = {name: Entity(name, name, (name,), (name,)) for name in INJECTIONS}
    edges = [
        Edge(name, name, name, value, name, {name: name}, (SOURCE,)) for name in INJECTIONS for value in (True, False)
    ]
    return Graph(entities, tuple(edges))


def loaded(graph, **more):
    database = StandIn()
    for statement in cypher_statements(graph, **more):
        database.run(statement.query, statement.parameters.get("rows", ()))
    return database


def check(database, graph):
    """The database holds all that the graph does."""
    entities = {key: node for (label, key), node in database.nodes.items() if label == "Entity"}
    assert sorted((n["name"], n.get("types", []), n.get("aliases", [])) for n in entities.values()) == sorted(
        (e.name, list(e.types), list(e.aliases)) for e in graph.entities.values()
    )
    for entity in graph.entities.values():
        if len(entity.key) < 1000:
            assert entities[entity.key]["labels"] == {
                "Entity",
                *(t for t in entity.types if t not in ("Value", "Text")),
            }
    assert len(database.relationships) == len({identity(edge) for edge in graph.edges})
    texts = {key: node["text"] for (label, key), node in database.nodes.items() if label == "Text"}
    for ((_, subject), kind, (label, target), qualifiers), properties in database.relationships.items():
        edge = found(graph, (kind, json.loads(qualifiers), label == "Value"), properties, texts)
        if len(edge.subject) < 1000:
            assert subject == edge.subject
        name = database.nodes[label, target]["name"]
        assert name == (edge.object if edge.is_value else graph.entities[edge.object].name)
        slots = {k: v for k, v in properties.items() if k.startswith("qualifier_")}
        assert slots == {f"qualifier_{k}": v for k, v in edge.qualifiers.items()}


def identity(edge):
    kind = edge.object_type if edge.is_value else None
    return edge.subject, edge.predicate, edge.object, edge.is_value, kind, tuple(sorted(edge.qualifiers.items()))


def found(graph, key, properties, texts):
    """The edge that says all that a relationship says."""
    for edge in graph.edges:
        told = [
            Source(
                texts[s["text"]], s["row"], tuple(map(tuple, s["spans"])), s["subject"], s["object"],
                s["text_score"], s["pair_score"], s["probability"],
                metadata(s["row_metadata"]), metadata(s["triple_metadata"]),
            )
            for s in json.loads(properties["evidence"])
        ]  # fmt: skip
        if (
            (edge.predicate, dict(edge.qualifiers), edge.is_value) == key
            and edge.sources == tuple(told)
            and (edge.probability, edge.text_score) == (properties.get("probability"), properties.get("text_score"))
            and properties.get("object_type", "") == edge.object_type
        ):
            assert properties["sources"] == len(edge.sources)
            assert properties.get("rows", []) == list(dict.fromkeys(s.row for s in edge.sources if s.row is not None))
            assert [texts[key] for key in properties["texts"]] == list(dict.fromkeys(s.text for s in edge.sources))
            return edge
    raise AssertionError(f"no edge like {key!r} {properties!r}")


# Queries


@settings(max_examples=40)
@given(graphs())
def test_a_graph_is_all_there_and_loading_it_again_changes_nothing(graph):
    database = loaded(graph)
    check(database, graph)
    before = json.dumps([repr(database.nodes), repr(database.relationships)])
    for statement in cypher_statements(graph, batch=2):
        new = database.run(statement.query, statement.parameters.get("rows", ()))
        assert (new.nodes_created, new.relationships_created) == (0, 0)
    after = json.dumps([repr(database.nodes), repr(database.relationships)])
    assert len(before) == len(after)
    check(database, graph)


@pytest.mark.parametrize("graph", [every_name(), injected()], ids=["names", "injections"])
def test_hostile_names_arrive_as_they_are(graph):
    check(loaded(graph), graph)


def test_every_relation_of_the_open_schema_is_a_type_under_its_own_name():
    kinds = {kind for _, kind, _, _ in loaded(every_name()).relationships}
    assert kinds == set(RELATIONS)


def test_nothing_of_the_graph_but_quoted_names_is_in_a_query():
    for statement in cypher_statements(injected()):
        outside = re.sub("`(?:[^`]|``)*`", "", unescaped(statement.query))
        assert not set(outside) & set("\\`'\"")
        assert "DELETE" not in outside


@given(TEXT | st.sampled_from(INJECTIONS))
def test_a_relation_is_one_name_to_the_parser(name):
    graph = Graph({"甲": Entity("甲", "甲")}, (Edge("甲", name, "甲", sources=(SOURCE,)),))
    ((_, kind, _, _),) = loaded(graph).relationships
    assert kind == name


def test_constraints_come_first():
    database = loaded(Graph({}, ()))
    assert database.constraints == {"Entity", "Value", "Text"}
    assert [s.query.startswith("CREATE CONSTRAINT") for s in cypher_statements(every_name())][:4] == [True] * 3 + [
        False
    ]


def test_batches_have_the_size_asked_for():
    sizes = [len(s.parameters["rows"]) for s in cypher_statements(every_name(), batch=7) if s.parameters]
    assert max(sizes) == 7
    with pytest.raises(ConfigError, match="batch must be at least 1, got 0"):
        list(cypher_statements(every_name(), batch=0))


def test_texts_can_stay_out():
    database = loaded(every_name(), with_texts=False)
    assert {label for label, _ in database.nodes} == {"Entity", "Value"}
    assert all(json.loads(p["evidence"])[0]["quotes"] == ["甲", "\n乙"] for p in database.relationships.values())


def test_new_scores_replace_the_old_ones():
    database = StandIn()
    for probability in (0.5, None):
        source = Source("甲乙", probability=probability)
        graph = Graph({"甲": Entity("甲", "甲")}, (Edge("甲", "父亲", "甲", sources=(source,)),))
        for statement in cypher_statements(graph):
            database.run(statement.query, statement.parameters.get("rows", ()))
    ((_, properties),) = database.relationships.items()
    assert "probability" not in properties


def test_qualifiers_tell_relationships_apart_in_any_order():
    first, second = {"地区": "甲", "平台": "乙"}, {"平台": "乙", "地区": "甲"}
    nodes = {"甲": Entity("甲", "甲")}
    edges = [
        Edge("甲", "票房", "1亿", True, "Number", slots, (SOURCE,)) for slots in (first, second, {}, {"地区": "丙"})
    ]
    assert len(loaded(Graph(nodes, tuple(edges))).relationships) == 3


def test_long_keys_are_short_enough_for_an_index_and_never_mixed_up():
    hashed = next(iter(loaded(Graph({"长" * 5000: Entity("长" * 5000, "长")}, ())).nodes))[1]
    assert len(hashed.encode()) < 100
    names = ("长" * 5000, "长" * 5001, hashed)
    database = loaded(Graph({name: Entity(name, name) for name in names}, ()))
    assert len(database.nodes) == 3
    assert all(len(key.encode()) <= 4000 for _, key in database.nodes)


def test_types_and_values_are_told_apart():
    nodes = {"甲": Entity("甲", "甲")}
    edges = [Edge("甲", "r", o, True, t, {}, (SOURCE,)) for t, o in (("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c"))]
    assert len([key for key in loaded(Graph(nodes, tuple(edges))).nodes if key[0] == "Value"]) == 3


def test_a_type_called_like_a_label_of_ours_stays_a_property():
    database = loaded(Graph({"甲": Entity("甲", "甲", ("Value", "人物"))}, ()))
    ((_, node),) = database.nodes.items()
    assert (node["labels"], node["types"]) == ({"Entity", "人物"}, ["Value", "人物"])


@pytest.mark.parametrize("name", ["", "a\x00b", "长" * 30_000, "\ud800"])
@pytest.mark.parametrize("where", ["predicate", "type", "qualifier"])
def test_names_that_neo4j_cannot_hold_are_refused(name, where, tmp_path):
    if (name, where) == ("", "qualifier"):
        name = "\x00"  # an empty one has the prefix before it, but no row can have it
    entity = Entity("甲", "甲", (name,) if where == "type" else ())
    slots = {name: "乙"} if where == "qualifier" else {}
    edge = Edge("甲", name if where == "predicate" else "父亲", "甲", qualifiers=slots, sources=(SOURCE,))
    graph = Graph({"甲": entity}, (edge,))
    for export in (lambda: list(cypher_statements(graph)), lambda: write_admin_csv(graph, tmp_path)):
        with pytest.raises(DataError, match=f"^{where}: .* cannot be one in Neo4j: 1 to 65534 bytes"):
            export()


def test_an_edge_without_its_entity_is_refused():
    with pytest.raises(DataError, match="names the entity '乙', which the graph lacks"):
        list(cypher_statements(Graph({"甲": Entity("甲", "甲")}, (Edge("甲", "父亲", "乙", sources=(SOURCE,)),))))


# The script


@settings(max_examples=40)
@given(graph=graphs())
def test_the_script_says_the_same_as_the_queries(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "graph.cypher"
    write_cypher(graph, path)
    assert_same(path, graph)


@pytest.mark.parametrize("graph", [every_name(), injected()], ids=["names", "injections"])
def test_the_script_holds_hostile_names_on_a_line_each(graph, tmp_path):
    write_cypher(graph, tmp_path / "graph.cypher")
    assert_same(tmp_path / "graph.cypher", graph)
    script = (tmp_path / "graph.cypher").read_bytes().decode()
    assert len(script.splitlines()) == script.count(";\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\u2066-\u2069]", script)


def assert_same(path, graph):
    database, expected = StandIn(), loaded(graph)
    database.run_script(path.read_bytes().decode())
    assert (database.nodes, database.relationships) == (expected.nodes, expected.relationships)
    assert database.constraints == expected.constraints


def test_the_stand_in_reads_escapes():
    assert unescaped(r"`\u0060` '\\u0041' '\u0041'") == r"``` '\\u0041' 'A'"
    assert read_literal(r"[{`a``b`: 'c\\\'d'}, 1, -2.5e-07, null]", 0)[0] == [{"a`b": "c\\'d"}, 1, -2.5e-07, None]


def test_the_script_is_the_same_for_the_same_graph(tmp_path):
    for name in ("a", "b"):
        write_cypher(every_name(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# Loading


@pytest.fixture
def driver(monkeypatch):
    made = StandInDriver(StandIn())
    monkeypatch.setenv("NEO4J_PASSWORD", "geheim")

    def connect(uri, auth):
        made.uri, made.auth = uri, auth
        return made

    monkeypatch.setattr("neo4j.GraphDatabase.driver", connect)
    return made


def test_loading_twice_makes_nothing_new(driver):
    graph = every_name()
    first = load_into_neo4j(graph, "bolt://localhost", database="图")
    assert first == LoadCounts(len(driver.database.nodes), len(driver.database.relationships))
    assert first.nodes > len(NAMES)
    assert load_into_neo4j(graph, "bolt://localhost", database="图") == LoadCounts()
    assert {database for _, _, database in driver.calls} == {"图"}
    assert (driver.uri, driver.auth) == ("bolt://localhost", ("neo4j", "geheim"))
    check(driver.database, graph)


def test_loading_goes_on_after_a_failure(driver):
    driver.fails_after = 10
    with pytest.raises(ConnectionError, match="Neo4j at bolt://localhost does not answer: gone"):
        load_into_neo4j(every_name(), "bolt://localhost")
    driver.fails_after = None
    load_into_neo4j(every_name(), "bolt://localhost")
    check(driver.database, every_name())


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (AuthError("no"), "refuses user 'neo4j' with the password in NEO4J_PASSWORD: check both"),
        (ClientError("no such database"), "Neo4j at bolt://localhost refuses: .*no such database"),
    ],
)
def test_refusals_are_explained_without_the_password(driver, raised, said, monkeypatch):
    def fail(*_, **__):
        raise raised

    monkeypatch.setattr(driver, "execute_query", fail)
    with pytest.raises(ConfigError, match=said) as caught:
        load_into_neo4j(every_name(), "bolt://localhost")
    assert "geheim" not in str(caught.value)


def test_the_password_is_in_the_environment_only(monkeypatch):
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="set NEO4J_PASSWORD in the environment"):
        load_into_neo4j(every_name(), "bolt://localhost")
    with pytest.raises(ConfigError, match="must not hold a user or a password") as caught:
        load_into_neo4j(every_name(), "bolt://neo4j:geheim@localhost")
    assert "geheim" not in str(caught.value)


def test_the_real_driver_says_what_is_wrong(monkeypatch):
    monkeypatch.setenv("NEO4J_PASSWORD", "geheim")
    with pytest.raises(ConfigError, match="the address of Neo4j 'ftp://localhost' cannot be used"):
        load_into_neo4j(every_name(), "ftp://localhost")
    with pytest.raises(ConnectionError, match=r"Neo4j at bolt://127\.0\.0\.1:1 does not answer"):
        load_into_neo4j(every_name(), "bolt://127.0.0.1:1")


# Import files


def read_admin(folder):
    """The import files as a stand-in database, read by their own headers and the README's delimiter."""
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    delimiter = chr(int(re.search(r"--array-delimiter=U\+([0-9A-F]{4})", readme)[1], 16))
    database = StandIn()
    for option, name in re.findall(r"--(nodes|relationships)=(\S+)", readme):
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream, strict=True)
        group = re.search(r":(?:ID|END_ID)\((\w+)\)", " ".join(header))[1]
        for row in rows:
            values = {k: read_field(k, v, delimiter) for k, v in zip(header, row, strict=True) if v != ""}
            properties = {re.sub(r":[^:]*$", "", k): v for k, v in values.items() if not k.startswith(":")}
            if option == "nodes":
                labels = set(values[":LABEL"].split(delimiter))
                key = properties.pop("key")
                assert (group, key) not in database.nodes
                database.nodes[group, key] = {"labels": labels, **properties}
            else:
                start, end = ("Entity", values[":START_ID(Entity)"]), (group, values[f":END_ID({group})"])
                assert start in database.nodes
                assert end in database.nodes
                database.relationships[start, values[":TYPE"], end, properties.pop("qualifiers")] = properties
    return database


def read_field(column, value, delimiter):
    if column.endswith("[]"):
        return value.split(delimiter)
    return float(value) if column.endswith(":double") else int(value) if column.endswith(":long") else value


def without_odd_qualifiers(relationships):
    """Those that no header can hold are left to the JSON."""
    odd = re.compile(r"qualifier_(\s|.*\s$|.*[:(){}\[\]\x00-\x1f\x7f])", re.DOTALL)
    return {key: {k: v for k, v in p.items() if not odd.match(k)} for key, p in relationships.items()}


@pytest.mark.parametrize("graph", [every_name(), injected()], ids=["names", "injections"])
def test_import_files_say_the_same_as_the_queries(graph, tmp_path):
    write_admin_csv(graph, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == ADMIN_FILES
    read, expected = read_admin(tmp_path), loaded(graph)
    assert read.nodes == expected.nodes
    assert read.relationships == without_odd_qualifiers(expected.relationships)


@settings(max_examples=40)
@given(graph=graphs())
def test_import_files_of_any_graph(graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("admin")
    write_admin_csv(graph, folder)
    read, expected = read_admin(folder), loaded(graph)
    assert read.nodes == expected.nodes
    assert read.relationships == without_odd_qualifiers(expected.relationships)


def test_the_command_is_complete(tmp_path):
    write_admin_csv(Graph({"甲": Entity("甲", "甲")}, ()), tmp_path)
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert "neo4j-admin database import full neo4j \\\n  --nodes=nodes-entity.csv \\\n" in readme
    assert "--relationships" not in readme  # no file without rows
    assert "--multiline-fields=true" in readme
    assert "REQUIRE n.key IS UNIQUE;" in readme
    assert (tmp_path / "nodes-entity.csv").read_text(encoding="utf-8").splitlines() == [
        '":ID"'.replace(":ID", "key:ID(Entity)") + ',"name:string","types:string[]","aliases:string[]",":LABEL"',
        '"甲","甲",,,"Entity"',
    ]


def test_files_of_an_earlier_export_do_not_stay(tmp_path):
    write_admin_csv(every_name(), tmp_path)
    write_admin_csv(every_name(), tmp_path, with_texts=False)
    assert {path.name for path in tmp_path.iterdir()} == ADMIN_FILES - {"nodes-text.csv"}
    assert "nodes-text" not in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_the_delimiter_of_arrays_occurs_in_none(tmp_path):
    names = ("\x1f", "\x1e\x1d", "\x1c", "\ue000")
    write_admin_csv(Graph({"甲": Entity("甲", "甲", (), names)}, ()), tmp_path)
    assert "--array-delimiter=U+E001" in (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert read_admin(tmp_path).nodes["Entity", "甲"]["aliases"] == list(names)
