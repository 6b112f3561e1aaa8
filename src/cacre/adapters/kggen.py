"""kg-gen: a `Graph` judged against the text that it was generated from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cacre.adapters.judging import judge, stranded
from cacre.adapters.names import Names, first_said, names_for
from cacre.inference import Verifier
from cacre.types import Candidate, Triple, Verdict

_Graph = TypeVar("_Graph")


@dataclass(frozen=True, slots=True)
class JudgedGraph(Generic[_Graph]):
    """What became of a graph.

    Args:
        graph: The graph with its supported relations, and without the entities that lost all of theirs.
        verdicts: The verdict of each relation that the graph had, by the relation.
    """

    graph: _Graph
    verdicts: dict[Triple, Verdict]

    @property
    def rejected(self) -> dict[Triple, Verdict]:
        """The verdicts of the relations that are gone."""
        return {relation: verdict for relation, verdict in self.verdicts.items() if not verdict.supported}


def verify_graph(verifier: Verifier, graph: _Graph, text: str, names: Names | None = None) -> JudgedGraph[_Graph]:
    """Judge the relations of a kg-gen graph.

    In a clustered graph one name stands for several: of the names of an entity the first that the text contains is
    judged, and of those of an edge the first that `names` or the schema knows.

    Args:
        verifier: Any verifier.
        graph: What `KGGen.generate` gave for the text; it is not changed. Filter graphs before `aggregate`.
        text: The text.
        names: What edges mean; None looks them up in the verifier's schema.

    Raises:
        DataError: The text is empty or too long, or there are too many relations.
    """
    names = names_for(verifier, names)
    relations = sorted(Triple(*relation) for relation in _part(graph, "relations"))
    candidates = [_candidate(relation, graph, text, names) for relation in relations]
    (verdicts,) = judge(verifier, [(text, candidates)])
    judged = dict(zip(relations, verdicts, strict=True))
    return JudgedGraph(_kept(graph, judged), judged)


def _candidate(relation: Triple, graph: object, text: str, names: Names) -> Candidate:
    entities, edges = _part(graph, "entity_clusters"), _part(graph, "edge_clusters")
    subject, object_ = (
        first_said(text, [name, *sorted(entities.get(name, ()))]) for name in (relation.subject, relation.object)
    )
    words = [relation.predicate, *sorted(edges.get(relation.predicate, ()))]
    predicate = next((word for word in words if names.knows(word)), relation.predicate)
    return names.candidate(Triple(subject, predicate, object_))


def _kept(graph: Any, judged: dict[Triple, Verdict]) -> Any:  # noqa: ANN401  (kg-gen's class)
    kept = {relation for relation, verdict in judged.items() if verdict.supported}
    gone = stranded(((r.subject, r.object) for r in kept), ((r.subject, r.object) for r in judged.keys() - kept))
    entities = set(graph.entities) - gone
    edges = {relation.predicate for relation in kept}
    clusters = {
        "entity_clusters": {name: found for name, found in _part(graph, "entity_clusters").items() if name in entities},
        "edge_clusters": {name: found for name, found in _part(graph, "edge_clusters").items() if name in edges},
    }
    # A graph that was never clustered keeps its None.
    given = {name: found for name, found in clusters.items() if getattr(graph, name, None) is not None}
    relations = {tuple(relation) for relation in kept}
    return graph.model_copy(update={"entities": entities, "edges": edges, "relations": relations, **given})


def _part(graph: object, name: str) -> Any:  # noqa: ANN401  (a set or a mapping, by name)
    return getattr(graph, name, None) or {}
