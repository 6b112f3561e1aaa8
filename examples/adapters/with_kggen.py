"""kg-gen: a generated graph with only what its text supports.

    python examples/adapters/with_kggen.py

The graph stands for what `KGGen().generate(TEXT)` gives; here it is written down, so that no LLM is called.
"""

from kg_gen import Graph

import cacre
from cacre.adapters import verify_graph

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
FOUND = {("雾中渡", "执导者", "林知远"), ("雾中渡", "编剧", "顾青禾"), ("雾中渡", "主演", "沈若汐")}


def main() -> None:
    """Judge a graph, and print what is left of it and why the rest is not."""
    names = {name for triple in FOUND for name in triple[::2]}
    graph = Graph(entities=names, edges={edge for _, edge, _ in FOUND}, relations=FOUND)
    judged = verify_graph(cacre.load_verifier("mini-zh"), graph, TEXT)
    print("entities", sorted(judged.graph.entities))
    for relation in sorted(judged.graph.relations):
        print("kept", *relation, judged.verdicts[relation].probability)
    for relation, verdict in judged.rejected.items():
        print("rejected", *relation, verdict.reason)


if __name__ == "__main__":
    main()
