import pytest
from listed_verifier import ListedVerifier
from pydantic import BaseModel

from cacre.adapters import Names, verify_graph

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
GOOD, BAD = ("雾中渡", "导演", "林知远"), ("雾中渡", "主演", "沈若汐")


class Written(BaseModel):
    """The fields of kg-gen's Graph, so that the adapter is tested without its many dependencies as well."""

    entities: set[str]
    edges: set[str]
    relations: set[tuple[str, str, str]]
    entity_clusters: dict[str, set[str]] | None = None
    edge_clusters: dict[str, set[str]] | None = None


@pytest.fixture(params=["fields", "kg-gen"])
def graph_class(request):
    if request.param == "fields":
        return Written
    reason = "needs kg-gen, which brings dspy, datasets and more: pip install 'cacre[kg-gen]'"
    return pytest.importorskip("kg_gen.models", reason=reason).Graph


def generated(graph_class, *triples, **clusters):
    names = {name for subject, _, object_ in triples for name in (subject, object_)}
    return graph_class(entities={*names, "临澜"}, edges={p for _, p, _ in triples}, relations=set(triples), **clusters)


def test_supported_relations_stay_and_every_verdict_is_told(graph_class):
    given = generated(graph_class, GOOD, BAD)
    judged = verify_graph(ListedVerifier(GOOD), given, TEXT)
    assert judged.graph == graph_class(entities={"雾中渡", "林知远", "临澜"}, edges={"导演"}, relations={GOOD})
    assert set(judged.verdicts) == {GOOD, BAD}
    assert [(triple, verdict.reason) for triple, verdict in judged.rejected.items()] == [
        (BAD, "text_score 0.500 below 0.600")
    ]
    assert given == generated(graph_class, GOOD, BAD)


def test_of_a_cluster_the_names_that_text_and_schema_have_are_judged(graph_class):
    clusters = {
        "entity_clusters": {"Fog Ferry": {"Fog Ferry", "雾中渡"}, "沈若汐": {"沈若汐"}},
        "edge_clusters": {"directed": {"directed", "DIRECTED_BY"}, "主演": {"主演"}},
    }
    said = ("Fog Ferry", "directed", "林知远")
    judged = verify_graph(
        ListedVerifier(GOOD), generated(graph_class, said, BAD, **clusters), TEXT, Names({"DIRECTED_BY": "导演"})
    )
    assert judged.graph.relations == {said}
    assert judged.graph.entity_clusters == {"Fog Ferry": {"Fog Ferry", "雾中渡"}}
    assert judged.graph.edge_clusters == {"directed": {"directed", "DIRECTED_BY"}}


def test_a_graph_without_relations_needs_no_text(graph_class):
    empty = generated(graph_class)
    assert verify_graph(ListedVerifier(), empty, "").graph == empty
