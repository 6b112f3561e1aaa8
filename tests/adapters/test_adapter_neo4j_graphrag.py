import asyncio

import pytest
from listed_verifier import ListedVerifier

from cacre.adapters.names import Names
from cacre.errors import DataError

pytest.importorskip("neo4j_graphrag", reason="needs neo4j-graphrag: pip install 'cacre[neo4j-graphrag]'")

from neo4j_graphrag.components.lexical_graph import LexicalGraphBuilder
from neo4j_graphrag.components.types import Neo4jGraph, Neo4jNode, Neo4jRelationship, TextChunk, TextChunks

from cacre.adapters.neo4j_graphrag import CacrePruning

TEXTS = ("《雾中渡》由林知远执导。", "顾青禾担任编剧。")
CHUNKS = TextChunks(chunks=[TextChunk(text=text, index=i, uid=f"doc:{i}") for i, text in enumerate(TEXTS)])
NAMES = {"doc:0:a": "雾中渡", "doc:0:b": "林知远", "doc:0:c": "沈若汐", "doc:1:a": "顾青禾", "doc:1:b": "雾中渡"}


def extracted(*ends):
    nodes = [Neo4jNode(id=key, label="Thing", properties={"name": name}) for key, name in NAMES.items()]
    facts = [Neo4jRelationship(start_node_id=s, type=p, end_node_id=o, properties={"since": 1}) for s, p, o in ends]
    return Neo4jGraph(nodes=nodes, relationships=facts)


async def with_lexical_graph(graph):
    builder = LexicalGraphBuilder()
    lexical = (await builder.run(text_chunks=CHUNKS)).graph
    for chunk in CHUNKS.chunks:
        own = Neo4jGraph(nodes=[node for node in graph.nodes if node.id.startswith(chunk.uid)])
        await builder.process_chunk_extracted_entities(own, chunk)
        lexical.relationships += own.relationships
    return Neo4jGraph(
        nodes=[*lexical.nodes, *graph.nodes], relationships=[*lexical.relationships, *graph.relationships]
    )


def pruned(verifier, graph, **inputs):
    names = Names({"WROTE": "^编剧"})
    return asyncio.run(CacrePruning(verifier, names=names).run(graph=graph, **inputs))


def test_unsupported_relationships_go_with_their_links_and_are_reported():
    given = asyncio.run(
        with_lexical_graph(
            extracted(("doc:0:a", "导演", "doc:0:b"), ("doc:0:a", "主演", "doc:0:c"), ("doc:1:a", "WROTE", "doc:1:b"))
        )
    )
    before = given.model_copy(deep=True)
    verifier = ListedVerifier(("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "顾青禾"))
    result = pruned(verifier, given)
    assert given == before
    assert [text for text, _ in verifier.asked] == list(TEXTS)
    facts = [one for one in result.graph.relationships if one.properties]
    assert [(one.start_node_id, one.type, one.end_node_id) for one in facts] == [
        ("doc:0:a", "导演", "doc:0:b"),
        ("doc:1:a", "WROTE", "doc:1:b"),
    ]
    assert facts[0].properties["since"] == 1
    assert facts[1].properties["judged_as"] == "雾中渡 编剧 顾青禾"
    assert {one.start_node_id for one in result.graph.relationships if one.type == "FROM_CHUNK"} == set(NAMES) - {
        "doc:0:c"
    }
    assert any(one.type == "NEXT_CHUNK" for one in result.graph.relationships)
    assert [node.id for node in result.report.stranded] == ["doc:0:c"]
    assert "doc:0:c" not in [node.id for node in result.graph.nodes]
    (gone,) = result.report.pruned
    assert (gone.subject, gone.object, gone.reason) == ("雾中渡", "沈若汐", "text_score 0.500 below 0.600")
    assert (result.report.kept, result.report.reasons) == (2, {"text_score below threshold": 1})


def test_texts_may_come_from_the_splitter_alone():
    verifier = ListedVerifier(("雾中渡", "导演", "林知远"))
    assert pruned(verifier, extracted(("doc:0:a", "导演", "doc:0:b")), chunks=CHUNKS).report.kept == 1
    assert verifier.asked[0][0] == TEXTS[0]


def test_a_relationship_without_a_text_is_an_error_that_says_what_to_connect():
    with pytest.raises(DataError, match="connect the splitter's chunks"):
        pruned(ListedVerifier(), extracted(("doc:0:a", "导演", "doc:0:b")))


def test_a_relationship_to_a_node_that_is_not_there_is_reported():
    result = pruned(ListedVerifier(), extracted(("doc:0:a", "导演", "doc:0:z")), chunks=CHUNKS)
    assert [one.reason for one in result.report.pruned] == ["object is empty"]
