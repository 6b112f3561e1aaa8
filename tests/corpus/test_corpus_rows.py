"""The corpus keeps what its datasheet promises."""

import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from cacre.data import load_examples
from cacre.data.guard import FalseNegativeGuard
from cacre.data.splits import find_leaks
from cacre.inference.decision import normalise_mention
from cacre.schema import load_schema
from cacre.types import Triple

CORPUS = Path(__file__).parents[2] / "corpus"
PARTS = {"seed": "seed", "train": "train", "more": "more", "test": "test/lists.jsonl"}
TRAINING = ("seed", "train", "more")


def rows_of(part):
    path = CORPUS / PARTS[part]
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def rows():
    return {part: rows_of(part) for part in PARTS}


def judged():
    path = CORPUS / "test/candidates.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_there_is_enough(rows):
    assert len(rows["seed"]) + len(rows["train"]) + len(rows["more"]) >= 23_000
    assert len(rows["test"]) >= 600
    texts = Counter(
        name for part in TRAINING for row in rows[part] for name in {anchor[1] for anchor in row["anchors"]}
    )
    schema = load_schema("open")
    assert {name for name in (relation.name for relation in schema) if texts[name] < 40} == set()


def test_the_datasheet_counts_the_corpus(rows):
    sheet = (CORPUS / "README.md").read_text(encoding="utf-8")
    columns = []
    for part, found in rows.items():
        path = CORPUS / PARTS[part]
        kinds = Counter(chain.from_iterable((*row["kinds"], *(item[3] for item in row["hard"])) for row in found))
        columns.append(
            {
                "files": len(list(path.glob("*.jsonl"))) if path.is_dir() else 1,
                "texts": len(found),
                "anchors": sum(len(row["anchors"]) for row in found),
                "aligned negatives": sum(len(row["negatives"]) for row in found),
                "further negatives": sum(len(row["hard"]) for row in found),
                "relations among the anchors": len({anchor[1] for row in found for anchor in row["anchors"]}),
                "texts without any supported triple": sum(not row["anchors"] for row in found),
                **{f"`{kind}`": count for kind, count in kinds.items()},
            }
        )
    for name in columns[0]:
        line = re.search(rf"^\| {name} \|(?:[^|\d]*\|)?(.*) \|$", sheet, re.MULTILINE)
        assert line is not None, name
        assert [int(cell) for cell in line[1].split("|")] == [column[name] for column in columns], name


def extracted():
    path = CORPUS / "extracted/candidates.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_datasheet_counts_extracted_candidates():
    sheet = (CORPUS / "README.md").read_text(encoding="utf-8")
    found = Counter((t["extractor"], t["by"], t["supported"]) for row in extracted() for t in row["triples"])
    labels = (("annotation", 1), ("judge", 1), ("judge", 0))
    for name in ("eager", "hasty"):
        assert f"| `{name}` | {' | '.join(str(found[name, *label]) for label in labels)} |" in sheet
    assert set(found) == {(name, *label) for name in ("eager", "hasty") for label in labels}


def test_extracted_candidates_are_of_training_texts_and_agree_with_their_annotation(rows):
    schema, known = load_schema("open"), {row["id"]: row for part in TRAINING for row in rows[part]}
    for row in extracted():
        lists = known[row["id"]]
        assert lists["text"] == row["text"]
        guard = FalseNegativeGuard(schema, [Triple(*t) for t in (*lists["anchors"], *lists["positives"])])
        triples = [Triple(t["subject"], t["predicate"], t["object"]) for t in row["triples"]]
        assert len(set(triples)) == len(triples)
        for triple, candidate in zip(triples, row["triples"], strict=True):
            follows = guard.reject_reason(triple) not in (None, "co_holding")
            assert follows == (candidate["by"] == "annotation"), (row["id"], triple)


def test_no_row_twice(rows):
    everything = list(chain(*rows.values()))
    assert [k for k, n in Counter(row["id"] for row in everything).items() if n > 1] == []
    assert [k for k, n in Counter(row["text"] for row in everything).items() if n > 1] == []


@pytest.mark.parametrize("part", PARTS)
def test_names_of_anchors_occur_in_their_texts(rows, part):
    for row in rows[part]:
        text = normalise_mention(row["text"])
        assert [a for a in row["anchors"] if any(normalise_mention(a[i]) not in text for i in (0, 2))] == [], row["id"]


@pytest.mark.parametrize("part", ["train", "more", "test"])
def test_no_negative_follows_from_the_anchors(rows, part):
    schema = load_schema("open")
    for row in rows[part]:
        guard = FalseNegativeGuard(schema, [Triple(*anchor) for anchor in row["anchors"]])
        wrong = [Triple(*negative[:3]) for negative in (*row["negatives"], *row["hard"])]
        assert [t for t in wrong if guard.reject_reason(t) in ("known", "inverse", "symmetric")] == [], row["id"]


def test_no_pair_of_entities_is_in_training_and_test():
    schema = load_schema("open")
    training = load_examples([CORPUS / part for part in TRAINING], schema=schema)
    assert find_leaks(training, load_examples(CORPUS / "test/lists.jsonl", schema=schema)) == []


def test_judged_candidates_stand_beside_their_lists(rows):
    texts = {row["id"]: row["text"] for row in rows["test"]}
    for row in judged():
        assert texts[row["id"]] == row["text"]
        assert len({(t["subject"], t["predicate"], t["object"]) for t in row["triples"]}) == len(row["triples"])
        for triple in row["triples"]:
            (first, kind), (second, other) = triple["judges"]
            assert triple["supported"] == (first if first == second else None)
            assert ("kind" in triple) == (first == second == 0 and kind == other)


def test_what_both_judges_support_is_no_negative(rows):
    supported = {
        (row["id"], t["subject"], t["predicate"], t["object"])
        for row in judged()
        for t in row["triples"]
        if t["supported"] == 1
    }
    wrong = {(row["id"], *n[:3]) for row in rows["test"] for n in (*row["negatives"], *row["hard"])}
    assert supported & wrong == set()
