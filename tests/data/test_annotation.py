"""Annotated rows whose triples somebody, or something, has judged: what is wrong is not learnt as right."""

import json
import re

import pytest

from cacre.baselines.extractors.annotations import load_annotated
from cacre.data import ErrorsFile, Row, load_examples, parse_row
from cacre.data.duie import read_duie
from cacre.data.extracted import load_extracted
from cacre.errors import DataError
from cacre.evaluation import read_scored_rows
from cacre.evaluation.labelling import label_by_support
from cacre.schema import load_schema
from cacre.types import Triple

DUIE = load_schema("duie")
TEXT = "《潮信》由段小满执导，邴万里编剧，汲红缨主演。"
RIGHT, WRONG, THIRD = (
    Triple("潮信", "导演", "段小满"),
    Triple("潮信", "导演", "邴万里"),
    Triple("潮信", "主演", "汲红缨"),
)
NAMES = ("subject", "predicate", "object")


def item(triple, **more):
    return {**dict(zip(NAMES, triple, strict=True)), **more}


def written(tmp_path, *rows, before=""):
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": TEXT, **row}, ensure_ascii=False) for row in rows]
    path.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")
    return path


REJECTED = {"verdict": "rejected", "text_score": 0.1, "pair_score": None, "probability": 0.1, "evidence": []}
JUDGED = {
    "label": {"triples": [item(RIGHT, label=1), item(WRONG, label=0)]},
    "label true and false": {"triples": [item(RIGHT, label=True), item(WRONG, label=False)]},
    "label in an object": {"triples": [item(RIGHT, label={"supported": 1}), item(WRONG, label={"supported": 0})]},
    "supported": {"triples": [item(RIGHT, supported=True), item(WRONG, supported=0)]},
    "labels": {"triples": [list(RIGHT), list(WRONG)], "labels": [1, {"supported": 0, "kind": "object"}]},
    "a label against a verdict": {
        "triples": [item(RIGHT, label=1, **REJECTED), item(WRONG, label=0, verdict="supported")]
    },
    "gold": {"triples": [item(WRONG, supported=0)], "gold": [list(RIGHT)]},
    "not judged": {"triples": [item(RIGHT, label=1), item(WRONG, label=0), item(THIRD, label=None), list(THIRD)]},
}


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in JUDGED.items()])
def test_what_a_label_calls_wrong_is_a_negative_and_no_anchor(tmp_path, row):
    path = written(tmp_path, row)
    (example,) = load_examples(path, schema=DUIE)
    assert (example.anchors, example.gold, example.hard) == ((RIGHT,), (RIGHT,), (WRONG,))
    assert len(example.positives) == 1 and example.negatives == ()
    (text,) = load_annotated([path])
    assert text.triples == (RIGHT,)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"triples": [list(RIGHT), item(WRONG, **REJECTED)]}, id="rejected by a verifier"),
        pytest.param({"triples": [list(WRONG)], "gold": [item(RIGHT)]}, id="not in gold"),
        pytest.param({"triples": [item(WRONG, label=0)], "spo_list": [item(RIGHT)]}, id="beside a spo_list"),
        pytest.param({"spo_list": [item(WRONG)], "gold": [item(RIGHT)]}, id="gold beside a spo_list"),
    ],
)
def test_what_nobody_calls_wrong_is_neither(tmp_path, row):
    path = written(tmp_path, row)
    (example,) = load_examples(path, schema=DUIE)
    assert (example.anchors, example.gold, example.hard) == ((RIGHT,), (RIGHT,), ())
    assert [text.triples for text in load_annotated([path])] == [(RIGHT,)]


def test_what_is_called_right_beside_gold_is_known_to_hold(tmp_path):
    (example,) = load_examples(
        written(tmp_path, {"triples": [item(THIRD, supported=1)], "gold": [list(RIGHT)]}), schema=DUIE
    )
    assert (example.anchors, example.gold) == ((RIGHT,), (RIGHT, THIRD))


@pytest.mark.parametrize(
    "other",
    [{"label": "影视"}, {"label": ["影视"]}, {"verdict": "supported"}],
    ids=["a word", "a list", "a verdict"],
)
def test_other_things_under_these_keys_change_nothing(tmp_path, other):
    path = written(tmp_path, {"triples": [item(RIGHT, **other), item(THIRD)], "labels": ["影视"], "gold": None})
    assert load_examples(path, schema=DUIE)[0].anchors == (RIGHT, THIRD)
    assert load_annotated([path])[0].triples == (RIGHT, THIRD)


def test_an_extractor_learns_nothing_of_a_text_of_which_only_wrong_triples_are_known(tmp_path):
    wrong, nothing = {"triples": [item(WRONG, **REJECTED)]}, {"triples": []}
    path = written(tmp_path, wrong, nothing, {**wrong, "gold": []}, {"triples": [list(RIGHT)]})
    assert [text.triples for text in load_annotated([path])] == [(), (), (RIGHT,)]


