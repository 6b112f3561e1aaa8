"""The packaged demo sample keeps the promises that the demo and the documentation make about it."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from cacre.schema import Schema, load_schema
from cacre.types import Triple

KINDS = ("swap", "relation", "entity", "boundary", "number", "world", "negated", "absent", "schema")
SPOUSE = {"丈夫": "妻子", "妻子": "丈夫"}

Row = dict[str, Any]


def _load() -> list[Row]:
    text = (files("cacre.resources") / "samples" / "demo.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


ROWS = _load()


@pytest.fixture(scope="module")
def schema() -> Schema:
    return load_schema("open")  # that of the bundled model


def _triple(value: Row) -> Triple:
    return Triple.parse([value["subject"], value["predicate"], value["object"]])


def _judged(row: Row) -> list[tuple[Row, Row]]:
    return list(zip(row["triples"], row["labels"], strict=True))


def _bare(text: str) -> str:
    return text.replace("《", "").replace("》", "")


def _mentioned(part: str, row: Row) -> bool:
    return _bare(part) in _bare(row["text"])


def _rejected(kind: str) -> list[tuple[Row, Row]]:
    return [(row, c) for row in ROWS for c, label in _judged(row) if label["kind"] == kind]


def test_there_are_enough_texts_of_the_promised_length():
    assert len(ROWS) >= 70
    assert [row["id"] for row in ROWS if not 15 <= len(row["text"]) <= 180] == []
    assert len({row["genre"] for row in ROWS}) >= 30


def test_ids_and_texts_are_unique():
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert len({row["text"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_row_is_well_formed(row: Row):
    assert set(row) == {"id", "genre", "text", "triples", "gold", "labels"}
    assert len(row["labels"]) == len(row["triples"])
    assert 3 <= len(row["triples"]) <= 7
    triples = [_triple(c) for c in row["triples"]]
    assert len(set(triples)) == len(triples)
    for candidate, label in _judged(row):
        assert set(candidate) - {"paraphrase"} == {"subject", "predicate", "object", "subject_type", "object_type"}
        assert (label["supported"], label["kind"] is None) in {(1, True), (0, False)}
        if "paraphrase" in candidate:
            assert Triple.parse(candidate["paraphrase"]) != _triple(candidate)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_gold_agrees_with_the_labels(row: Row):
    gold = {_triple(g) for g in row["gold"]}
    assert len(gold) == len(row["gold"])
    assert [t for c, label in _judged(row) if label["supported"] and (t := _triple(c)) not in gold] == []
    assert [t for c, label in _judged(row) if not label["supported"] and (t := _triple(c)) in gold] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_gold_is_written_in_the_text_and_has_both_spouses(row: Row):
    gold = {_triple(g) for g in row["gold"]}
    assert [t for t in gold if not (_mentioned(t.subject, row) and _mentioned(t.object, row))] == []
    assert [
        t for t in gold if t.predicate in SPOUSE and Triple(t.object, SPOUSE[t.predicate], t.subject) not in gold
    ] == []


def test_gold_covers_the_schema(schema: Schema):
    counts = Counter(g["predicate"] for row in ROWS for g in row["gold"])
    assert set(counts) <= {relation.name for relation in schema}
    assert sum(count >= 2 for count in counts.values()) >= 25


def test_the_list_looks_like_that_of_an_llm():
    judged = [pair for row in ROWS for pair in _judged(row)]
    supported = sum(label["supported"] for _, label in judged) / len(judged)
    paraphrased = sum("paraphrase" in candidate for candidate, _ in judged) / len(judged)
    missed = sum(_triple(g) not in {_triple(c) for c in row["triples"]} for row in ROWS for g in row["gold"])
    assert 0.60 <= supported <= 0.65
    assert 0.35 <= paraphrased <= 0.45
    assert missed >= 10


def test_every_kind_of_error_is_planted_often_enough():
    counts = Counter(label["kind"] for row in ROWS for label in row["labels"] if label["kind"])
    assert set(counts) == set(KINDS)
    assert [kind for kind in KINDS if counts[kind] < 10] == []


def test_swapped_triples_are_gold_the_other_way_round():
    for row, c in _rejected("swap"):
        assert {"subject": c["object"], "predicate": c["predicate"], "object": c["subject"]} in row["gold"], c


@pytest.mark.parametrize("kind", ["relation", "entity", "negated"])
def test_confusions_use_what_the_text_mentions(kind: str):
    assert [
        c for row, c in _rejected(kind) if not (_mentioned(c["subject"], row) and _mentioned(c["object"], row))
    ] == []


def test_absent_triples_name_something_the_text_does_not():
    assert [c for row, c in _rejected("absent") if _mentioned(c["subject"], row) and _mentioned(c["object"], row)] == []


def test_only_the_schema_kind_breaks_the_schema(schema: Schema):
    names = {relation.name for relation in schema}
    typed = {(r.name, r.subject_type, r.object_type) for r in schema}
    for row in ROWS:
        for c, label in _judged(row):
            fits = (c["predicate"], c["subject_type"], c["object_type"]) in typed
            assert fits == (label["kind"] != "schema"), (row["id"], c)
            assert c["predicate"] in names or label["kind"] == "schema"


def test_the_schema_check_faults_no_supported_triple(schema: Schema):
    faults = [
        (row["id"], c, fault)
        for row in ROWS
        for c, label in _judged(row)
        if label["supported"] and (fault := schema.check(_triple(c), c["subject_type"], c["object_type"]))
    ]
    assert faults == []
