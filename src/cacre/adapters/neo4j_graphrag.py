"""neo4j-graphrag: a pipeline component between the extractor and the writer.

>>> pipeline.add_component(CacrePruning(), "verifier")  # doctest: +SKIP
>>> pipeline.connect("extractor", "verifier", {"graph": "extractor"})  # doctest: +SKIP
>>> pipeline.connect("verifier", "writer", {"graph": "verifier.graph"})  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, validate_call

from cacre.adapters.judging import judge, stranded, with_verdict
from cacre.adapters.names import Names, names_for
from cacre.errors import DataError
from cacre.extras import needs_extra
from cacre.inference import Verifier, load_verifier
from cacre.inference.decision import reason_kind
from cacre.schema import Schema
from cacre.types import Candidate, Triple, Verdict

with needs_extra("neo4j-graphrag"):
    from neo4j_graphrag.components.base import Component, DataModel
    from neo4j_graphrag.components.types import (
        LexicalGraphConfig,
        Neo4jGraph,
        Neo4jNode,
        Neo4jRelationship,
        TextChunks,
    )

NAME_PROPERTIES = ("name", "title", "名称", "名字", "姓名", "标题")
"""Properties that hold the name of a node; the first that it has counts."""


class PrunedRelationship(BaseModel):
    """A relationship that was taken out.

    Args:
        relationship: What it was, with the verifier's scores and evidence in its properties.
        subject: Name of its start node; empty where there is none.
        object: Name of its end node; empty where there is none.
        reason: Why.
    """

    relationship: Neo4jRelationship
    subject: str
    object: str
    reason: str


class SupportReport(BaseModel):
    """What a run of `CacrePruning` did.

    Args:
        kept: Relationships that the text supports.
        pruned: Those that it does not.
        stranded: Nodes that had relationships and lost them all; they are gone too.
    """

    kept: int
    pruned: list[PrunedRelationship]
    stranded: list[Neo4jNode]

    @property
    def reasons(self) -> Counter[str]:
        """Pruned relationships by kind of reason."""
        return Counter(reason_kind(one.reason) for one in self.pruned)


class CacrePruningResult(DataModel):
    """What goes to the writer, and the report."""

    graph: Neo4jGraph
    report: SupportReport


class CacrePruning(Component):
    """Takes out of a graph the relationships that their chunks do not support.

    The others get scores and evidence as properties. Documents, chunks and what links them stay, but for links of
    nodes that lost all their relationships.

    Args:
        verifier: Any verifier; None takes the bundled model.
        names: What types of relationships and labels mean; None looks them up in the verifier's schema.
        name_properties: Properties that hold the name of a node, the first found counting.
    """

    def __init__(
        self,
        verifier: Verifier | None = None,
        *,
        names: Names | None = None,
        name_properties: Sequence[str] = NAME_PROPERTIES,
    ) -> None:
        self._verifier = verifier or load_verifier()
        self._names = names_for(self._verifier, names)
        self._name_properties = tuple(name_properties)

    @validate_call
    async def run(
        self,
        graph: Neo4jGraph,
        chunks: TextChunks | None = None,
        lexical_graph_config: LexicalGraphConfig | None = None,
    ) -> CacrePruningResult:
        """Prune a graph; it is not changed.

        Args:
            graph: What the extractor found.
            chunks: Its texts; needed only if the extractor makes no lexical graph, which has them as well.
            lexical_graph_config: The labels and types of the lexical graph, where they are not the usual ones.

        Raises:
            DataError: The text of a relationship is neither among `chunks` nor in the graph, or cannot be judged.
        """
        config = lexical_graph_config or LexicalGraphConfig()
        return await asyncio.to_thread(self._prune, graph, _texts(graph, chunks, config), config)

    def _prune(self, graph: Neo4jGraph, texts: dict[str, str], config: LexicalGraphConfig) -> CacrePruningResult:
        nodes = {node.id: node for node in graph.nodes}
        lexical = [one for one in graph.relationships if one.type in config.lexical_graph_relationship_types]
        facts = [one for one in graph.relationships if one.type not in config.lexical_graph_relationship_types]
        claims = [self._claim(fact, nodes, texts) for fact in facts]
        by_chunk: dict[str, list[int]] = {}
        for place, claim in enumerate(claims):
            by_chunk.setdefault(claim.chunk, []).append(place)
        rows = [(texts[chunk], [claims[place].candidate for place in places]) for chunk, places in by_chunk.items()]
        answers: dict[int, Verdict] = {}
        for places, verdicts in zip(by_chunk.values(), judge(self._verifier, rows), strict=True):
            answers.update(zip(places, verdicts, strict=True))
        judged = [
            _judged(fact, claim, answers[place], texts[claim.chunk], self._names.schema)
            for place, (fact, claim) in enumerate(zip(facts, claims, strict=True))
        ]
        kept = [one for one in judged if isinstance(one, Neo4jRelationship)]
        pruned = [one for one in judged if isinstance(one, PrunedRelationship)]
        gone = stranded(map(_ends, kept), (_ends(one.relationship) for one in pruned)) & nodes.keys()
        links = [one for one in lexical if not gone & set(_ends(one))]
        return CacrePruningResult(
            graph=Neo4jGraph(nodes=[n for n in graph.nodes if n.id not in gone], relationships=[*links, *kept]),
            report=SupportReport(kept=len(kept), pruned=pruned, stranded=[n for n in graph.nodes if n.id in gone]),
        )

    def _claim(self, fact: Neo4jRelationship, nodes: dict[str, Neo4jNode], texts: dict[str, str]) -> _Claim:
        start, end = nodes.get(fact.start_node_id), nodes.get(fact.end_node_id)
        said = Triple(self._name(start), fact.type, self._name(end))
        candidate = self._names.candidate(said, start and start.label, end and end.label)
        return _Claim(_chunk_of(fact, texts), said, candidate)

    def _name(self, node: Neo4jNode | None) -> str:
        """The name of a node; empty if it has none, so that the relationship is rejected with that reason."""
        properties = {} if node is None else node.properties
        return next((str(properties[key]) for key in self._name_properties if properties.get(key)), "")


class _Claim(NamedTuple):
    chunk: str
    said: Triple
    candidate: Candidate


def _judged(
    fact: Neo4jRelationship, claim: _Claim, verdict: Verdict, text: str, schema: Schema | None
) -> Neo4jRelationship | PrunedRelationship:
    properties = with_verdict(fact.properties, verdict, text, claim.said, schema)
    marked = fact.model_copy(update={"properties": properties})
    if verdict.supported:
        return marked
    subject, _, object_ = claim.said
    return PrunedRelationship(relationship=marked, subject=subject, object=object_, reason=verdict.reason or "")


def _texts(graph: Neo4jGraph, chunks: TextChunks | None, config: LexicalGraphConfig) -> dict[str, str]:
    """Id of a chunk -> its text."""
    labelled = (node for node in graph.nodes if node.label == config.chunk_node_label)
    texts = {node.id: str(node.properties.get(config.chunk_text_property, "")) for node in labelled}
    return {**texts, **{chunk.chunk_id: chunk.text for chunk in (chunks.chunks if chunks else [])}}


def _chunk_of(fact: Neo4jRelationship, texts: dict[str, str]) -> str:
    """The chunk that a relationship was found in: extractors put its id and a colon before the ids of nodes."""
    for end in _ends(fact):
        for cut in (place for place, character in enumerate(end) if character == ":"):
            if end[:cut] in texts:
                return end[:cut]
    if len(texts) == 1:
        return next(iter(texts))
    reason = (
        f"no text for the relationship {fact.type!r:.80} from {fact.start_node_id!r:.80}: connect the splitter's "
        "chunks to CacrePruning, or let the extractor make a lexical graph"
    )
    raise DataError(reason, field="graph.relationships")


def _ends(fact: Neo4jRelationship) -> tuple[str, str]:
    return fact.start_node_id, fact.end_node_id
