"""Files for `neo4j-admin database import full`, which fills a new database many times faster than queries do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

from cacre.errors import ConfigError
from cacre.graph.folders import whole_folder
from cacre.graph.neo4j_records import (
    ENTITY,
    LABELS,
    QUALIFIER,
    TEXT,
    VALUE,
    NodeRecord,
    checked_name,
    entity_node,
    relationship,
    text_nodes,
    value_nodes,
)
from cacre.graph.values import Edge, Graph

README = "README.txt"
_NODE_COLUMNS = {
    ENTITY: ("name:string", "types:string[]", "aliases:string[]"),
    VALUE: ("name:string", "type:string"),
    TEXT: ("text:string", "rows:string[]"),
}
_EDGE_COLUMNS = (
    *("probability:double", "text_score:double", "object_type:string", "sources:long", "rows:string[]"),
    *("texts:string[]", "evidence:string"),
)
ADMIN_FILES = frozenset(
    [
        README,
        *(f"nodes-{label.lower()}.csv" for label in LABELS),
        *(f"relationships-{label.lower()}.csv" for label in (ENTITY, VALUE)),
    ]
)
"""Every file that `write_admin_csv` can write."""
# Array elements cannot be quoted, so that their delimiter must occur in none: a separator of ASCII, else one that no
# font has a sign for.
_DELIMITERS = ("\x1f", "\x1e", "\x1d", "\x1c", *map(chr, range(0xE000, 0xF8FF)))
# A header entry is name:type, with braces, brackets and parentheses for further settings.
_NO_COLUMN = re.compile(r"[:(){}\[\]\x00-\x1f\x7f]|^\s|\s$")
_INSTRUCTIONS = """\
Written by cacre. In this folder, with the database stopped or not there yet, and empty:

{command}

The tool of Neo4j 5.19 or later; for a database that is to be replaced add --overwrite-destination=true.
The array delimiter is a control or private-use character because no name in these files contains it.

Afterwards, in that database (the import makes no constraints, and later loads need them):

{constraints}
"""


class _Table(NamedTuple):
    """One CSV file: what it holds, for which option, its header and rows."""

    option: str
    name: str
    header: tuple[str, ...]
    rows: Iterator[tuple[object, ...]]


def write_admin_csv(graph: Graph, folder: str | Path, with_texts: bool = True) -> None:
    """Write nodes and relationships as CSV files, and a README.txt with the command that imports them; all or none.

    A qualifier whose name no header can hold (with a colon, a bracket or a line break) has no column of its own; the
    column `qualifiers` has them all.

    Args:
        graph: The graph.
        folder: Where the files go; it is made if need be. Files of an earlier export there are replaced.
        with_texts: Whether the whole texts become nodes.

    Raises:
        DataError: A relation, a type or a qualifier has a name that Neo4j cannot hold, or an entity is missing.
        OSError: A file cannot be written.
    """
    delimiter = _delimiter(graph)
    with whole_folder(Path(folder), ADMIN_FILES) as opened:
        # Opened first, thus in place last: without the command nobody imports a folder that lacks files.
        readme = opened(README)
        written = [table for table in _tables(graph, with_texts) if _write(table, opened, delimiter)]
        readme.write(_instructions(written, delimiter))


def _instructions(written: Iterable[_Table], delimiter: str) -> str:
    options = [
        *(f"--{table.option}={table.name}" for table in written),
        f"--array-delimiter=U+{ord(delimiter):04X}",
        *("--multiline-fields=true", "--legacy-style-quoting=false", "--id-type=string"),
    ]
    constraints = (
        f"CREATE CONSTRAINT cacre_{label.lower()}_key IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE;"
        for label in LABELS
    )
    command = " \\\n  ".join(["neo4j-admin database import full neo4j", *options])
    return _INSTRUCTIONS.format(command=command, constraints="\n".join(constraints))


def _tables(graph: Graph, with_texts: bool) -> Iterator[_Table]:
    nodes: dict[str, Iterable[NodeRecord]] = {
        ENTITY: map(entity_node, graph.entities.values()),
        VALUE: value_nodes(graph),
        TEXT: text_nodes(graph) if with_texts else (),
    }
    for label, records in nodes.items():
        header = (f"key:ID({label})", *_NODE_COLUMNS[label], ":LABEL")
        yield _Table("nodes", f"nodes-{label.lower()}.csv", header, _node_rows(records))
    for label in (ENTITY, VALUE):
        edges = [edge for edge in graph.edges if edge.is_value == (label == VALUE)]
        slots = sorted({name for edge in edges for name in edge.qualifiers if not _NO_COLUMN.search(name)})
        columns = (*_EDGE_COLUMNS, *(f"{QUALIFIER}{name}:string" for name in slots))
        header = (f":START_ID({ENTITY})", f":END_ID({label})", ":TYPE", "qualifiers:string", *columns)
        keys = tuple(column.rpartition(":")[0] for column in columns)
        yield _Table("relationships", f"relationships-{label.lower()}.csv", header, _edge_rows(edges, graph, keys))


def _node_rows(records: Iterable[NodeRecord]) -> Iterator[tuple[object, ...]]:
    for node in records:
        yield node.key, *node.properties.values(), [node.label, *node.types]


def _edge_rows(edges: Iterable[Edge], graph: Graph, keys: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for edge in edges:
        record = relationship(edge, graph)
        properties = (record.properties.get(key) for key in keys)
        yield record.subject, record.object, checked_name(edge.predicate, "predicate"), record.qualifiers, *properties


def _write(table: _Table, opened: Callable[[str], TextIO], delimiter: str) -> bool:
    """Write a table, unless it has no rows, and say whether it has."""
    first = next(table.rows, None)
    if first is None:
        return False
    stream = opened(table.name)
    for row in chain([table.header, first], table.rows):
        stream.write(",".join(_field(value, delimiter) for value in row) + "\n")
    return True


def _field(value: object, delimiter: str) -> str:
    """A value as Neo4j's CSV: nothing at all is no property, which the csv module cannot tell from an empty string."""
    if isinstance(value, list):
        value = delimiter.join(value)
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else repr(value)


def _delimiter(graph: Graph) -> str:
    used = set[str]()
    for entity in graph.entities.values():
        used.update(*entity.types, *entity.aliases)
    for edge in graph.edges:
        used.update(*(source.row for source in edge.sources if source.row is not None))
    for character in _DELIMITERS:
        if character not in used:
            return character
    raise ConfigError("the names of this graph use every character that could part them in a list: use another format")