def test_slots_of_gold_are_kept(tmp_path):
    slots = {"@value": "段小满", "inWork": "潮信"}
    path = written(tmp_path, {"triples": [list(WRONG)], "gold": [item(("潮信", "配音", slots))]})
    (text,) = load_annotated([path])
    assert text.facts[0].slots == {"inWork": "潮信"}
    (read,) = read_duie(path)
    assert read.to_dict()["gold"] == [item(("潮信", "配音", slots))]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"triples": [item(RIGHT, label=1), item(WRONG, label="wrong")]}, r"triples\[1\]\.label expected 1 .*'wrong'"),
        ({"triples": [item(WRONG, label=0.1)]}, r"triples\[0\]\.label expected 1 .*0\.1"),
        ({"triples": [item(WRONG, label={"correct": 0})]}, r"triples\[0\]\.label\.supported is missing"),
        ({"triples": [item(WRONG, supported="false")]}, r"triples\[0\]\.supported expected 1 .*'false'"),
        ({"triples": [item(WRONG, supported="影视")]}, r"triples\[0\]\.supported expected 1"),
        ({"triples": [list(RIGHT), list(WRONG)], "labels": [0.9, 0.1]}, r"labels\[0\] expected 1 .*0\.9"),
        ({"triples": [list(RIGHT), list(WRONG)], "labels": [1, "影视"]}, r"labels\[1\] expected 1"),
        ({"triples": [list(RIGHT), list(WRONG)], "labels": ["对", "错"]}, r"labels\[0\] expected 1"),
        ({"triples": [list(RIGHT), list(WRONG)], "labels": ["0.9", "0.1"]}, r"labels\[0\] expected 1"),
        (
            {"triples": [item(RIGHT, label=1), item(WRONG, supported=0)], "labels": [None, 1]},
            r"labels\[1\] calls triples\[1\] right, which its own label calls wrong",
        ),
    ],
)
def test_labels_that_cannot_be_read_or_contradict_each_other_are_refused(tmp_path, row, fault):
    path = written(tmp_path, row)
    raw = json.loads(path.read_text(encoding="utf-8"))
    candidates = Row("c.jsonl", 1, raw, parse_row(raw, "candidates"))
    for read in (
        lambda: load_examples(path, schema=DUIE),
        lambda: load_annotated([path]),
        lambda: load_extracted([path]),
        lambda: label_by_support(candidates),
        lambda: read_scored_rows(path, "gold"),
    ):
        with pytest.raises(DataError) as caught:
            read()
        assert re.search(fault, f"{caught.value.field or ''} {caught.value.reason}")


def test_null_gives_way_to_the_other_label_of_a_triple(tmp_path):
    row = {"triples": [item(RIGHT, supported=None), item(WRONG, label=0)], "labels": [1, None]}
    path = written(tmp_path, row)
    (example,) = load_examples(path, schema=DUIE)
    assert (example.anchors, example.hard) == ((RIGHT,), (WRONG,))
    raw = json.loads(path.read_text(encoding="utf-8"))
    assert label_by_support(Row("c.jsonl", 1, raw, parse_row(raw, "candidates"))).labels == (True, False)
    assert [spo[2] for spo in read_scored_rows(path, "gold")[TEXT]] == [{"@value": RIGHT.object}]


def test_labels_that_are_not_as_many_as_the_triples_are_refused(tmp_path):
    rows = [{"triples": [list(RIGHT), list(WRONG)], "labels": [1]}, {"triples": [list(RIGHT)]}]
    path = written(tmp_path, *rows)
    for read in (lambda: load_examples(path, schema=DUIE), lambda: load_annotated([path])):
        with pytest.raises(DataError, match="labels has 1 entries, triples has 2: the lists are aligned") as caught:
            read()
        assert (caught.value.path, caught.value.line) == (str(path), 1)
    with ErrorsFile(tmp_path / "rows.errors.jsonl") as errors:
        (example,) = load_examples(path, schema=DUIE, on_error="skip", errors=errors)
    assert (example.anchors, errors.count) == ((RIGHT,), 1)


@pytest.mark.parametrize("before", ["\n", "\ufeff \n\n"])
@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"spo_list": [item(RIGHT)]}, id="annotated"),
        pytest.param({"anchors": [list(RIGHT)], "positives": [list(RIGHT)], "negatives": [list(WRONG)]}, id="lists"),
    ],
)
def test_blank_lines_at_the_start_hide_no_kind(tmp_path, before, row):
    path = written(tmp_path, row, before=before)
    assert load_examples(path, schema=DUIE)[0].anchors == (RIGHT,)
    assert load_annotated([path])[0].triples == (RIGHT,)
