"""The domains of the corpus keep what its datasheet promises."""

import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from cacre.data import load_examples
from cacre.data.domains import load_domains
from cacre.data.guard import FalseNegativeGuard
from cacre.data.splits import find_leaks
from cacre.inference.decision import normalise_mention
from cacre.schema import load_schema, new_relations
from cacre.types import Triple

CORPUS = Path(__file__).parents[2] / "corpus"
SPLITS = ("train", "dev", "test")


@pytest.fixture(scope="module")
def domains():
    return {split: load_domains(CORPUS / "domains" / split) for split in SPLITS}


@pytest.fixture(scope="module")
def rows():
    return {
        split: [
            json.loads(line)
            for path in sorted((CORPUS / "domains" / split).glob("*/*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for split in SPLITS
    }


@pytest.fixture(scope="module")
def own(domains):
    """Further texts under the schemas of the domains that are not learned, by name of the domain."""
    held = [domain for split in ("dev", "test") for domain in domains[split]]
    return {d.name: (d, load_examples(CORPUS / f"domains/own/{d.name}.jsonl", schema=d.schema)) for d in held}


def judged():
    paths = sorted((CORPUS / "domains/judged").glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_domain_is_in_one_split_and_none_of_its_relations_is_learned(domains):
    names = [domain.name for split in SPLITS for domain in domains[split]]
    assert len(set(names)) == len(names)
    learned = load_schema("open")
    for domain in chain.from_iterable(domains.values()):
        assert domain.schema.name == domain.name
        assert new_relations(learned, domain.schema) == set(domain.schema.relations), domain.name
        said = {triple.predicate for example in domain.examples for triple in example.anchors}
        assert said == set(domain.schema.relations), domain.name


def test_names_of_anchors_occur_and_no_negative_follows_from_them(domains, own):
    held = [(domain, domain.examples) for domain in chain.from_iterable(domains.values())]
    for domain, examples in (*held, *own.values()):
        for example in examples:
            text = normalise_mention(example.text)
            missing = [a for a in example.anchors if any(normalise_mention(a[i]) not in text for i in (0, 2))]
            assert missing == [], example.id
            assert [domain.schema.check(anchor) for anchor in example.anchors if domain.schema.check(anchor)] == []
            guard = FalseNegativeGuard(domain.schema, example.anchors)
            wrong = (*example.negatives, *example.hard)
            assert [t for t in wrong if guard.reject_reason(t) in ("known", "inverse", "symmetric")] == [], example.id


def test_no_row_twice_and_none_of_the_other_corpus(rows):
    ids = Counter(row["id"] for row in chain.from_iterable(rows.values()))
    texts = Counter(row["text"] for row in chain.from_iterable(rows.values()))
    assert max(ids.values()) == max(texts.values()) == 1
    other = {
        example.text for example in load_examples([CORPUS / p for p in ("seed", "train", "more", "test/lists.jsonl")])
    }
    assert not other & set(texts)


def test_no_pair_of_entities_is_learned_and_measured(domains):
    learned, *held = ([e for domain in domains[split] for e in domain.examples] for split in SPLITS)
    held.append(load_examples(CORPUS / "test/lists.jsonl"))
    assert [find_leaks(learned, part) for part in held] == [[], [], []]


def test_texts_of_ones_own_share_nothing_with_what_is_measured(own, domains, rows):
    learned = [example for domain in domains["train"] for example in domain.examples]
    texts = {row["text"] for row in chain.from_iterable(rows.values())}
    found = [example.text for _, examples in own.values() for example in examples]
    assert len(set(found)) == len(found)
    assert not texts & set(found)
    for domain, examples in own.values():
        assert find_leaks(examples, domain.examples) == find_leaks(learned, examples) == []
        assert {anchor.predicate for example in examples for anchor in example.anchors} == set(domain.schema.relations)
        assert len(examples) == 200


def test_judged_candidates_stand_beside_their_lists(rows):
    texts = {row["id"]: row for row in rows["test"]}
    found = judged()
    assert len(found) == len({row["id"] for row in found}) > 300
    for row in found:
        lists = texts[row["id"]]
        assert lists["text"] == row["text"]
        wrong = {tuple(n[:3]) for n in (*lists["negatives"], *lists["hard"])}
        for triple in row["triples"]:
            (first, kind), (second, other) = triple["judges"]
            assert triple["supported"] == (first if first == second else None)
            assert ("kind" in triple) == (first == second == 0 and kind == other)
            said = (triple["subject"], triple["predicate"], triple["object"])
            assert not (triple["supported"] == 1 and said in wrong), "what both judges support is no negative"
            assert triple["supported"] != 1 or Triple(*said) in {Triple(*t) for t in row["gold"]}


def test_the_datasheet_counts_them(domains, rows, own):
    sheet = (CORPUS / "README.md").read_text(encoding="utf-8")
    counts = {
        "domains": [len(domains[split]) for split in SPLITS],
        "relations in them": [sum(len(domain.schema) for domain in domains[split]) for split in SPLITS],
        "texts in them": [len(rows[split]) for split in SPLITS],
        "anchors in them": [sum(len(row["anchors"]) for row in rows[split]) for split in SPLITS],
        "negatives in them": [sum(len(row["negatives"]) + len(row["hard"]) for row in rows[split]) for split in SPLITS],
        "texts in them without any anchor": [sum(not row["anchors"] for row in rows[split]) for split in SPLITS],
    }
    for name, expected in counts.items():
        line = re.search(rf"^\| {name} \| (.*) \|$", sheet, re.MULTILINE)
        assert line is not None, name
        assert [int(cell) for cell in line[1].split("|")] == expected, name
    labels = Counter(triple["supported"] for row in judged() for triple in row["triples"])
    assert f"{sum(labels.values())} candidates, {labels[1]} of them supported, {labels[0]} not" in sheet
    more = [example for _, examples in own.values() for example in examples]
    anchors, wrong = sum(len(e.anchors) for e in more), sum(len(e.negatives) + len(e.hard) for e in more)
    assert f"{len(more)} further texts ({anchors} anchors, {wrong} negatives)" in sheet
