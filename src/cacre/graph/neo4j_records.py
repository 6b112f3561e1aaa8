"""A graph as Neo4j holds it: nodes, relationships and their properties, whichever way they get there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from cacre.errors import DataError
from cacre.graph.metadata import as_object, json_text
from cacre.graph.values import Edge, Entity, Graph, Source

ENTITY, VALUE, TEXT = "Entity", "Value", "Text"
LABELS = (ENTITY, VALUE, TEXT)
"""Labels of ours; a node has exactly one of them, and its types besides."""
QUALIFIER = "qualifier_"
"""What stands before the name of a slot in the property that holds it."""
_NAME_BYTES = 65_534
# An index entry has 8,167 bytes; longer keys would be refused by the constraint.
_KEY_BYTES = 4_000
_HASHED = "blake2b:"
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node.

    Args:
        label: `Entity`, `Value` or `Text`.
        key: What tells it from all others with that label.
        types: Further labels.
        properties: The others but `key`; None where there is nothing to say.
    """

    label: str
    key: str
    types: tuple[str, ...]
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RelationshipRecord:
    """A relationship.

    Args:
        subject: Key of an `Entity`.
        object: Key of an `Entity`, or of a `Value`.
        qualifiers: As JSON with sorted keys, by which it is told from others of its type between the same nodes.
        properties: The others; None where there is nothing to say.
    """

    subject: str
    object: str
    qualifiers: str
    properties: Mapping[str, Any]


def entity_node(entity: Entity) -> NodeRecord:
    """The node of an entity; its types are labels and a property.

    Raises:
        DataError: A type cannot be a label.
    """
    types = tuple(checked_name(kind, "type") for kind in dict.fromkeys(entity.types) if kind not in LABELS)
    properties = {"name": entity.name, "types": list(entity.types) or None, "aliases": list(entity.aliases) or None}
    return NodeRecord(ENTITY, _indexed(entity.key), types, properties)


def value_nodes(graph: Graph) -> Iterator[NodeRecord]:
    """One node for each type and value."""
    values = dict.fromkeys((edge.object_type, edge.object) for edge in graph.edges if edge.is_value)
    for kind, value in values:
        yield NodeRecord(VALUE, _value_key(kind, value), (), {"name": value, "type": kind or None})


def text_nodes(graph: Graph) -> Iterator[NodeRecord]:
    """One node for each text, which relationships name by its key in `texts`."""
    rows: dict[str, dict[str, None]] = {}
    for edge in graph.edges:
        for source in edge.sources:
            rows.setdefault(source.text, {}).update({} if source.row is None else {source.row: None})
    for text, ids in rows.items():
        yield NodeRecord(TEXT, _digest(text), (), {"text": text, "rows": list(ids) or None})


def relationship(edge: Edge, graph: Graph) -> RelationshipRecord:
    """The relationship of an edge.

    Raises:
        DataError: The name of a qualifier cannot be that of a property, or the graph lacks an entity of the edge.
    """
    for key in (edge.subject,) if edge.is_value else (edge.subject, edge.object):
        if key not in graph.entities:  # a query would leave the edge out without a word
            raise DataError(f"the edge {edge.predicate!r:.80} names the entity {key!r:.80}, which the graph lacks")
    qualifiers = {QUALIFIER + checked_name(name, "qualifier"): value for name, value in edge.qualifiers.items()}
    properties = {
        "probability": edge.probability,
        "text_score": edge.text_score,
        "object_type": edge.object_type or None,
        "sources": len(edge.sources),
        "rows": _distinct(source.row for source in edge.sources if source.row is not None),
        "texts": _distinct(_digest(source.text) for source in edge.sources),
        "evidence": as_json([_evidence(source) for source in edge.sources]),
        **qualifiers,
    }
    target = _value_key(edge.object_type, edge.object) if edge.is_value else _indexed(edge.object)
    return RelationshipRecord(_indexed(edge.subject), target, as_json(dict(edge.qualifiers)), properties)


def checked_name(name: str, field: str) -> str:
    """The name, if Neo4j takes it for a label, a type or a property.

    Raises:
        DataError: It does not.
    """
    if not name or _UNUSABLE.search(name) or len(name.encode()) > _NAME_BYTES:
        reason = f"the name {name!r:.80} cannot be one in Neo4j: 1 to {_NAME_BYTES} bytes, no NUL, no lone surrogates"
        raise DataError(reason, field=field)
    return name


def as_json(value: object) -> str:
    """JSON that is the same for the same value."""
    return json_text(value)


def _evidence(source: Source) -> dict[str, Any]:
    return {
        "row": source.row,
        "text": _digest(source.text),
        "subject": source.subject,
        "object": source.object,
        "spans": source.evidence,
        "quotes": source.quotes,
        "probability": source.probability,
        "text_score": source.text_score,
        "pair_score": source.pair_score,
        "row_metadata": as_object(source.row_metadata),
        "triple_metadata": as_object(source.triple_metadata),
    }


def _value_key(kind: str, value: str) -> str:
    # The colon that ends the type is the first one.
    return _indexed(f"{kind.replace('%', '%25').replace(':', '%3A')}:{value}")


def _indexed(key: str) -> str:
    """The key, or a hash of one too long for an index or looking like such a hash."""
    long = len(key.encode()) > _KEY_BYTES
    return f"{_HASHED}{_digest(key)}" if long or key.startswith(_HASHED) else key


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _distinct(parts: Iterable[str]) -> list[str] | None:
    return list(dict.fromkeys(parts)) or None
