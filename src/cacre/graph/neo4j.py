r"""Graphs for Neo4j 4.4 and later: loaded over the official driver, as a script for `cypher-shell`, or as import files.

| in Neo4j | from | properties |
|---|---|---|
| `(:Entity:TYPE...)` | an entity | `key`, `name`, `types`, `aliases` |
| `(:Value)` | a date, a number or a text as an object | `key`, `name`, `type` |
| `(:Text)` | a text that supports something | `key`, `text`, `rows` |
| `-[:PREDICATE]->` | an edge | `qualifiers` (JSON) and one `qualifier_NAME` for each, `probability`, `text_score`, \
`object_type`, `sources` (how many), `rows` (ids), `texts` (keys of `Text`), `evidence` (JSON, a source each, the \
further keys of row and triple among them) |

Relation names and types stay as they are, in any script: `MATCH (f)-[r:导演]->(p) RETURN f.name, r.probability`.
A property that would hold nothing or an empty list is left out. Keys of more than 4,000 bytes, which no index takes,
are hashes.

Nodes are merged by key, relationships by their nodes, type and qualifiers. So the same graph can be loaded again, after
a failure or with new scores, and nothing is there twice; what a smaller graph lacks is not deleted.

Everything is a parameter but labels and types, which Cypher takes only as part of the query: these stand in backticks,
with backticks doubled. Backslashes are written as `\u005C`, since Cypher reads `\u0060` as a backtick wherever it
stands.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from cacre.errors import ConfigError, MissingExtraError
from cacre.files import atomic_writer
from cacre.graph.neo4j_import import write_admin_csv
from cacre.graph.neo4j_records import (
    ENTITY,
    LABELS,
    VALUE,
    NodeRecord,
    RelationshipRecord,
    checked_name,
    entity_node,
    relationship,
    text_nodes,
    value_nodes,
)
from cacre.graph.values import Graph

if TYPE_CHECKING:
    import neo4j

__all__ = ["LoadCounts", "Statement", "cypher_statements", "load_into_neo4j", "write_admin_csv", "write_cypher"]

PASSWORD_VARIABLE = "NEO4J_PASSWORD"
_SCRIPT_BATCH = 200
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# What a terminal, an editor or a line reader would act upon: controls, line separators, marks of direction.
_UNSEEN = "\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
_IN_STRING = re.compile(rf"[\\'{_UNSEEN}]")
_IN_NAME = re.compile(rf"[\\`{_UNSEEN}]")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Statement:
    """A query with its parameters.

    Args:
        query: Cypher.
        parameters: None, or `rows`.
    """

    query: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What loading a graph changed; all zero if it was there already.

    Args:
        nodes: Nodes that are new.
        relationships: Relationships that are new.
    """

    nodes: int = 0
    relationships: int = 0


def cypher_statements(graph: Graph, batch: int = 1000, with_texts: bool = True) -> Iterator[Statement]:
    """Give the queries that bring a graph into Neo4j, in the order in which they must run.

    Args:
        graph: The graph.
        batch: Nodes or relationships of one query.
        with_texts: Whether the whole texts become nodes. Quotes and offsets are on the relationships anyway.

    Raises:
        ConfigError: `batch` is below 1.
        DataError: A relation, a type or a qualifier has a name that Neo4j cannot hold, or an entity is missing.
    """
    if batch < 1:
        raise ConfigError(f"batch must be at least 1, got {batch}")
    for label in LABELS:
        yield Statement(
            f"CREATE CONSTRAINT cacre_{label.lower()}_key IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE"
        )
    nodes = [entity_node(entity) for entity in graph.entities.values()]
    nodes += [*value_nodes(graph), *(text_nodes(graph) if with_texts else ())]
    for (label, types), group in _groups(nodes, lambda node: (node.label, node.types)).items():
        for rows in _batches(group, batch):
            yield Statement(_node_query(label, types), {"rows": list(map(_node_row, rows))})
    for (predicate, is_value), edges in _groups(graph.edges, lambda edge: (edge.predicate, edge.is_value)).items():
        query = _relationship_query(predicate, VALUE if is_value else ENTITY)
        for part in _batches(edges, batch):
            yield Statement(query, {"rows": [_relationship_row(relationship(edge, graph)) for edge in part]})


def write_cypher(graph: Graph, path: str | Path, with_texts: bool = True) -> None:
    """Write a script for `cypher-shell -f`, one statement a line, for those who have no driver at hand.

    Args:
        graph: The graph.
        path: The file.
        with_texts: As in `cypher_statements`.

    Raises:
        DataError: As in `cypher_statements`.
        OSError: The file cannot be written.
    """
    with atomic_writer(path) as stream:
        for statement in cypher_statements(graph, _SCRIPT_BATCH, with_texts):
            query = statement.query.replace("\n", " ")
            if statement.parameters:
                query = query.replace("$rows", _literal(statement.parameters["rows"]), 1)
            stream.write(f"{query};\n")


