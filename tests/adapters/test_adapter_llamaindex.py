import asyncio

import pytest
from listed_verifier import ListedVerifier

from cacre.errors import ConfigError

pytest.importorskip("llama_index.core", reason="needs llama-index-core: pip install 'cacre[llamaindex]'")

from llama_index.core.graph_stores.types import KG_NODES_KEY, KG_RELATIONS_KEY, EntityNode, Relation
from llama_index.core.indices.property_graph import ImplicitPathExtractor
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

from cacre.adapters.llamaindex import CacreFilter

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
GOOD, BAD = ("雾中渡", "导演", "林知远"), ("雾中渡", "主演", "沈若汐")


def extracted(*triples, **more):
    names = dict.fromkeys(name for subject, _, object_ in triples for name in (subject, object_))
    entities = [EntityNode(name=name, label="物") for name in names]
    relations = [Relation(source_id=s, label=p, target_id=o, properties={"since": 1}) for s, p, o in triples]
    return TextNode(text=TEXT, metadata={"file": "a.txt", KG_NODES_KEY: entities, KG_RELATIONS_KEY: relations}, **more)


def labels(node):
    return [relation.label for relation in node.metadata[KG_RELATIONS_KEY]]


def test_unsupported_relations_leave_the_node_and_are_kept_apart():
    verifier = ListedVerifier(GOOD)
    cacre_filter = CacreFilter(verifier)
    (node,) = cacre_filter([extracted(GOOD, BAD)])
    assert labels(node) == ["导演"]
    assert node.metadata[KG_RELATIONS_KEY][0].properties["evidence"] == ["林知远"]
    assert node.metadata[KG_RELATIONS_KEY][0].properties["since"] == 1
    assert [entity.name for entity in node.metadata[KG_NODES_KEY]] == ["雾中渡", "林知远"]
    (rejection,) = cacre_filter.rejected
    assert (rejection.said, rejection.source) == (BAD, node.node_id)
    (asked,) = verifier.asked
    assert asked[0] == TEXT  # without the metadata, which would have the relations themselves in it
    assert asked[1][0].subject_type == "物"


def test_links_between_chunks_are_no_claims_of_the_text():
    links = {
        NodeRelationship.SOURCE: RelatedNodeInfo(node_id="document"),
        NodeRelationship.CHILD: [RelatedNodeInfo(node_id="child")],
    }
    nodes = ImplicitPathExtractor()([extracted(BAD, relationships=links)])
    (node,) = CacreFilter(ListedVerifier())(nodes)
    assert labels(node) == ["SOURCE", "CHILD"]


def test_it_works_in_an_event_loop_and_on_nodes_without_relations():
    empty = TextNode(text=TEXT, metadata={KG_NODES_KEY: [], KG_RELATIONS_KEY: []})
    nodes = asyncio.run(CacreFilter(ListedVerifier(GOOD)).acall([empty, extracted(GOOD)]))
    assert [labels(node) for node in nodes] == [[], ["导演"]]


def test_a_filter_without_an_extractor_before_it_is_an_error():
    with pytest.raises(ConfigError, match="behind an extractor"):
        CacreFilter(ListedVerifier())([TextNode(text=TEXT)])


def test_a_cache_tells_two_filters_apart():
    assert CacreFilter(ListedVerifier()).to_dict() != CacreFilter(ListedVerifier()).to_dict()
