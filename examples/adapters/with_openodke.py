"""openodke: cacre as the grounder of a pipeline, in place of one LLM call a fact.

    python examples/adapters/with_openodke.py

`Scripted` stands where an LLM's extractor would. In a configuration file of `odke run` the same grounder is
`grounder: {use: "cacre.adapters.openodke:CacreGrounder", predicates: {directed_by: 导演, stars: 主演}}`.
"""

from openodke import Ontology, Pipeline, VerdictValidator
from openodke.types import Document, Entity, Evidence, Fact, Span

from cacre.adapters import CacreGrounder

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
FOUND = [("directed_by", "林知远"), ("stars", "顾青禾"), ("stars", "沈若汐")]


class Scripted:
    """Finds the same facts in every text."""

    def extract(self, chunk, ontology):  # noqa: ANN001, ANN201
        """Cite the whole chunk, as a clause that states each fact."""
        film = Entity(key="film", type="film", label="雾中渡")
        cited = (Evidence(doc_id=chunk.doc_id, span=Span(doc_id=chunk.doc_id, start=chunk.start, end=chunk.end)),)
        for predicate, name in FOUND:
            person = Entity(key=name, type="person", label=name)
            yield Fact(subject=film, predicate=predicate, object_entity=person, evidence=cited)


if __name__ == "__main__":
    grounder = CacreGrounder(predicates={"directed_by": "导演", "stars": "主演"})
    validator = VerdictValidator(refuse_not_found=True)
    pipeline = Pipeline(Ontology(name="films"), Scripted(), grounder=grounder, validator=validator)
    graph = pipeline.run([Document(text=TEXT)])
    for fact in graph.facts:
        print(fact.verdict.value, fact.subject.label, fact.predicate, fact.object_entity.label)
    print("refused", graph.stats["refused"], grounder.stats["reasons"])
