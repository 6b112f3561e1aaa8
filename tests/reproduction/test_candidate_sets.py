"""Judgements and files that must not be dropped without a word."""

import json

import pytest

from cacre.data import write_rows
from cacre.errors import DataError
from cacre.reproduction.candidate_sets import candidate_paths, load_candidates
from cacre.reproduction.experiment import CandidateFile
from cacre.types import Triple

TEXTS = ("《雾中渡》由林知远执导。", "《长夜》由宋砚执导。")
TRIPLES = (Triple("雾中渡", "导演", "林知远"), Triple("长夜", "导演", "宋砚"))
FILE = CandidateFile(path="mine.jsonl", support="support.jsonl")


def as_item(triple):
    return dict(zip(("subject", "predicate", "object"), triple, strict=True))


@pytest.fixture
def data(tmp_path):
    rows = [
        {"id": number, "text": text, "triples": [as_item(triple)], "gold": []}
        for number, (text, triple) in enumerate(zip(TEXTS, TRIPLES, strict=True), 4)
    ]
    write_rows(tmp_path / "mine.jsonl", [*rows, {"text": "没有编号。", "triples": [], "gold": []}])
    return tmp_path


def judge(data, *rows):
    (data / "support.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n", "utf-8"
    )


def judged(name, number=1, **more):
    return {"id": name, "triples": [{"triple": list(TRIPLES[number]), "supported": 1}], **more}


def support(data, limit=None):
    return dict(load_candidates("mine", FILE, data, limit).support)


@pytest.mark.parametrize("name", [5, "5"])
def test_a_number_is_the_same_id_as_its_digits(data, name):
    judge(data, judged(name))
    assert support(data) == {(TEXTS[1], TRIPLES[1]): True}


def test_a_separator_within_a_string_ends_no_line(data):
    judge(data, judged("4", 0, why="读过\u2028一遍\x85又一遍"), judged("5"))
    assert len(support(data)) == 2


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"triples": []}, "lacks 'id'"),
        (judged(None), "id must be a string or an integer, got None"),
        (judged(True), "id must be a string or an integer, got True"),
        (judged([5]), "id must be a string or an integer"),
        ({"id": 5, "triples": [{"triple": ["雾中渡", "导演"], "supported": 1}]}, r"expected \[subject"),
        ({"id": 5, "triples": [{"triple": ["雾中渡", "导演", "宋砚"]}]}, "lacks 'supported'"),
        ({"id": 5, "triples": [{"triple": ["雾中渡", "导演", "宋砚"], "supported": "false"}]}, "got 'false'"),
    ],
)
def test_a_judgement_that_is_not_well_formed_is_named(data, row, fault):
    judge(data, judged(5), row)
    with pytest.raises(DataError, match=rf"support\.jsonl:2: expected id and triples .*{fault}"):
        support(data)


def test_judgements_of_other_rows_alone_are_refused(data):
    judge(data, judged("dev-4"), judged("dev-5"))
    with pytest.raises(DataError, match=r"support\.jsonl: none of its 2 ids is that of a candidate row"):
        support(data)
    judge(data, judged("dev-4"), judged(5))
    assert len(support(data)) == 1
    assert support(data, limit=1) == {}, "of the first rows only, there may be none"


def test_a_folder_or_a_file_may_be_named_like_a_pattern(tmp_path):
    folder = tmp_path / "data[1]"
    folder.mkdir()
    for name in ("a-13.jsonl", "a-14.jsonl", "b[2].jsonl"):
        (folder / name).touch()
    assert [path.name for path in candidate_paths("a-*.jsonl", folder)] == ["a-13.jsonl", "a-14.jsonl"]
    assert candidate_paths("a-13.jsonl", folder) == [folder / "a-13.jsonl"]
    assert candidate_paths("b[2].jsonl", folder) == [folder / "b[2].jsonl"]
    assert candidate_paths(str(folder / "a-13.jsonl"), tmp_path) == [folder / "a-13.jsonl"]
    assert candidate_paths("c.jsonl", folder) == []
