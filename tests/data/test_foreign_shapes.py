"""Rows in shapes of other tools: read where nothing is lost, and otherwise with a word on what to change."""

import json

import pytest

from cacre.data import read_rows, to_candidates, verdict_row
from cacre.errors import DataError
from cacre.evaluation import read_scored_rows
from cacre.types import Candidate, Triple, Verdict

TEXT = "《长夜》由李默执导。"
PARTS = ["长夜", "导演", "李默"]


def write(tmp_path, *lines):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines), "utf-8")
    return path


def fault(path, kind="candidates"):
    with pytest.raises(DataError) as caught:
        list(read_rows(path, kind))
    return caught.value


def test_a_candidate_may_be_a_list_and_is_written_with_names(tmp_path):
    (row,) = read_rows(write(tmp_path, {"text": TEXT, "triples": [PARTS]}), "candidates")
    (candidate,) = to_candidates(row).candidates
    assert candidate == Candidate(Triple(*PARTS))
    out = verdict_row(row.raw, [Verdict(candidate, "supported", text_score=0.5)])
    assert out["triples"][0].items() >= {"subject": "长夜", "predicate": "导演", "object": "李默"}.items()
    assert row.raw["triples"] == [PARTS]
    assert len(list(read_rows(write(tmp_path, out), "verdicts"))) == 1


@pytest.mark.parametrize(
    ("item", "field", "words"),
    [
        (["长夜", "导演"], "triples[0]", "expected {subject, predicate, object} or [subject, predicate, object]"),
        (["长夜", "导演", ""], "triples[0].object", "must not be empty"),
        (["长夜", "导演", 3], "triples[0].object", "write numbers as strings"),
    ],
)
def test_lists_that_are_no_triples_are_refused(tmp_path, item, field, words):
    error = fault(write(tmp_path, {"text": TEXT, "triples": [item]}))
    assert error.field == field
    assert words in error.reason


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (("head", "relation", "tail"), "rename head, relation, tail to subject, predicate, object"),
        (("h", "r", "t"), "rename h, r, t to subject, predicate, object"),
        (("subj", "pred", "obj"), "rename subj, pred, obj to subject, predicate, object"),
        (("head", "type", "tail"), "rename head, type, tail to subject, predicate, object"),
        (("主体", "关系", "客体"), "rename 主体, 关系, 客体 to subject, predicate, object"),
        (("主语", "谓语", "宾语"), "rename 主语, 谓语, 宾语 to subject, predicate, object"),
        (("subject", "relation", "object"), "rename relation to predicate"),
    ],
)
@pytest.mark.parametrize("key", ["triples", "gold"])
def test_other_names_are_to_be_renamed(tmp_path, names, advice, key):
    path = write(tmp_path, {"text": TEXT, "triples": [], key: [dict(zip(names, PARTS, strict=True))]})
    assert fault(path).reason.endswith(f": {advice}")
    with pytest.raises(DataError) as caught:
        read_scored_rows(path, "gold" if key == "gold" else "predictions")
    assert caught.value.reason.endswith(f": {advice}")
    assert caught.value.field == fault(path).field


@pytest.mark.parametrize("key", ["triples", "gold"])
@pytest.mark.parametrize("item", ["长夜,导演,李默", 3, None])
def test_what_is_no_triple_is_told_what_one_looks_like(tmp_path, key, item):
    path = write(tmp_path, {"text": TEXT, "triples": [], key: [item]})
    said = f"{key}[0]: expected {{subject, predicate, object}} or [subject, predicate, object], got {item!r}"
    assert str(fault(path)).endswith(said)
    with pytest.raises(DataError) as caught:
        read_scored_rows(path, "gold" if key == "gold" else "predictions")
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    ("row", "field", "advice"),
    [
        ({"content": TEXT, "triples": []}, "text", "present are: 'content', 'triples': rename content to text"),
        ({"sentence": TEXT, "triples": []}, "text", "'sentence', 'triples': rename sentence to text"),
        ({"text": TEXT, "relations": []}, "triples", "rename relations to triples"),
        (
            {"text": TEXT, "subject": "长夜", "predicate": "导演", "object": "李默"},
            "triples",
            "put subject, predicate and object into the list of the text's triples, triples: [{...}]",
        ),
    ],
)
def test_rows_with_other_keys_are_told_ours(tmp_path, row, field, advice):
    path = write(tmp_path, row)
    assert (fault(path).field, fault(path).reason.endswith(advice)) == (field, True)
    if field == "text":
        assert fault(path, "texts").reason.endswith(advice)
    with pytest.raises(DataError) as caught:
        read_scored_rows(path)
    assert caught.value.reason.endswith(advice)


def test_a_missing_key_without_a_likely_other_name_gets_no_advice(tmp_path):
    assert fault(write(tmp_path, {"title": TEXT, "triples": []})).reason.endswith("present are: 'title', 'triples'")


def test_an_annotated_row_has_no_candidates(tmp_path):
    error = fault(write(tmp_path, {"text": TEXT, "spo_list": [PARTS]}))
    assert (error.field, "spo_list is gold" in error.reason) == ("triples", True)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('[{"text": "a", "triples": []}]', "`jq -c '.[]' FILE` makes such lines"),
        ("[", "`jq -c . FILE`"),
        ("{", "`jq -c . FILE`"),
        ('{"text": "a",', "`jq -c . FILE`"),
        (TEXT, 'a line is one JSON object, such as {"text": "...", "triples": [...]}'),
        ("3", 'such as {"text": "...", "triples": [...]}'),
    ],
)
def test_a_line_is_one_object(tmp_path, line, words):
    path = write(tmp_path, line)
    assert words in fault(path).reason
    with pytest.raises(DataError) as caught:
        read_scored_rows(path)
    assert words in caught.value.reason


def test_a_plain_text_is_to_be_wrapped(tmp_path):
    assert fault(write(tmp_path, TEXT), "texts").reason.endswith('such as {"text": "..."}')


def test_a_broken_line_of_ours_gets_no_advice(tmp_path):
    assert "; a line" not in fault(write(tmp_path, '{"text": "a", triples: []}')).reason


@pytest.mark.parametrize("key", ["triples", "gold"])
@pytest.mark.parametrize("year", [2018, 20.5])
def test_numbers_are_to_be_written_as_strings(tmp_path, key, year):
    item = {"subject": "长夜", "predicate": "上映时间", "object": year}
    path = write(tmp_path, {"text": TEXT, "triples": [], key: [item]})
    assert f'write numbers as strings, such as "{year}"' in fault(path).reason
    with pytest.raises(DataError, match="write numbers as strings"):
        read_scored_rows(path, "gold" if key == "gold" else "predictions")
