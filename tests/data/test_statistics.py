"""Counts of a small set, by hand."""

import json

import pytest

from cacre.data.statistics import compute_statistics
from cacre.types import Example, Triple

FILM = (Triple("长夜", "导演", "李默"), Triple("长夜", "编剧", "苏禾"))
PLACE = (Triple("林溪县", "位于", "青川市"),)


def test_counts_lengths_and_relations():
    statistics = compute_statistics(
        [
            Example("长夜由李默导。", FILM, FILM, FILM, hard=FILM[:1]),
            Example("长夜由苏禾写，很长。", FILM[:1], FILM[:1], FILM[:1]),
            Example("林溪县", PLACE, PLACE, PLACE, gold=PLACE),
        ]
    )
    assert (statistics.sentences, statistics.triples, statistics.relations) == (3, 12, 3)
    assert (statistics.anchors, statistics.hard, statistics.gold) == (4, 1, 1)
    assert statistics.relation_counts == {"导演": 2, "位于": 1, "编剧": 1}
    assert next(iter(statistics.relation_counts)) == "导演"
    assert statistics.text_lengths.max == 10
    assert statistics.text_lengths.median == 7
    assert statistics.text_lengths.mean == pytest.approx(20 / 3)
    assert statistics.triple_lengths.max == 8
    assert statistics.anchors_per_sentence == pytest.approx(4 / 3)
    assert statistics.distinct_4grams == 1.0
    assert json.loads(json.dumps(statistics.to_dict()))["text_lengths"]["max"] == 10


def test_repetition_shows():
    text = "甲乙丙丁戊"
    assert compute_statistics([Example(text, (), (), ())] * 4).distinct_4grams == pytest.approx(2 / 8)


def test_nothing_gives_zeros():
    statistics = compute_statistics([])
    assert (statistics.sentences, statistics.anchors_per_sentence, statistics.distinct_4grams) == (0, 0.0, 0.0)
    assert statistics.text_lengths.p95 == 0.0
