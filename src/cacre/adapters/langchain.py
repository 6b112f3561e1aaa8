"""LangChain: `GraphDocument`s judged against their source, and kept triples as `GraphDocument`s.

LangChain has several classes of that name (`langchain_neo4j`, `langchain_community`). Any of them is taken and given
back; only making new ones needs a package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from cacre.adapters.judging import judge, stranded, with_verdict
from cacre.adapters.names import Names, names_for
from cacre.data import modality_of, read_rows, to_candidates
from cacre.data.rows import VerdictRow, content_of
from cacre.errors import DataError
from cacre.extras import needs_extra
from cacre.inference import Verifier
from cacre.schema import Schema
from cacre.types import Triple, Verdict

_Document = TypeVar("_Document")
_UNTYPED = "Node"


@dataclass(frozen=True, slots=True)
class JudgedDocuments(Generic[_Document]):
    """What became of graph documents.

    Args:
        kept: Every document, in order, with its supported relationships and without the nodes that lost all of theirs.
        rejected: The documents that lost relationships, with those alone and their nodes; each has a `reason`.
    """

    kept: list[_Document]
    rejected: list[_Document]


def verify_graph_documents(
    verifier: Verifier, documents: Sequence[_Document], names: Names | None = None
) -> JudgedDocuments[_Document]:
    """Judge the relationships of graph documents against the texts of their sources.

    The properties of every relationship get `text_score`, `pair_score`, `probability`, `evidence` (quotes) with
    `evidence_start` and `evidence_end` (character offsets), and when rejected `reason`. The documents given are not
    changed.

    Args:
        verifier: Any verifier.
        documents: `GraphDocument`s; the id of a node is its name.
        names: What types of relationships and nodes mean; None looks them up in the verifier's schema.

    Raises:
        DataError: A document with relationships has no source or no text.
    """
    names = names_for(verifier, names)
    rows = []
    for place, document in enumerate(documents):
        said = [_said(relationship) for relationship in _relationships(document)]
        rows.append((_text(document, place) if said else "", [names.candidate(*claim) for claim in said]))
    kept, rejected = [], []
    for document, (text, _), verdicts in zip(documents, rows, judge(verifier, rows), strict=True):
        good, bad = _split(document, text, verdicts, names.schema)
        kept.append(good)
        rejected += [bad] if _relationships(bad) else []
    return JudgedDocuments(kept, rejected)


def to_graph_document(
    text: str,
    verdicts: Sequence[Verdict],
    *,
    metadata: Mapping[str, Any] | None = None,
    schema: Schema | None = None,
) -> Any:  # noqa: ANN401  (one of LangChain's classes, whichever is installed)
    """A `GraphDocument` of what a text supports.

    Args:
        text: The text, which becomes the source.
        verdicts: Its verdicts; the supported ones become relationships with scores and evidence in their properties.
        metadata: Metadata of the source.
        schema: Gives types to nodes whose candidates have none, and `judged_as` to relationships that are read from
            object to subject; without a type a node is a `Node`.

    Raises:
        MissingExtraError: Neither langchain-neo4j nor langchain-community is installed.
    """
    graph_documents = _graph_documents()
    from langchain_core.documents import Document

    nodes: dict[tuple[str, str], Any] = {}
    relationships = []
    for verdict in verdicts:
        if not verdict.supported:
            continue
        triple = verdict.candidate.triple
        keys = list(zip((triple.subject, triple.object), _types(verdict, schema), strict=True))
        ends = [nodes.setdefault(key, graph_documents.Node(id=key[0], type=key[1])) for key in keys]
        properties = with_verdict({}, verdict, text, triple, schema)
        relationships.append(
            graph_documents.Relationship(source=ends[0], target=ends[1], type=triple.predicate, properties=properties)
        )
    source = Document(page_content=text, metadata=dict(metadata or {}))
    return graph_documents.GraphDocument(nodes=list(nodes.values()), relationships=relationships, source=source)


def read_graph_documents(path: str | Path, schema: Schema | None = None) -> Iterator[Any]:
    """The `GraphDocument`s of a file that `cacre filter` wrote, one a row, read one by one.

    Args:
        path: Verdict rows; `-` is standard input. The id of a row is metadata of its source.
        schema: As in `to_graph_document`.

    Raises:
        DataError: A row is no verdict row.
        MissingExtraError: As in `to_graph_document`.
    """
    for row in read_rows(str(path), "verdicts"):
        content = content_of(row, VerdictRow)
        verdicts = [
            Verdict(
                candidate,
                i.verdict,
                i.text_score,
                i.pair_score,
                i.probability,
                i.evidence,
                i.reason,
                modality=modality_of(i.model_extra or {}),
                judged_as=i.judged_as,
            )
            for candidate, i in zip(to_candidates(row).candidates, content.triples, strict=True)
        ]
        metadata = {} if content.id is None else {"id": content.id}
        yield to_graph_document(content.text, verdicts, metadata=metadata, schema=schema)


def _graph_documents() -> Any:  # noqa: ANN401  (a module)
    with needs_extra("langchain"):
        try:
            from langchain_neo4j.graphs import graph_document
        except ModuleNotFoundError:
            from langchain_community.graphs import graph_document
    return graph_document


def _relationships(document: Any) -> list[Any]:  # noqa: ANN401  (any class of LangChain's)
    return list(document.relationships)


def _said(relationship: Any) -> tuple[Triple, str, str]:  # noqa: ANN401
    source, target = relationship.source, relationship.target
    return Triple(str(source.id), relationship.type, str(target.id)), source.type, target.type


def _text(document: Any, place: int) -> str:  # noqa: ANN401
    text = "" if document.source is None else document.source.page_content
    if not text.strip():
        reason = "has relationships but no text: give each document the source it was extracted from"
        raise DataError(reason, field=f"documents[{place}].source")
    return str(text)


def _split(document: Any, text: str, verdicts: Sequence[Verdict], schema: Schema | None) -> tuple[Any, Any]:  # noqa: ANN401
    """The document with what is supported, and with what is not."""
    parts: dict[bool, list[Any]] = {True: [], False: []}
    for relationship, verdict in zip(document.relationships, verdicts, strict=True):
        properties = with_verdict(relationship.properties, verdict, text, _said(relationship)[0], schema)
        parts[verdict.supported].append(relationship.model_copy(update={"properties": properties}))
    ends = {supported: [_ends(relationship) for relationship in part] for supported, part in parts.items()}
    lost = stranded(ends[True], ends[False])
    mentioned = {end for pair in ends[False] for end in pair}
    kept = [node for node in document.nodes if _key(node) not in lost]
    rejected = [node for node in document.nodes if _key(node) in mentioned]
    return (
        document.model_copy(update={"nodes": kept, "relationships": parts[True]}),
        document.model_copy(update={"nodes": rejected, "relationships": parts[False]}),
    )


def _key(node: Any) -> tuple[str, str]:  # noqa: ANN401
    return str(node.id), node.type


def _ends(relationship: Any) -> tuple[tuple[str, str], tuple[str, str]]:  # noqa: ANN401
    return _key(relationship.source), _key(relationship.target)


def _types(verdict: Verdict, schema: Schema | None) -> tuple[str, str]:
    candidate = verdict.candidate
    name = schema.resolve(candidate.triple.predicate) if schema else None
    relation = schema[name] if schema and name else None
    return (
        candidate.subject_type or (relation.subject_type if relation else _UNTYPED),
        candidate.object_type or (relation.object_type if relation else _UNTYPED),
    )
