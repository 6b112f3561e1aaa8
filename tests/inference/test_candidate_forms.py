"""What a verifier takes for a candidate."""

import json

import pytest

import tiny_model
from cacre.data import verdict_row
from cacre.errors import ConfigError, DataError
from cacre.inference import OnnxVerifier
from cacre.inference.verifier import as_candidate, as_pairs
from cacre.types import Candidate, Triple, Verdict

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


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (
            [{"text": "雾中渡", "triples": [ITEM]}],
            r"pairs\[0\]: expected \(text, candidates\), got .* \(row\['text'\], ",
        ),
        (("雾中渡", [ITEM]), r"pairs\[0\]: expected \(text, candidates\), got '雾中渡': give a list of pairs"),
        ([("雾中渡", [ITEM]), ("雾中渡",)], r"pairs\[1\]: expected \(text, candidates\)"),
        ([("雾中渡", TRIPLE)], "candidates: expected a list of candidates, got Triple.*: put it in a list"),
        (
            [("雾中渡", Candidate(TRIPLE))],
            "candidates: expected a list of candidates, got Candidate.*: put it in a list",
        ),
        ([("雾中渡", ITEM)], "candidates: expected a list of candidates, got {.*: put it in a list"),
        ([("雾中渡", "导演")], "candidates: expected a list of candidates, got '导演'$"),
        ([("雾中渡", None)], "candidates: expected a list of candidates, got None$"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused_at_the_edge(pairs, words):
    with pytest.raises(DataError, match=words):
        as_pairs(pairs)


def test_one_triple_in_the_place_of_a_list_is_refused(tiny_folder):
    with pytest.raises(DataError, match="put it in a list"):
        OnnxVerifier(tiny_folder, threads=1).verify("雾中渡", TRIPLE)


def test_rules_that_are_no_rules_are_refused(tiny_folder):
    with pytest.raises(ConfigError, match=r"rules must be DecisionRules, got {'schema_checks': False}: give Decision"):
        OnnxVerifier(tiny_folder, rules={"schema_checks": False})


def test_a_verdict_is_written_as_its_row_has_it(tiny_folder):
    text = tiny_model.SENTENCES[0]
    said = {**ITEM, "subject": "林知远", "predicate": "执导作品", "object": "雾中渡", "page": 3}
    items = [ITEM, {**ITEM, "paraphrase": ["雾中渡", "执导者", "林知远"], "object_type": "人物"}, said]
    verdicts = OnnxVerifier(tiny_folder, threads=1).verify(text, items)
    row = verdict_row({"text": text, "triples": items}, verdicts)
    assert [verdict.to_dict() for verdict in verdicts] == row["triples"]
    assert json.loads(json.dumps(row["triples"])) == row["triples"]
    assert row["triples"][2]["judged_as"] == ["雾中渡", "导演", "林知远"]


def test_a_stale_verdict_goes_when_a_verdict_is_written():
    stale = Candidate.parse({**ITEM, "verdict": "rejected", "reason": "low", "judged_as": ["a", "b", "c"]})
    assert Verdict(stale, "supported").to_dict() == {
        **ITEM, "verdict": "supported", "text_score": None, "pair_score": None, "probability": None, "evidence": [],
    }  # fmt: skip
    assert Verdict(Candidate(TRIPLE, extra={"reason": "句中明说"}), "supported").to_dict()["reason"] == "句中明说"


def test_other_names_are_to_be_renamed():
    with pytest.raises(DataError, match="rename head, relation, tail to subject, predicate, object"):
        as_candidate({"head": "雾中渡", "relation": "导演", "tail": "林知远"})
