"""DuIE 2.0 rows: read with their slots, written exactly as DuIE has them, flattened to triples by "@value".

Reference: Li et al. 2019, "DuIE: A Large-Scale Chinese Dataset for Information Extraction".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cacre.data.fields import DEFAULT_LIMITS, Limits
from cacre.data.jsonl import read_rows
from cacre.data.rows import DuieRow, Row, SpoItem, content_of
from cacre.errors import SchemaError
from cacre.schema import Schema
from cacre.types import Triple

_VALUE = "@value"


@dataclass(frozen=True, slots=True)
class DuieFact:
    """One entry of a `spo_list`.

    Args:
        triple: Subject, predicate and the object's "@value".
        subject_type: Type of the subject, None where the row gives none.
        object_type: Type of the "@value", None where the row gives none.
        slots: Further parts of a complex object, such as `{"inWork": ...}`.
        slot_types: Types of the slots; may name slots that this object leaves out.
        extra: Further keys of the entry.
    """

    triple: Triple
    subject_type: str | None = None
    object_type: str | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    slot_types: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The entry as DuIE writes it: object and object type are dicts with "@value", also when there is no slot."""
        entry: dict[str, Any] = {
            "predicate": self.triple.predicate,
            "subject": self.triple.subject,
            "object": {_VALUE: self.triple.object, **self.slots},
            **self.extra,
        }
        if self.subject_type is not None:
            entry["subject_type"] = self.subject_type
        if self.object_type is not None:
            entry["object_type"] = {_VALUE: self.object_type, **self.slot_types}
        return entry


@dataclass(frozen=True, slots=True)
class DuieText:
    """A text with its annotation.

    Args:
        text: The text.
        facts: Its entries.
        id: Name of the row, if it has one.
        extra: Further keys of the row.
    """

    text: str
    facts: tuple[DuieFact, ...]
    id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def triples(self) -> tuple[Triple, ...]:
        """The flat triples, each once, in order."""
        return flatten(self.facts)

    def to_dict(self) -> dict[str, Any]:
        """The row as DuIE writes it."""
        name = {} if self.id is None else {"id": self.id}
        return {**name, "text": self.text, "spo_list": [fact.to_dict() for fact in self.facts], **self.extra}


def flatten(facts: Iterable[DuieFact]) -> tuple[Triple, ...]:
    """Flat triples by "@value", each once (two entries can differ in their slots only), in order."""
    return tuple(dict.fromkeys(fact.triple for fact in facts))


def read_duie(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[DuieText]:
    """Read a DuIE file, in its own form or flat (`triples` with string objects).

    Raises:
        DataError: The file or a row cannot be used.
    """
    return map(to_duie, read_rows(path, "duie", limits=limits))


def to_duie(row: Row) -> DuieText:
    """Make a DuIE text of a row that was read as `duie`.

    Raises:
        DataError: The row was read as another kind.
    """
    content = content_of(row, DuieRow)
    gold = {"gold": row.raw["gold"]} if "gold" in row.raw else {}
    extra = {**(content.model_extra or {}), **gold}
    return DuieText(content.text, tuple(map(fact_of, content.spo_list)), content.id, extra)


def facts_of(triples: Iterable[Triple], schema: Schema) -> tuple[DuieFact, ...]:
    """Entries for flat triples, with the types that the schema gives.

    Raises:
        SchemaError: A predicate is not in the schema.
    """
    facts = []
    for triple in triples:
        relation = schema.relations.get(triple.predicate)
        if relation is None:
            raise SchemaError(f"relation {triple.predicate!r} is not in the schema: DuIE rows need its types")
        facts.append(DuieFact(triple, relation.subject_type, relation.object_type))
    return tuple(facts)


def fact_of(item: SpoItem) -> DuieFact:
    """An entry as it was read."""
    types = dict(item.object_type or {})
    object_type = types.pop(_VALUE, None)
    slots = {name: value for name, value in item.object.items() if name != _VALUE}
    return DuieFact(item.triple, item.subject_type, object_type, slots, types, dict(item.model_extra or {}))
