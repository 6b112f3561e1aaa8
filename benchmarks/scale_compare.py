"""Two outputs of verdict rows compared for `scale.py`, row by row, without holding them in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

SCORES = ("text_score", "pair_score", "probability")


@dataclass(slots=True)
class Comparison:
    """What differs.

    Args:
        rows: Rows of the first output.
        different: Rows that differ in anything but scores, or that only one has at this place.
        largest_difference: Of two scores of the same triple.
    """

    rows: int = 0
    different: int = 0
    largest_difference: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Count:
    """How often the expected ids are in an output.

    Args:
        once: Exactly once.
        lost: Not at all.
        twice: More than once.
        foreign: Ids that nobody expected.
    """

    once: int
    lost: int
    twice: int
    foreign: int


def sorted_parts(output: Path, dataset: str) -> list[Path]:
    """The part files of a dataset, in the order of the input."""
    return sorted((output / dataset).glob("part-*.jsonl"))


def compare(ours: Sequence[Path], theirs: Sequence[Path]) -> Comparison:
    """Compare the rows of files, in order."""
    found = Comparison()
    for mine, other in zip_longest(_rows(ours), _rows(theirs)):
        found.rows += mine is not None
        if mine is None or other is None:
            found.different += 1
            continue
        (mine, scores), (other, other_scores) = _without_scores(mine), _without_scores(other)
        if mine != other or len(scores) != len(other_scores):
            found.different += 1
            continue
        apart = [abs(a - b) for a, b in zip(scores, other_scores, strict=True)]
        found.largest_difference = max([found.largest_difference, *apart])
    return found


def count_ids(expected: Iterable[str], files: Sequence[Path]) -> Count:
    """Count ids in files; holds all of them."""
    found = Counter(row["id"] for row in _rows(files))
    wanted = set(expected)
    return Count(
        sum(found[each] == 1 for each in wanted),
        sum(found[each] == 0 for each in wanted),
        sum(found[each] > 1 for each in wanted),
        sum(each not in wanted for each in found),
    )


def ids_of(files: Sequence[Path]) -> list[str]:
    """The ids of the rows of files."""
    return [row["id"] for row in _rows(files)]


def _rows(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        with path.open("rb") as lines:
            yield from map(json.loads, lines)


def _without_scores(row: dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    triples = [{name: value for name, value in triple.items() if name not in SCORES} for triple in row["triples"]]
    scores = [triple[name] for triple in row["triples"] for name in SCORES if triple.get(name) is not None]
    return {**row, "triples": triples}, scores
