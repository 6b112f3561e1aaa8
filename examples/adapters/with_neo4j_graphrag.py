"""neo4j-graphrag: a component that takes unsupported relationships out before they are written.

    python examples/adapters/with_neo4j_graphrag.py

`Scripted` stands where `LLMEntityRelationExtractor` would, so that there is no network; a `Neo4jWriter` comes next.
"""

import asyncio

from neo4j_graphrag.components.base import Component
from neo4j_graphrag.components.types import Neo4jGraph, Neo4jNode, Neo4jRelationship, TextChunk, TextChunks
from neo4j_graphrag.experimental.pipeline import Pipeline

from cacre.adapters import CacrePruning

CHUNKS = TextChunks(chunks=[TextChunk(text="《雾中渡》由林知远执导，顾青禾担任编剧。", index=0, uid="c")])
NAMES = {"c:0": "雾中渡", "c:1": "林知远", "c:2": "沈若汐"}


class Scripted(Component):
    """Finds the same graph in every text."""

    async def run(self, chunks: TextChunks) -> Neo4jGraph:
        """Give ids that begin with the chunk's, as extractors do."""
        nodes = [Neo4jNode(id=key, label="Thing", properties={"name": name}) for key, name in NAMES.items()]
        ends = [("c:0", "导演", "c:1"), ("c:0", "主演", "c:2")]
        return Neo4jGraph(
            nodes=nodes, relationships=[Neo4jRelationship(start_node_id=s, type=p, end_node_id=o) for s, p, o in ends]
        )


if __name__ == "__main__":
    pipeline = Pipeline()
    pipeline.add_component(Scripted(), "extractor")
    pipeline.add_component(CacrePruning(), "verifier")
    pipeline.connect("extractor", "verifier", {"graph": "extractor"})
    result = asyncio.run(pipeline.run({"extractor": {"chunks": CHUNKS}, "verifier": {"chunks": CHUNKS}})).result
    print("kept", [one["type"] for one in result["verifier"]["graph"]["relationships"]])
    print("pruned", [(one["object"], one["reason"]) for one in result["verifier"]["report"]["pruned"]])
