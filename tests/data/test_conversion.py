"""Candidates out of rows, verdicts into rows: nothing of the user's is lost."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.data import modality_of, read_rows, to_candidates, verdict_row
from cacre.errors import DataError
from cacre.types import Candidate, Modality, Triple, Verdict

ITEM = {
    "subject": "长夜",
    "predicate": "导演",
    "object": "李默",
    "subject_type": "影视作品",
    "paraphrase": ["李默", "执导作品", "长夜"],
    "source": "llm",
}
ROW = {"id": "c1", "text": "《长夜》由李默执导。", "triples": [ITEM], "page": 3}


def read(tmp_path, row, kind="candidates"):
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return next(read_rows(path, kind))


def judged(outcome="supported", **changes):
    return Verdict(Candidate(Triple("长夜", "导演", "李默")), outcome, **changes)


def test_candidates_with_types_paraphrase_and_further_keys(tmp_path):
    content = to_candidates(read(tmp_path, {**ROW, "gold": [["长夜", "导演", "李默"]]}))
    (candidate,) = content.candidates
    assert candidate.triple == ("长夜", "导演", "李默")
    assert (candidate.subject_type, candidate.object_type) == ("影视作品", None)
    assert candidate.paraphrase == Triple("李默", "执导作品", "长夜")
    assert candidate.extra == {"source": "llm"}
    assert (content.text, content.id, content.gold) == (ROW["text"], "c1", (("长夜", "导演", "李默"),))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"object": None}, "triples[1].object"),
        ({"object": ""}, "triples[1].object"),
        ({"object": {"inArea": "台湾"}}, "triples[1].object"),
        ({"object": {"@value": ""}}, "triples[1].object"),
        ({"predicate": 3}, "triples[1].predicate"),
        ({"paraphrase": ["李默", "执导作品"]}, "triples[1].paraphrase"),
        ({"subject": "\x00"}, "triples[1].subject"),
    ],
)
def test_bad_candidates_are_named(tmp_path, change, field):
    with pytest.raises(DataError) as caught:
        read(tmp_path, {**ROW, "triples": [ITEM, {**ITEM, **change}]})
    assert caught.value.field == field


def test_a_complex_object_is_judged_by_its_value_and_comes_back_whole(tmp_path):
    types = {"@value": "Number", "inArea": "地点"}
    item = {"subject": "长夜", "predicate": "票房", "object": {"@value": "3亿", "inArea": "台湾"}, "object_type": types}
    row = read(tmp_path, {**ROW, "triples": [item]})
    (candidate,) = to_candidates(row).candidates
    assert (candidate.triple.object, candidate.object_type) == ("3亿", "Number")
    assert candidate.extra == {"qualifiers": {"inArea": "台湾"}}
    out = verdict_row(row.raw, [Verdict(candidate, "supported", text_score=0.5)])
    (written,) = out["triples"]
    assert item.items() <= written.items()
    (again,) = read(tmp_path, out, "verdicts").content.triples
    assert (again.object, again.qualifiers) == ("3亿", {"inArea": "台湾"})


def test_qualifiers_beside_a_complex_object_add_to_its_slots(tmp_path):
    item = {**ITEM, "object": {"@value": "李默", "inWork": "长夜"}}
    more = {"inWork": "白昼", "note": "x"}
    (candidate,) = to_candidates(read(tmp_path, {**ROW, "triples": [{**item, "qualifiers": more}]})).candidates
    assert candidate.extra["qualifiers"] == {"inWork": "白昼", "note": "x"}
    with pytest.raises(DataError, match="qualifiers must be an object") as caught:
        read(tmp_path, {**ROW, "triples": [{**item, "qualifiers": ["x"]}]})
    assert caught.value.field == "triples[0]"


def test_a_verdict_row_has_the_old_keys_and_the_new(tmp_path):
    row = read(tmp_path, ROW)
    verdict = judged("rejected", text_score=0.12345678, evidence=((1, 3), (5, 7)), reason="low text score")
    out = verdict_row(row.raw, [verdict])
    assert out == {
        **ROW,
        "triples": [
            {
                **ITEM,
                "verdict": "rejected",
                "text_score": 0.123457,
                "pair_score": None,
                "probability": None,
                "evidence": [[1, 3], [5, 7]],
                "reason": "low text score",
            }
        ],
    }
    assert row.raw == ROW
    assert read(tmp_path, out, "verdicts").content.triples[0].reason == "low text score"


def test_what_was_judged_in_its_place_is_told_and_a_stale_one_goes(tmp_path):
    meant = Triple("李默", "编剧", "长夜")
    out = verdict_row(ROW, [judged(judged_as=meant)])
    assert out["triples"][0]["judged_as"] == ["李默", "编剧", "长夜"]
    assert read(tmp_path, out, "verdicts").content.triples[0].judged_as == meant
    assert "judged_as" not in verdict_row(out, [judged()])["triples"][0]


def test_numpy_scores_become_json(tmp_path):
    verdict = judged(text_score=np.float32(0.5), evidence=((np.int64(0), np.int64(2)),))
    out = json.loads(json.dumps(verdict_row(ROW, [verdict])))
    assert out["triples"][0]["text_score"] == 0.5
    assert out["triples"][0]["evidence"] == [[0, 2]]


def test_a_reason_of_the_users_stays_and_a_stale_one_goes():
    own = {**ROW, "triples": [{**ITEM, "reason": "句中明说"}]}
    assert verdict_row(own, [judged()])["triples"][0]["reason"] == "句中明说"
    again = verdict_row(ROW, [judged("rejected", reason="low text score")])
    assert "reason" not in verdict_row(again, [judged()])["triples"][0]


def test_verdicts_must_match_the_row():
    with pytest.raises(DataError, match="0 verdicts for 1 triples"):
        verdict_row(ROW, [])
    other = Verdict(Candidate(Triple("长夜", "编剧", "李默")), "supported")
    with pytest.raises(DataError, match="row's order"):
        verdict_row(ROW, [other])


def test_verdict_rows_are_checked_and_can_be_judged_again(tmp_path):
    out = verdict_row(ROW, [judged(text_score=0.5, probability=0.9)])
    assert to_candidates(read(tmp_path, out, "verdicts")).candidates[0].extra == {"source": "llm"}
    out["triples"][0]["verdict"] = "valid"
    with pytest.raises(DataError) as caught:
        read(tmp_path, out, "verdicts")
    assert caught.value.field == "triples[0].verdict"


@settings(max_examples=25)
@given(
    st.dictionaries(st.text("ab甲", max_size=3), st.integers()),
    st.dictionaries(st.text("ab甲", max_size=3), st.integers()),
)
def test_no_key_is_lost(row_keys, item_keys):
    row = {**row_keys, **ROW, "triples": [{**item_keys, **ITEM}]}
    out = verdict_row(row, [judged()])
    assert {key: out[key] for key in row if key != "triples"} == {key: row[key] for key in row if key != "triples"}
    new = {"verdict", "text_score", "pair_score", "probability", "evidence"}
    assert {key: value for key, value in out["triples"][0].items() if key not in new} == {
        key: value for key, value in row["triples"][0].items() if key not in new
    }


def test_a_modality_is_written_whatever_the_outcome_and_read_back():
    found = Modality("planned", (3, 4))
    [item] = verdict_row(ROW, [judged(modality=found)])["triples"]
    assert (item["verdict"], item["modality"], item["modality_cue"]) == ("supported", "planned", [3, 4])
    assert modality_of(json.loads(json.dumps(item))) == found
    [again] = verdict_row({**ROW, "triples": [item]}, [judged()])["triples"]
    assert not {"modality", "modality_cue"} & set(again)


def test_a_key_of_that_name_that_is_not_ours_is_no_modality():
    assert modality_of({"modality": "image"}) is None
    assert modality_of({"modality": "denied", "modality_cue": [1]}) is None
    assert modality_of({}) is None
