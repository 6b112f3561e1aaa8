"""Graphs for NetworkX and what reads its formats: GraphML (Gephi, yEd, Cytoscape) and node-link JSON (D3, Sigma).

Nodes are named by the keys of the entities. A value is a node too, of the kind `value`, named `value:TYPE:TEXT` (with
more colons in front where an entity is called like that); the same value is one node, so leave the values out where
paths should not lead through a date. Edges are numbered in the order of the graph.

| on | attributes |
|---|---|
| an entity | `kind` (`entity`), `name`, `types`, `aliases` |
| a value | `kind` (`value`), `name`, `types` (that of the object, if it has one) |
| an edge | `predicate`, `is_value`, `object_type`, `qualifiers`, `sources`; where known `probability`, `text_score` |

A source is an object with `text`, `row`, `evidence` (character offsets, best first), `quotes`, `subject`, `object`,
`text_score`, `pair_score`, `probability`, `row_metadata` and `triple_metadata` (the further keys of row and triple).

GraphML holds only numbers and strings: there `types`, `aliases`, `qualifiers` and `sources` are JSON. XML 1.0 cannot
hold control characters and turns a carriage return into a newline, so these are written as Office Open XML does it
(ECMA-376, `ST_Xstring`): U+0008 as `_x0008_`, and what looks like that by itself with `_x005F_` for its first `_`.
`unescape_xml` reverts it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cacre.errors import MissingExtraError
from cacre.files import atomic_writer
from cacre.graph.metadata import as_object, json_text
from cacre.graph.values import Edge, Graph, Source

if TYPE_CHECKING:
    import networkx

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def to_networkx(graph: Graph) -> networkx.MultiDiGraph:
    """Give a graph as a NetworkX graph, with lists and dicts as attributes.

    Raises:
        MissingExtraError: NetworkX is not installed.
    """
    try:
        import networkx
    except ImportError as error:
        raise MissingExtraError("networkx", "graph") from error
    network = networkx.MultiDiGraph()
    for entity in graph.entities.values():
        types, aliases = list(entity.types), list(entity.aliases)
        network.add_node(entity.key, kind="entity", name=entity.name, types=types, aliases=aliases)
    prefix = _value_prefix(graph)
    for number, edge in enumerate(graph.edges):
        target = edge.object
        if edge.is_value:
            target = f"{prefix}{edge.object_type}:{edge.object}"
            types = [edge.object_type] if edge.object_type else []
            network.add_node(target, kind="value", name=edge.object, types=types)
        network.add_edge(edge.subject, target, key=number, **_attributes(edge))
    return network


def write_graphml(graph: Graph, path: str | Path) -> None:
    """Write a graph as GraphML; `networkx.read_graphml(path, force_multigraph=True)` keeps the numbers of the edges.

    NetworkX builds the whole document in memory, about ten times the size of the file.

    Raises:
        MissingExtraError: NetworkX is not installed.
        OSError: The file cannot be written.
    """
    network = to_networkx(graph)
    import networkx

    flat = networkx.MultiDiGraph()
    for node, attributes in network.nodes(data=True):
        flat.add_node(escape_xml(node), **_flat(attributes))
    for subject, target, number, attributes in network.edges(keys=True, data=True):
        flat.add_edge(escape_xml(subject), escape_xml(target), key=number, **_flat(attributes))
    with atomic_writer(path) as stream:
        # Not `write_graphml`, whose bytes depend on whether lxml happens to be installed.
        networkx.write_graphml_xml(flat, stream.buffer)


def write_node_link(graph: Graph, path: str | Path) -> None:
    """Write a graph as node-link JSON, one node or edge a line, for `networkx.node_link_graph(data, edges="edges")`.

    Raises:
        MissingExtraError: NetworkX is not installed.
        OSError: The file cannot be written.
    """
    network = to_networkx(graph)
    import networkx

    data = networkx.node_link_data(network, edges="edges")
    lists = {name: data.pop(name) for name in ("nodes", "edges")}
    with atomic_writer(path) as stream:
        stream.write(_dump(data).removesuffix("}"))
        for name, entries in lists.items():
            stream.write(f',\n"{name}": [')
            for index, entry in enumerate(entries):
                stream.write((",\n" if index else "\n") + _dump(entry))
            stream.write("\n]")
        stream.write("}\n")


def escape_xml(text: str) -> str:
    """Write what XML 1.0 cannot hold as `_xHHHH_`."""
    return _NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def unescape_xml(text: str) -> str:
    """Revert `escape_xml`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _value_prefix(graph: Graph) -> str:
    prefix = "value:"
    while any(key.startswith(prefix) for key in graph.entities):
        prefix = f":{prefix}"
    return prefix


def _attributes(edge: Edge) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "predicate": edge.predicate,
        "is_value": edge.is_value,
        "object_type": edge.object_type,
        "qualifiers": dict(edge.qualifiers),
        "sources": list(map(_source, edge.sources)),
    }
    scores = {"probability": edge.probability, "text_score": edge.text_score}
    return attributes | {name: float(score) for name, score in scores.items() if score is not None}


def _source(source: Source) -> dict[str, Any]:
    return {
        "text": source.text,
        "row": source.row,
        "evidence": list(map(list, source.evidence)),
        "quotes": list(source.quotes),
        "subject": source.subject,
        "object": source.object,
        "text_score": source.text_score,
        "pair_score": source.pair_score,
        "probability": source.probability,
        "row_metadata": as_object(source.row_metadata),
        "triple_metadata": as_object(source.triple_metadata),
    }


def _flat(attributes: dict[str, Any]) -> dict[str, str | float | bool]:
    """Attributes as GraphML can hold them: lists and dicts become JSON, strings are escaped."""
    flat = {name: _dump(value) if isinstance(value, list | dict) else value for name, value in attributes.items()}
    return {name: escape_xml(value) if isinstance(value, str) else value for name, value in flat.items()}


def _dump(value: object) -> str:
    return json_text(value, sort_keys=False)
