"""How a tool's names of relations and types become those of a schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from cacre.errors import ConfigError
from cacre.inference import OnnxVerifier, Verifier
from cacre.inference.decision import normalise_mention
from cacre.schema import Schema
from cacre.types import Candidate, Triple

BACKWARDS = "^"
"""Before a predicate: it is read from object to subject, as in a path of SPARQL."""


@dataclass(frozen=True)
class Names:
    """What a tool's relations and types mean.

    A relation that `predicates` lacks is looked up in the schema: among names and synonyms, then among phrases that
    are read from object to subject, regardless of width, case, spaces, `_` and `-`. What is found nowhere stays as it
    is, so that the verifier says `predicate not in schema`, or judges it if its schema checks are off.

    Args:
        predicates: The tool's relation -> predicate of the schema; `^导演` says that the tool has it the other way
            round, from the person to the film.
        types: The tool's label of a node -> type of the schema.
        schema: Where to look relations up; None takes the verifier's, if it shows one.

    Raises:
        ConfigError: A predicate is empty.
    """

    predicates: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    schema: Schema | None = None

    def __post_init__(self) -> None:
        for relation, predicate in self.predicates.items():
            if not predicate.removeprefix(BACKWARDS).strip():
                raise ConfigError(
                    f"predicates[{relation!r}] is {predicate!r}: name a predicate, or leave the entry out"
                )

    def candidate(self, said: Triple, subject_type: str | None = None, object_type: str | None = None) -> Candidate:
        """What is judged for a relation of the tool.

        Args:
            said: Name of the subject, the tool's relation, name of the object.
            subject_type: The tool's label of the subject, if it has one.
            object_type: The tool's label of the object, if it has one.
        """
        predicate = self._predicate(said.predicate)
        ends = [(said.subject, self._type(subject_type)), (said.object, self._type(object_type))]
        if predicate.startswith(BACKWARDS):
            ends.reverse()
        (subject, subject_kind), (object_, object_kind) = ends
        return Candidate(Triple(subject, predicate.removeprefix(BACKWARDS), object_), subject_kind, object_kind)

    def knows(self, relation: str) -> bool:
        """Whether the mapping or the schema has the relation."""
        return relation in self.predicates or self._in_schema(relation) is not None

    def _predicate(self, relation: str) -> str:
        mapped = self.predicates.get(relation)
        return mapped if mapped is not None else self._in_schema(relation) or relation

    def _in_schema(self, relation: str) -> str | None:
        return None if self.schema is None else _phrases(self.schema).get(_folded(relation))

    def _type(self, label: str | None) -> str | None:
        # An empty label is no type; the schema would read it as one that it has never heard of, to the same effect.
        return self.types.get(label, label) if label else None


def names_for(verifier: Verifier, names: Names | None) -> Names:
    """The names, with the verifier's schema where they have none and it shows one."""
    names = names or Names()
    if names.schema is not None or not isinstance(verifier, OnnxVerifier):
        return names
    return replace(names, schema=verifier.rules.schema or verifier.schema)


def first_said(text: str, names: Iterable[str]) -> str:
    """The first of several names of one thing that the text contains; the very first if it contains none."""
    candidates = list(names)
    folded = normalise_mention(text)
    found = (name for name in candidates if (needle := normalise_mention(name)) and needle in folded)
    return next(found, candidates[0])


def _folded(relation: str) -> str:
    return normalise_mention(relation).replace("_", "").replace("-", "")


@lru_cache(maxsize=8)
def _phrases(schema: Schema) -> dict[str, str]:
    """Folded phrase -> phrase of the schema, marked where it is read backwards."""
    table: dict[str, str] = {}
    backwards: dict[str, set[str]] = {}
    for relation in schema:
        for phrase in relation.inverses:
            backwards.setdefault(_folded(phrase), set()).add(relation.name)
    # A phrase that several relations are read backwards by (儿子: of a father, of a mother) stands for none of them.
    table.update((phrase, f"{BACKWARDS}{min(found)}") for phrase, found in backwards.items() if len(found) == 1)
    table.update((_folded(synonym), synonym) for relation in schema for synonym in relation.synonyms)
    table.update((_folded(relation.name), relation.name) for relation in schema)
    return table
