"""An extractor's wrong candidates as negatives: errors as they come, beside those that somebody thought of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cacre.data.conversion import to_candidates
from cacre.data.fields import DEFAULT_LIMITS, Limits
from cacre.data.guard import FalseNegativeGuard
from cacre.data.jsonl import read_rows
from cacre.data.normalisation import normalise_triple
from cacre.data.rows import Row
from cacre.data.triple_labels import labels_of_triples
from cacre.errors import DataError
from cacre.schema import Schema
from cacre.types import Candidate, Example, Triple

Extracted = Mapping[str, Sequence[Triple]]
"""Candidates by text, best first."""


def load_extracted(paths: Iterable[str | Path], *, limits: Limits = DEFAULT_LIMITS) -> dict[str, tuple[Triple, ...]]:
    """Read candidate rows; of one text in several rows all candidates count, save those that are called right in any.

    Args:
        paths: Files of candidate rows, such as `cacre extract` writes. Where candidates have a `score`, the best come
            first; what a label of one row calls right or leaves open, or its `gold` has, is left out of all rows.
        limits: What a row may be at most.

    Raises:
        DataError: A file cannot be read or a row cannot be used.
    """
    found: dict[str, list[Candidate]] = {}
    right: dict[str, set[Triple]] = {}
    for path in paths:
        for row in read_rows(path, "candidates", limits=limits):
            rows = to_candidates(row)
            known = (*(rows.gold or ()), *_not_wrong(row, rows.candidates))
            right.setdefault(rows.text, set()).update(map(normalise_triple, known))
            found.setdefault(rows.text, []).extend(rows.candidates)
    return {
        text: tuple(
            dict.fromkeys(
                c.triple
                for c in sorted(candidates, key=_score, reverse=True)
                if normalise_triple(c.triple) not in right[text]
            )
        )
        for text, candidates in found.items()
    }


def with_extracted(examples: Iterable[Example], extracted: Extracted, schema: Schema, *, most: int) -> list[Example]:
    """Add to `hard` of each example the candidates of its text that nothing known of the text speaks for.

    That calls wrong whatever the annotation lacks: it is for texts that are annotated completely.

    Args:
        examples: Texts and lists.
        extracted: Candidates by text; of texts that are not among the examples they are left alone.
        schema: Tells what follows from what is known.
        most: Most candidates to add to one example.

    Raises:
        DataError: There are candidates, but of none of these texts.
    """
    examples = list(examples)
    if extracted and not any(example.text in extracted for example in examples):
        raise DataError(
            f"the extracted candidates are of {len(extracted)} texts, and none of them is a training text: extract "
            "from the texts of DATA"
        )
    return [_extended(example, extracted.get(example.text, ()), schema, most) for example in examples]


def _extended(example: Example, candidates: Sequence[Triple], schema: Schema, most: int) -> Example:
    if not candidates:
        return example
    guard = FalseNegativeGuard(schema, (*example.anchors, *example.positives, *(example.gold or ())))
    there = set(map(normalise_triple, (*example.negatives, *example.hard)))
    # The annotation is complete: where it has 作词 alone, 作曲 is wrong, however often both hold.
    fair = (None, "co_holding")
    wrong = [t for t in candidates if normalise_triple(t) not in there and guard.reject_reason(t) in fair]
    return replace(example, hard=(*example.hard, *wrong[:most]))


def _not_wrong(row: Row, candidates: Sequence[Candidate]) -> list[Triple]:
    """Those that have a label other than 0; without one, a candidate may be wrong."""
    try:
        labels = labels_of_triples(row.raw)
    except DataError as error:
        raise row.error(error.reason, error.field) from error
    judged = zip(candidates, labels, strict=True)
    return [candidate.triple for candidate, label in judged if label is not None and label.right is not False]


def _score(candidate: Candidate) -> float:
    score = candidate.extra.get("score")
    return float(score) if isinstance(score, int | float) else 0.0