def load_into_neo4j(
    graph: Graph, uri: str, user: str = "neo4j", database: str | None = None, with_texts: bool = True
) -> LoadCounts:
    """Load a graph into a running Neo4j, batch by batch; the driver tries again what fails in passing.

    Each batch is a transaction of its own. After an error the ones before it are there: load again to go on.

    Args:
        graph: The graph.
        uri: Such as `neo4j://localhost:7687` or `bolt://localhost`.
        user: Name of the user, whose password is that in the environment variable `NEO4J_PASSWORD`.
        database: Its name; by default the one that the server calls so.
        with_texts: As in `cypher_statements`.

    Returns:
        What is new.

    Raises:
        ConfigError: The address, the user or the password is wrong, or Neo4j refuses a query.
        ConnectionError: The server cannot be reached or does not go on.
        DataError: As in `cypher_statements`.
        MissingExtraError: The driver is not installed.
    """
    try:
        from neo4j.exceptions import DriverError, Neo4jError
    except ImportError as error:
        raise MissingExtraError("neo4j", "graph") from error
    nodes = relationships = 0
    try:
        with _driver(uri, (user, _password(uri))) as driver:
            driver.verify_connectivity()  # once, and now: queries would be tried again for half a minute
            for statement in cypher_statements(graph, with_texts=with_texts):
                result = driver.execute_query(statement.query, dict(statement.parameters), database_=database)
                nodes += result.summary.counters.nodes_created
                relationships += result.summary.counters.relationships_created
    except (DriverError, Neo4jError) as error:
        raise _explained(error, uri, user) from error
    return LoadCounts(nodes, relationships)


def _driver(uri: str, auth: tuple[str, str]) -> neo4j.Driver:
    import neo4j
    from neo4j.exceptions import ConfigurationError

    try:
        return neo4j.GraphDatabase.driver(uri, auth=auth)
    except (ConfigurationError, ValueError) as error:
        raise ConfigError(f"the address of Neo4j {uri!r} cannot be used: {error}") from error


def _password(uri: str) -> str:
    """The password, once the address is seen to hold none.

    Raises:
        ConfigError: The address has a user in it, or the environment has no password.
    """
    if "@" in urlsplit(uri).netloc:
        raise ConfigError(
            f"the address of Neo4j must not hold a user or a password: give the user by its own option and the "
            f"password as {PASSWORD_VARIABLE} in the environment"
        )
    password = os.environ.get(PASSWORD_VARIABLE)
    if not password:
        raise ConfigError(f"no password for Neo4j: set {PASSWORD_VARIABLE} in the environment")
    return password


def _explained(error: Exception, uri: str, user: str) -> Exception:
    from neo4j.exceptions import AuthError, Neo4jError, TransientError

    said = f"{error}"[:300]
    if isinstance(error, AuthError):
        return ConfigError(f"Neo4j at {uri} refuses user {user!r} with the password in {PASSWORD_VARIABLE}: check both")
    if isinstance(error, Neo4jError) and not isinstance(error, TransientError):
        return ConfigError(f"Neo4j at {uri} refuses: {error.code}: {said}")
    return ConnectionError(f"Neo4j at {uri} does not answer: {said}. Is it running? Run again to go on")


def _node_query(label: str, types: Sequence[str]) -> str:
    more = f"SET node:{':'.join(map(_quoted, types))}\n" if types else ""
    return f"UNWIND $rows AS row\nMERGE (node:{label} {{key: row.key}})\n{more}SET node += row.properties"


def _relationship_query(predicate: str, target: str) -> str:
    kind = _quoted(checked_name(predicate, "predicate"))
    return (
        "UNWIND $rows AS row\n"
        f"MATCH (subject:{ENTITY} {{key: row.subject}})\n"
        f"MATCH (object:{target} {{key: row.object}})\n"
        f"MERGE (subject)-[fact:{kind} {{qualifiers: row.qualifiers}}]->(object)\n"
        "SET fact += row.properties"
    )


def _node_row(node: NodeRecord) -> dict[str, Any]:
    return {"key": node.key, "properties": dict(node.properties)}


def _relationship_row(record: RelationshipRecord) -> dict[str, Any]:
    return {
        "subject": record.subject,
        "object": record.object,
        "qualifiers": record.qualifiers,
        "properties": dict(record.properties),
    }


def _quoted(name: str) -> str:
    return "`" + _IN_NAME.sub(lambda match: "``" if match[0] == "`" else _unicode(match[0]), name) + "`"


def _literal(value: object) -> str:
    """A value as Cypher writes it."""
    if isinstance(value, str):
        return "'" + _IN_STRING.sub(lambda match: _ESCAPES.get(match[0]) or _unicode(match[0]), value) + "'"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(name)}: {_literal(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)  # null, true, numbers: Cypher writes them like JSON


def _unicode(character: str) -> str:
    return f"\\u{ord(character):04X}"


def _groups(items: Iterable[_Item], key: Callable[[_Item], Any]) -> dict[Any, list[_Item]]:
    groups: dict[Any, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
