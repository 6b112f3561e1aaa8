"""LangChain: graph documents with only what their texts support.

    python examples/adapters/with_langchain.py

The documents stand for those that `LLMGraphTransformer` gives; its relations have English names here.
"""

from langchain_community.graphs.graph_document import GraphDocument, Node, Relationship
from langchain_core.documents import Document

import cacre
from cacre.adapters import Names, verify_graph_documents

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
NAMES = Names(
    predicates={"DIRECTED_BY": "导演", "WROTE": "^编剧", "STARS": "主演"},  # ^: from person to film
    types={"Film": "影视作品", "Person": "人物"},
)


def main() -> None:
    """Judge three relationships, and print what became of them."""
    film, director, writer = (Node(id=name) for name in ("雾中渡", "林知远", "顾青禾"))
    relationships = [
        Relationship(source=film, target=director, type="DIRECTED_BY"),
        Relationship(source=writer, target=film, type="WROTE"),
        Relationship(source=film, target=Node(id="沈若汐"), type="STARS"),
    ]
    nodes = [film, director, writer, Node(id="沈若汐")]
    document = GraphDocument(nodes=nodes, relationships=relationships, source=Document(page_content=TEXT))
    judged = verify_graph_documents(cacre.load_verifier("mini-zh"), [document], NAMES)
    for name, documents in (("kept", judged.kept), ("rejected", judged.rejected)):
        for relation in documents[0].relationships:
            properties = relation.properties
            print(name, relation.source.id, relation.type, relation.target.id, properties.get("reason", ""))


if __name__ == "__main__":
    main()
