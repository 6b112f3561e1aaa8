"""What a data set holds: the counts of the paper's Table 1, lengths, relations, and how repetitive its texts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cacre.types import Example

_GRAM = 4


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths in characters: mean, median, 95th percentile and maximum; all 0 of nothing."""

    mean: float
    median: float
    p95: float
    max: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of one data set.

    Args:
        sentences: Texts ("#sentences" of Table 1).
        triples: Anchors, positives and negatives together ("#triples" of Table 1, which counts all three lists).
        relations: Distinct predicates of the anchors ("#relations" of Table 1).
        anchors: Anchors alone.
        hard: Further negatives.
        gold: Annotated triples.
        anchors_per_sentence: Mean over all texts.
        text_lengths: Of the texts.
        triple_lengths: Of the anchors, their three parts together.
        relation_counts: Anchors by predicate, commonest first.
        distinct_4grams: Distinct character 4-grams over all 4-grams of the texts, in [0, 1]; low means repetitive.
    """

    sentences: int
    triples: int
    relations: int
    anchors: int
    hard: int
    gold: int
    anchors_per_sentence: float
    text_lengths: Lengths
    triple_lengths: Lengths
    relation_counts: Mapping[str, int]
    distinct_4grams: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def compute_statistics(examples: Sequence[Example]) -> Statistics:
    """Count a data set; an empty one gives zeros."""
    anchors = [anchor for example in examples for anchor in example.anchors]
    counts = Counter(anchor.predicate for anchor in anchors)
    return Statistics(
        sentences=len(examples),
        triples=sum(len(e.anchors) + len(e.positives) + len(e.negatives) for e in examples),
        relations=len(counts),
        anchors=len(anchors),
        hard=sum(len(example.hard) for example in examples),
        gold=sum(len(example.gold or ()) for example in examples),
        anchors_per_sentence=len(anchors) / len(examples) if examples else 0.0,
        text_lengths=_lengths([len(example.text) for example in examples]),
        triple_lengths=_lengths([sum(map(len, anchor)) for anchor in anchors]),
        relation_counts=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        distinct_4grams=_distinct_grams([example.text for example in examples]),
    )


def _lengths(values: Sequence[int]) -> Lengths:
    if not values:
        return Lengths(0.0, 0.0, 0.0, 0)
    median, p95 = np.percentile(values, (50, 95))
    return Lengths(float(np.mean(values)), float(median), float(p95), max(values))


def _distinct_grams(texts: Sequence[str]) -> float:
    # Hashes instead of strings: a large corpus has tens of millions of 4-grams.
    distinct: set[int] = set()
    total = 0
    for text in texts:
        for start in range(len(text) - _GRAM + 1):
            distinct.add(hash(text[start : start + _GRAM]))
            total += 1
    return len(distinct) / total if total else 0.0
