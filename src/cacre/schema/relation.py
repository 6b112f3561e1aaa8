"""One relation of a schema, with the words that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cacre.errors import SchemaError
from cacre.types import Triple

Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


@dataclass(frozen=True)
class RelationType:
    """A relation that may be extracted.

    `cues` are completed with the name and the synonyms, so that an evidence model never lacks the plainest signal; a
    name of one character is a cue too, since such a relation is said with nothing else.

    Args:
        name: Canonical name, as in triples.
        subject_type: Type of the subject; `A/B` means either.
        object_type: Type of the object (of `@value` where there are slots).
        synonyms: Other names, read in the same direction, best first.
        inverses: Phrases read from object to subject, best first (父亲 -> 儿子). A verb that is used both ways (执导)
            is a synonym and an inverse; only where subject and object are of different types.
        cues: Words of running text that signal the relation, without spaces.
        description: One sentence that fixes the direction.
        slots: Further parts of a complex object: name -> type.
        co_holds: Relations that can be true of the same subject and object.
        near_misses: Relations easily confused with this one: good hard negatives, unless they co-hold.
        inverse_relation: Relation of the schema that must hold in reverse.
        symmetric: Whether the relation itself must hold in reverse.
    """

    name: str
    subject_type: str
    object_type: str
    synonyms: tuple[str, ...] = ()
    inverses: tuple[str, ...] = ()
    cues: tuple[str, ...] = ()
    description: str = ""
    slots: Mapping[str, str] = field(default_factory=dict, hash=False)
    co_holds: frozenset[str] = frozenset()
    near_misses: tuple[str, ...] = ()
    inverse_relation: str | None = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "cues", tuple(dict.fromkeys((*self.cues, self.name, *self.synonyms))))

    def to_json(self) -> dict[str, Any]:
        """Give the JSON entry of cacre's own schema format; empty fields are left out."""
        entry: dict[str, Any] = {
            "name": self.name,
            "subject_type": self.subject_type,
            "object_type": self.object_type,
            "description": self.description,
            "synonyms": list(self.synonyms),
            "inverses": list(self.inverses),
            "cues": list(self.cues),
            "slots": dict(self.slots),
            "co_holds": sorted(self.co_holds),
            "near_misses": list(self.near_misses),
            "inverse_relation": self.inverse_relation,
            "symmetric": self.symmetric,
        }
        return {key: value for key, value in entry.items() if value}


@dataclass(frozen=True, slots=True)
class Reading:
    """One relation that a predicate can mean.

    Args:
        relation: The relation.
        turned: Whether the predicate is read from object to subject, so that these change places.
    """

    relation: RelationType
    turned: bool = False

    def of(self, triple: Triple) -> Triple:
        """The triple as it is read: with the name of the relation, subject and object in its direction."""
        subject, _, object_ = triple
        ends = (object_, subject) if self.turned else (subject, object_)
        return Triple(ends[0], self.relation.name, ends[1])


class RelationEntry(BaseModel):
    """A relation as it stands in a schema file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    subject_type: Name
    object_type: Name
    description: str = ""
    synonyms: tuple[Name, ...] = ()
    inverses: tuple[Name, ...] = ()
    cues: tuple[Name, ...] = ()
    slots: dict[Name, Name] = Field(default_factory=dict)
    co_holds: frozenset[Name] = frozenset()
    near_misses: tuple[Name, ...] = ()
    inverse_relation: Name | None = None
    symmetric: bool = False

    def relation(self) -> RelationType:
        """Make the value that the package works with."""
        return RelationType(**{key: getattr(self, key) for key in type(self).model_fields})


class SchemaEntry(BaseModel):
    """A schema file of cacre's own format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    extends: Name | None = None
    """Built-in schema whose relations come first; a relation of the same name replaces the built-in one."""
    relations: tuple[RelationEntry, ...]


def parse_entry(value: Mapping[str, Any], origin: str) -> SchemaEntry:
    """Validate cacre's own format.

    Raises:
        SchemaError: Names the file, the entry and the field of each fault.
    """
    try:
        return SchemaEntry.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(f"{_place(fault['loc'], value)}: {fault['msg']}" for fault in error.errors())
        raise SchemaError(
            f"{origin}: {faults}. A relation needs name, subject_type, object_type and may have description, synonyms, "
            "inverses, cues, slots, co_holds, near_misses, inverse_relation, symmetric"
        ) from error


def _place(location: tuple[int | str, ...], value: Mapping[str, Any]) -> str:
    """Write a pydantic location as `relations[3] (父亲).cues`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        if text == f"relations[{part}]":
            entry = value["relations"][part]
            text += f" ({entry['name']})" if isinstance(entry, dict) and entry.get("name") else ""
    return text or "schema"
