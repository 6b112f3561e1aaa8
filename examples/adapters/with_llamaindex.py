"""LlamaIndex: a property graph index that holds only what the text supports.

    python examples/adapters/with_llamaindex.py

`Scripted` stands where an LLM's extractor, such as `SimpleLLMPathExtractor`, would: no network, no key.
"""

from llama_index.core import Document, MockEmbedding, PropertyGraphIndex
from llama_index.core.graph_stores.types import KG_NODES_KEY, KG_RELATIONS_KEY, EntityNode, Relation
from llama_index.core.llms import MockLLM
from llama_index.core.schema import TransformComponent

from cacre.adapters import CacreFilter

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
FOUND = [("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "顾青禾"), ("雾中渡", "主演", "沈若汐")]


class Scripted(TransformComponent):
    """Finds the same triples in every text."""

    def __call__(self, nodes, **_):  # noqa: ANN001, ANN003, ANN204
        """Put triples on nodes, as extractors do."""
        for node in nodes:
            node.metadata[KG_NODES_KEY] = [EntityNode(name=name) for triple in FOUND for name in triple[::2]]
            node.metadata[KG_RELATIONS_KEY] = [Relation(source_id=s, label=p, target_id=o) for s, p, o in FOUND]
        return nodes


if __name__ == "__main__":
    cacre_filter = CacreFilter()
    index = PropertyGraphIndex.from_documents(
        [Document(text=TEXT)], kg_extractors=[Scripted(), cacre_filter], llm=MockLLM(), embed_model=MockEmbedding(8)
    )
    for subject, relation, object_ in index.property_graph_store.get_triplets(entity_names=["雾中渡"]):
        print("kept", subject.name, relation.label, object_.name)
    for rejection in cacre_filter.rejected:
        print("rejected", *rejection.said, rejection.verdict.reason)
