"""LlamaIndex: a transformation that filters what the extractors before it found.

>>> PropertyGraphIndex.from_documents(documents, kg_extractors=[extractor, CacreFilter()])  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from cacre.adapters.judging import Rejection, judge, stranded, with_verdict
from cacre.adapters.names import Names, names_for
from cacre.errors import ConfigError
from cacre.extras import needs_extra
from cacre.inference import Verifier, load_verifier
from cacre.types import Triple, Verdict

with needs_extra("llamaindex"):
    from llama_index.core.bridge.pydantic import Field, PrivateAttr
    from llama_index.core.graph_stores.types import KG_NODES_KEY, KG_RELATIONS_KEY, EntityNode, LabelledNode, Relation
    from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent


class CacreFilter(TransformComponent):
    """Judges the relations that extractors put on each node against the text of the node.

    Stands behind the extractors in `kg_extractors`. Relations get scores and evidence as properties; unsupported ones
    go to `rejected`, and so do entities out of the node that had relations and lost them all. Relations between chunks
    and documents, as `ImplicitPathExtractor` gives them, say nothing of the text and stay.

    Args:
        verifier: Any verifier; None takes the bundled model.
        names: What labels of relations and entities mean; None looks them up in the verifier's schema.
    """

    instance: str = Field(
        default_factory=lambda: uuid4().hex,
        description="Makes each filter another one for a cache, which cannot see the verifier.",
    )
    _verifier: Verifier = PrivateAttr()
    _names: Names = PrivateAttr()
    _rejected: list[Rejection] = PrivateAttr(default_factory=list)

    def __init__(self, verifier: Verifier | None = None, *, names: Names | None = None) -> None:
        super().__init__()
        self._verifier = verifier or load_verifier()
        self._names = names_for(self._verifier, names)

    @classmethod
    def class_name(cls) -> str:
        """Name of the component."""
        return "CacreFilter"

    @property
    def rejected(self) -> list[Rejection]:
        """What was taken out so far, with the id of its node as source; empty the list when you have read it."""
        return self._rejected

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:  # noqa: ANN401  (LlamaIndex's)
        """Filter the relations of nodes, in place.

        Raises:
            ConfigError: No extractor came before, so that there is nothing to filter.
            DataError: A node with relations has no text, too long a text or too many relations.
        """
        if nodes and not any({KG_NODES_KEY, KG_RELATIONS_KEY} & node.metadata.keys() for node in nodes):
            raise ConfigError("no node has relations or entities: put CacreFilter behind an extractor in kg_extractors")
        claims = [_claims(node) for node in nodes]
        texts = [node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes]
        rows = [
            (text, [self._names.candidate(*said) for _, said in found])
            for text, found in zip(texts, claims, strict=True)
        ]
        for node, text, found, verdicts in zip(nodes, texts, claims, judge(self._verifier, rows), strict=True):
            self._write(node, text, [(relation, said[0]) for relation, said in found], verdicts)
        return nodes

    async def acall(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:  # noqa: ANN401
        """Filter without holding up the event loop."""
        return await asyncio.to_thread(self.__call__, nodes, **kwargs)

    def _write(
        self, node: BaseNode, text: str, claims: Sequence[tuple[Relation, Triple]], verdicts: Sequence[Verdict]
    ) -> None:
        judged = {id(relation): (said, verdict) for (relation, said), verdict in zip(claims, verdicts, strict=True)}
        kept, lost = [], []
        for relation in node.metadata.get(KG_RELATIONS_KEY, []):
            said, verdict = judged.get(id(relation), (None, None))
            if said is None or verdict is None:
                kept.append(relation)
            elif verdict.supported:
                properties = with_verdict(relation.properties, verdict, text, said, self._names.schema)
                kept.append(relation.model_copy(update={"properties": properties}))
            else:
                lost.append(relation)
                self._rejected.append(Rejection(said, verdict, node.node_id))
        gone = stranded(map(_ends, kept), map(_ends, lost))
        if KG_RELATIONS_KEY in node.metadata:
            node.metadata[KG_RELATIONS_KEY] = kept
        if KG_NODES_KEY in node.metadata:
            node.metadata[KG_NODES_KEY] = [entity for entity in node.metadata[KG_NODES_KEY] if entity.id not in gone]


def _claims(node: BaseNode) -> list[tuple[Relation, tuple[Triple, str | None, str | None]]]:
    """The relations of a node that say something of its text, with names and labels of their ends."""
    entities: dict[str, LabelledNode] = {entity.id: entity for entity in node.metadata.get(KG_NODES_KEY, [])}
    linked = _linked(node)
    claims = []
    for relation in node.metadata.get(KG_RELATIONS_KEY, []):
        if relation.source_id in linked or relation.target_id in linked:
            continue
        ends = (relation.source_id, relation.target_id)
        names = [_name(entities.get(end), end) for end in ends]
        labels = [entities[end].label if end in entities else None for end in ends]
        claims.append((relation, (Triple(names[0], relation.label, names[1]), labels[0], labels[1])))
    return claims


def _name(entity: LabelledNode | None, identifier: str) -> str:
    return entity.name if isinstance(entity, EntityNode) else identifier


def _ends(relation: Relation) -> tuple[str, str]:
    return relation.source_id, relation.target_id


def _linked(node: BaseNode) -> set[str]:
    """Ids of the node and of the chunks and documents it belongs with."""
    linked = {node.node_id}
    for found in node.relationships.values():
        linked |= {one.node_id for one in (found if isinstance(found, list) else [found])}
    return linked
