"""What a verifier takes for a candidate."""

import pytest

import tiny_model
from cacre.errors import DataError
from cacre.inference import OnnxVerifier
from cacre.inference.verifier import as_candidate
from cacre.types import Candidate, Triple

ITEM = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
TRIPLE = Triple("雾中渡", "导演", "林知远")


def test_mappings_are_judged_as_triples_are(tiny_folder):
    verifier, text = OnnxVerifier(tiny_folder, threads=1), tiny_model.SENTENCES[0]
    (expected,) = verifier.verify(text, [TRIPLE])
    assert verifier.verify(text, [ITEM]) == [expected]
    assert verifier.verify_many([(text, [ITEM])]) == [[expected]]


def test_all_keys_of_a_row_are_read():
    more = {
        "subject_type": "影视作品",
        "object_type": "人物",
        "paraphrase": ["林知远", "执导作品", "雾中渡"],
        "score": 1,
    }
    paraphrase = Triple("林知远", "执导作品", "雾中渡")
    assert as_candidate({**ITEM, **more}) == Candidate(TRIPLE, "影视作品", "人物", paraphrase, {"score": 1})
    complex_object = {**ITEM, "object": {"@value": "林知远", "inArea": "台湾"}, "object_type": {"@value": "人物"}}
    assert as_candidate(complex_object) == Candidate(TRIPLE, None, "人物", None, {"qualifiers": {"inArea": "台湾"}})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"object": ""}, "candidate: object must be a non-empty string, got ''"),
        ({"object": 2018}, 'got 2018: write numbers as strings, such as "2018"'),
        ({"object_type": 3}, "candidate: object_type must be a string, got 3"),
        ({"paraphrase": ["林知远"]}, r"candidate\.paraphrase: expected \[subject, predicate, object\]"),
        ({"subject": "\ud800"}, "triple: lone surrogate"),
    ],
)
def test_a_malformed_mapping_is_named(change, words):
    with pytest.raises(DataError, match=words):
        as_candidate({**ITEM, **change})


def test_other_names_are_to_be_renamed():
    with pytest.raises(DataError, match="rename head, relation, tail to subject, predicate, object"):
        as_candidate({"head": "雾中渡", "relation": "导演", "tail": "林知远"})
