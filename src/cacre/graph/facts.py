"""Verdict rows -> facts: each supported triple with its source, validated."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from cacre.data.fields import Label
from cacre.data.rows import Row, TextRow, VerdictItem, VerdictRow, parse_row
from cacre.data.triple_labels import labels_of_triples
from cacre.errors import DataError
from cacre.graph.metadata import OF_THE_JOB, ON_THE_EDGE, metadata_of
from cacre.graph.naming import fold_spaces
from cacre.graph.values import Source
from cacre.preprocessing.invisible import visible
from cacre.types import Span

RowLike = Row | VerdictRow | Mapping[str, Any]
"""A row as `read_rows` gives it, its content, or the JSON object."""

_QUALIFIERS = TypeAdapter(dict[Label, Label])


@dataclass(frozen=True, slots=True)
class Fact:
    """One supported triple as a row has it.

    Args:
        predicate: As it was said, without outer spaces.
        subject_type: Given by the row, if any.
        object_type: Given by the row, if any.
        qualifiers: Further slots, in the order of the row, the empty ones left out.
        source: The text, with subject and object as they were said.
        turned: Whether the verifier judged it with subject and object exchanged.
        origin: What of the row's further keys says where its text is from.
    """

    predicate: str
    subject_type: str | None
    object_type: str | None
    qualifiers: tuple[tuple[str, str], ...]
    source: Source
    turned: bool = False
    origin: str = ""


class Occurrence(NamedTuple):
    """What makes two readings of a text the same source: it was the same row, from the same place, and the evidence.

    A text that two sites print is two sources, also where rows have no ids; one that two LLMs read is one.
    """

    row: str | None
    origin: str
    text: str
    evidence: tuple[Span, ...]


def verdicts_of(row: RowLike) -> VerdictRow:
    """The validated verdicts of a row.

    Raises:
        DataError: It has none, or is no such row; with file and line where `row` knows them.
    """
    if isinstance(row, Row) and not isinstance(row.content, VerdictRow):
        try:
            return verdicts_of(row.raw)
        except DataError as error:
            raise row.error(error.reason, error.field) from error
    content = row.content if isinstance(row, Row) else row
    if isinstance(content, VerdictRow):
        return content
    if isinstance(content, TextRow):
        content = content.model_dump()
    _refuse_unjudged(content)
    parsed = parse_row(content, "verdicts")
    if not isinstance(parsed, VerdictRow):
        raise DataError(f"read as a {type(parsed).__name__}, but a VerdictRow is needed")
    return parsed


def facts_of(row: VerdictRow, text: str, left_out: Counter[str]) -> Iterator[tuple[int, Fact]]:
    """The supported triples of a row, with their places in it.

    Args:
        row: The row.
        text: Its text; the same object for all rows of one text saves memory.
        left_out: Where further keys that are too long are counted.

    Raises:
        DataError: Evidence lies outside of the text, qualifiers are not strings, or a further key is no JSON value.
    """
    supported = [(place, item) for place, item in enumerate(row.triples) if item.verdict == "supported"]
    if not supported:
        return
    metadata = metadata_of(row.model_extra, (), left_out, "")
    origin = metadata_of(row.model_extra, OF_THE_JOB, Counter(), "")
    for place, item in supported:
        fact = _fact(item, row.id, text, f"triples[{place}]")
        own = metadata_of(item.model_extra, ON_THE_EDGE, left_out, f"triples[{place}]")
        yield (
            place,
            replace(fact, origin=origin, source=replace(fact.source, row_metadata=metadata, triple_metadata=own)),
        )


def labelled_wrong(row: VerdictRow) -> frozenset[int]:
    """Places of the triples that a person, or whoever labelled the row, calls wrong, whatever the verdict.

    Args:
        row: The row, with the labels that it has brought along.

    Raises:
        DataError: A label is none, or `labels` is not as long as `triples`; with the field.
    """
    labelled = {**(row.model_extra or {}), "triples": [item.model_extra or {} for item in row.triples]}
    judgements = enumerate(labels_of_triples(labelled))
    return frozenset(place for place, said in judgements if said is not None and said.right is False)


def _fact(item: VerdictItem, row: str | None, text: str, field: str) -> Fact:
    for number, (start, end) in enumerate(item.evidence):
        if not 0 <= start <= end <= len(text):
            reason = f"[{start}, {end}] lies outside of the text, which has {len(text)} characters"
            raise DataError(f"{reason}: offsets are [start, end) in characters", field=f"{field}.evidence[{number}]")
    # The same names, predicates and types come again and again: they are held once.
    return Fact(
        sys.intern(item.predicate.strip()),
        _type(item.subject_type),
        _type(item.object_type),
        _qualifiers((item.model_extra or {}).get("qualifiers"), f"{field}.qualifiers"),
        Source(
            text,
            row,
            item.evidence,
            sys.intern(item.subject),
            sys.intern(item.object),
            item.text_score,
            item.pair_score,
            item.probability,
        ),
        item.judged_as is not None and item.judged_as.subject != visible(item.subject),
    )


def _type(label: str | None) -> str | None:
    return sys.intern(label.strip()) or None if label else None


def _qualifiers(value: object, field: str) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    try:
        slots = _QUALIFIERS.validate_python(value, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise DataError(f"must be an object of strings, got {value!r:.80}: {fault['msg']}", field=field) from error
    return tuple((sys.intern(name.strip()), part) for name, part in slots.items() if name.strip() and fold_spaces(part))


def _refuse_unjudged(content: object) -> None:
    triples = content.get("triples") if isinstance(content, Mapping) else None
    for place, item in enumerate(triples if isinstance(triples, list | tuple) else ()):
        if isinstance(item, Mapping) and "verdict" not in item:
            reason = "is missing: only what a text supports enters a graph; run `cacre filter` on these rows first"
            raise DataError(reason, field=f"triples[{place}].verdict")
