import json

import pytest
from listed_verifier import ListedVerifier

from cacre.adapters.langchain import read_graph_documents, to_graph_document, verify_graph_documents
from cacre.adapters.names import Names
from cacre.errors import DataError
from cacre.schema import load_schema
from cacre.types import Candidate, Triple, Verdict

graph_documents = pytest.importorskip(
    "langchain_community.graphs.graph_document", reason="needs langchain-community: pip install 'cacre[langchain]'"
)
TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"


def document(*triples, text=TEXT, spare=()):
    from langchain_core.documents import Document

    def node(name):
        return graph_documents.Node(id=name, type="Thing")

    relationships = [
        graph_documents.Relationship(source=node(s), target=node(o), type=p, properties={"since": 1})
        for s, p, o in triples
    ]
    nodes = [node(name) for name in dict.fromkeys([n for s, _, o in triples for n in (s, o)] + list(spare))]
    return graph_documents.GraphDocument(
        nodes=nodes, relationships=relationships, source=Document(page_content=text, metadata={"page": 3})
    )


def test_supported_relationships_stay_and_the_others_come_apart():
    good, bad = ("雾中渡", "DIRECTED_BY", "林知远"), ("雾中渡", "STARS", "沈若汐")
    given = document(good, bad, spare=["临澜"])
    before = given.model_copy(deep=True)
    names = Names({"DIRECTED_BY": "导演"}, types={"Thing": "物"})
    judged = verify_graph_documents(ListedVerifier(("雾中渡", "导演", "林知远")), [given, document()], names)
    kept, untouched = judged.kept
    (rejected,) = judged.rejected
    assert [(r.type, r.target.id) for r in kept.relationships] == [("DIRECTED_BY", "林知远")]
    assert kept.relationships[0].properties["evidence"] == ["林知远"]
    assert kept.relationships[0].properties["since"] == 1
    assert [node.id for node in kept.nodes] == ["雾中渡", "林知远", "临澜"]
    assert [node.id for node in rejected.nodes] == ["雾中渡", "沈若汐"]
    assert rejected.relationships[0].properties["reason"] == "text_score 0.500 below 0.600"
    assert kept.source == rejected.source == before.source
    assert given == before
    assert untouched == document()


def test_what_is_read_from_object_to_subject_says_so_and_a_spouse_stays_one():
    turned, spouse = Triple("林知远", "执导作品", "雾中渡"), Triple("林知远", "配偶", "顾青禾")
    verdicts = [
        Verdict(Candidate(turned), "supported", judged_as=Triple("雾中渡", "导演", "林知远")),
        Verdict(Candidate(spouse), "supported", judged_as=Triple("林知远", "妻子", "顾青禾")),
    ]
    made = to_graph_document(TEXT, verdicts, schema=load_schema()).relationships
    assert [(one.type, one.properties.get("judged_as")) for one in made] == [
        ("执导作品", "雾中渡 导演 林知远"),
        ("配偶", None),
    ]


def test_each_document_is_judged_against_its_own_text():
    triple = ("雾中渡", "导演", "林知远")
    verifier = ListedVerifier(triple)
    verify_graph_documents(verifier, [document(triple), document(triple, text="林知远执导《雾中渡》。")])
    assert [text for text, _ in verifier.asked] == [TEXT, "林知远执导《雾中渡》。"]
    assert verifier.asked[0][1][0].subject_type == "Thing"


def test_a_document_without_text_is_named():
    with pytest.raises(DataError, match=r"documents\[1\]"):
        verify_graph_documents(ListedVerifier(), [document(), document(("a", "b", "c"), text=" ")])


def test_supported_triples_become_a_graph_document():
    known = Verdict(Candidate(Triple("雾中渡", "导演", "林知远")), "supported", 0.5, evidence=((6, 9),))
    typed = Verdict(Candidate(Triple("雾中渡", "气味", "松木"), "影视作品"), "supported")
    wrong = Verdict(Candidate(Triple("雾中渡", "编剧", "沈若汐")), "rejected", reason="object not in text")
    made = to_graph_document(TEXT, [known, typed, wrong], metadata={"id": "t1"}, schema=load_schema())
    assert {(node.id, node.type) for node in made.nodes} == {
        ("雾中渡", "影视作品"),
        ("林知远", "人物"),
        ("松木", "Node"),
    }
    assert [(r.source.id, r.type, r.target.id) for r in made.relationships] == [
        t.candidate.triple for t in (known, typed)
    ]
    assert made.relationships[0].properties["evidence"] == ["林知远"]
    assert (made.source.page_content, made.source.metadata) == (TEXT, {"id": "t1"})


def test_rows_of_cacre_filter_become_graph_documents(tmp_path):
    triple = {"subject": "雾中渡", "predicate": "导演", "object": "林知远", "probability": 0.5, "evidence": [[6, 9]]}
    rows = [
        {"id": "t1", "text": TEXT, "triples": [{**triple, "verdict": "supported"}]},
        {"text": TEXT, "triples": [{**triple, "verdict": "rejected", "reason": "object not in text"}]},
    ]
    path = tmp_path / "kept.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    first, second = read_graph_documents(path)
    assert first.relationships[0].properties["probability"] == 0.5
    assert first.source.metadata == {"id": "t1"}
    assert (second.nodes, second.relationships, second.source.metadata) == ([], [], {})
