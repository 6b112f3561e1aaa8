"""A set of relations: lookup, rewriting of triples, and checks."""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cacre.errors import SchemaError
from cacre.files import atomic_writer
from cacre.schema.checks import NOT_IN_SCHEMA, SAME_NAME, TYPE_VIOLATION, fault_of, same_name, sharing
from cacre.schema.relation import Reading, RelationType, parse_entry
from cacre.simplified import simplify
from cacre.types import Triple


@dataclass(frozen=True)
class Schema:
    """The relations that may be extracted. Make one with `Schema.of`, `Schema.from_json` or `load_schema`.

    Iterating gives the relations in their order; `schema[name]` and `in` go by exact name, `resolve` also by synonym.

    Args:
        name: Name of the schema.
        relations: Name -> relation, in the schema's order.
    """

    name: str
    relations: Mapping[str, RelationType]

    @classmethod
    def of(cls, name: str, relations: Iterable[RelationType]) -> Schema:
        """Make a schema of relations, each named once.

        Confusion and co-holding are mutual, so that saying them on one side is enough.

        Raises:
            SchemaError: No relation is given, a name comes twice, a relation names one that the schema lacks, or an
                inverse relation does not point back.
        """
        table: dict[str, RelationType] = {}
        for relation in relations:
            if relation.name in table:
                raise SchemaError(f"schema {name!r}: relation {relation.name!r} comes twice: merge the two entries")
            table[relation.name] = relation
        if not table:
            raise SchemaError(f"schema {name!r} has no relations: give at least one")
        _check_references(name, table)
        return cls(name, {key: _made_mutual(relation, table) for key, relation in table.items()})

    def __getitem__(self, name: str) -> RelationType:
        try:
            return self.relations[name]
        except KeyError:
            raise SchemaError(
                f"relation {name!r} is not in schema {self.name!r}; nearest names: {', '.join(self._nearest(name))}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self.relations

    def __iter__(self) -> Iterator[RelationType]:
        return iter(self.relations.values())

    def __len__(self) -> int:
        return len(self.relations)

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.relations)))

    def resolve(self, predicate: str) -> str | None:
        """Give the canonical name of a relation named by its name or by a synonym; 導演 and "导演 " are read as 导演.

        None where neither matches, or where several relations share the synonym (配偶 is 丈夫 and 妻子).
        """
        return predicate if predicate in self.relations else self._by_synonym.get(self._word(predicate))

    def readings(self, predicate: str) -> tuple[Reading, ...]:
        """The relations that a predicate can mean, in the schema's order; none where it has no such word.

        A name means its relation alone. Else it means those that have it among their synonyms, then those that have it
        among their inverses, turned: of a relation that has an inverse in the schema (老公, read backwards from 妻子)
        that one, as it is said.
        """
        return self._readings.get(self._word(predicate), ())

    def types(self) -> tuple[str, ...]:
        """All types of subjects, objects and slots, each once, in order of appearance."""
        return tuple(
            dict.fromkeys(
                kind
                for relation in self
                for kind in (relation.subject_type, relation.object_type, *relation.slots.values())
            )
        )

    def words_of(self, names: Collection[str]) -> frozenset[str]:
        """All predicates that name these relations and no other: names, synonyms, and phrases from object to subject.

        儿子 names 父亲 and 母亲, so that it is a word of both together and not of 父亲 alone.
        """
        ours, others = (
            {word for relation in self if (relation.name in names) is wanted for word in _words(relation)}
            for wanted in (True, False)
        )
        return frozenset(names) | (ours - others)

    def cues(self, predicate: str) -> tuple[str, ...]:
        """Words of running text that signal the predicate; the predicate itself where the schema lacks it."""
        name = self.resolve(predicate)
        return (predicate,) if name is None else self.relations[name].cues

    def paraphrase(self, triple: Triple) -> Triple | None:
        """Say a triple in other words, always the same ones.

        The first synonym with the entities in place, else the first inverse phrase with the entities swapped; a triple
        that uses a synonym already is given the canonical name. None where the predicate is not in the schema or its
        relation has no other words.
        """
        name = self.resolve(triple.predicate)
        if name is None:
            return None
        relation = self.relations[name]
        if self._word(triple.predicate) != name:
            return triple._replace(predicate=name)
        if relation.synonyms:
            return triple._replace(predicate=relation.synonyms[0])
        if relation.inverses:
            return Triple(triple.object, relation.inverses[0], triple.subject)
        return None

    def says_the_same(self, triple: Triple, other: Triple) -> bool:
        """Whether another triple only puts the schema's own words in the predicate's place: a synonym or an inverse."""
        name = self.resolve(triple.predicate)
        if name is None:
            return False
        if (other.subject, other.object) == (triple.subject, triple.object) and self.resolve(other.predicate) == name:
            return True
        swapped = (other.subject, other.object) == (triple.object, triple.subject)
        return swapped and self._word(other.predicate) in self.relations[name].inverses

    def inverse_triples(self, triple: Triple) -> tuple[Triple, ...]:
        """The triples of this schema that must hold when `triple` does, with subject and object swapped."""
        name = self.resolve(triple.predicate)
        if name is None:
            return ()
        relation = self.relations[name]
        reverse = name if relation.symmetric else relation.inverse_relation
        return () if reverse is None else (Triple(triple.object, reverse, triple.subject),)

    def check(self, triple: Triple, subject_type: str | None = None, object_type: str | None = None) -> str | None:
        """Say why a triple cannot be right whatever the text says.

        Args:
            triple: What was proposed; its predicate may be a synonym, or a phrase read from object to subject.
            subject_type: Type that the extractor gave the subject; None or an unheard-of type is accepted.
            object_type: Type that the extractor gave the object.

        Returns:
            `predicate not in schema`, `type or direction violates schema`, `subject and object are the same` (in a
            relation where they cannot be), or None where nothing speaks against it.
        """
        readings = self.readings(triple.predicate)
        if not readings:
            return NOT_IN_SCHEMA
        types = (subject_type, object_type)
        faults = [fault_of(r.relation, r.of(triple), *(types[::-1] if r.turned else types)) for r in readings]
        if not all(faults):
            return None
        return SAME_NAME if SAME_NAME in faults else TYPE_VIOLATION

    def is_told_by_two_mentions(self, triple: Triple) -> bool:
        """Whether subject and object have one name, which a text that says the triple has to write twice."""
        readings = self.readings(triple.predicate)
        return same_name(triple) and bool(readings) and all(sharing(r.relation) == "twice" for r in readings)

    def to_json(self) -> dict[str, Any]:
        """Give the schema in cacre's own format; `Schema.from_json` reads it back as an equal schema."""
        return {"name": self.name, "relations": [relation.to_json() for relation in self]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], origin: str = "schema") -> Schema:
        """Read cacre's own format, without `extends`.

        Args:
            value: `{"name": ..., "relations": [{"name", "subject_type", "object_type", ...}]}`.
            origin: File that it came from, for errors.

        Raises:
            SchemaError: A key is unknown or missing, a value is of the wrong type, or relations contradict each other.
        """
        entry = parse_entry(value, origin)
        if entry.extends is not None:
            raise SchemaError(f"{origin}: extends={entry.extends!r} is only resolved in files: use load_schema(path)")
        return cls.of(entry.name, (relation.relation() for relation in entry.relations))

    def save(self, path: str | Path) -> None:
        """Write `to_json` as UTF-8, one key a line, so that differences are readable.

        Raises:
            OSError: The folder cannot be written.
        """
        blocks = []
        for relation in self:
            lines = (f"   {_dump(key)}: {_dump(value)}" for key, value in relation.to_json().items())
            blocks.append("  {\n" + ",\n".join(lines) + "\n  }")
        with atomic_writer(path) as stream:
            stream.write(f'{{\n "name": {_dump(self.name)},\n "relations": [\n' + ",\n".join(blocks) + "\n ]\n}\n")

    def _word(self, predicate: str) -> str:
        """The schema's word that a predicate is but for outer space, width and script; itself if there is none."""
        return predicate if predicate in self._readings else self._folded.get(_folded(predicate), predicate)

    @cached_property
    def _folded(self) -> dict[str, str]:
        """Folded word -> word as the schema writes it; of words that fold alike the first."""
        return {_folded(word): word for word in reversed(self._readings)}

    @cached_property
    def _named(self) -> dict[str, tuple[RelationType, ...]]:
        """Name or synonym -> the relations it can mean; an exact name means that relation alone."""
        table: dict[str, tuple[RelationType, ...]] = {}
        for relation in self:
            for synonym in dict.fromkeys(relation.synonyms):
                table[synonym] = (*table.get(synonym, ()), relation)
        return {**table, **{relation.name: (relation,) for relation in self}}

    @cached_property
    def _readings(self) -> dict[str, tuple[Reading, ...]]:
        """Name, synonym or inverse -> how it can be read."""
        table = {phrase: tuple(map(Reading, found)) for phrase, found in self._named.items()}
        for relation in self:
            reverse = relation.name if relation.symmetric else relation.inverse_relation
            backward = Reading(relation, turned=True) if reverse is None else Reading(self.relations[reverse])
            for phrase in relation.inverses:
                if phrase not in self.relations:
                    table[phrase] = tuple(dict.fromkeys((*table.get(phrase, ()), backward)))
        return table

    @cached_property
    def _by_synonym(self) -> dict[str, str]:
        return {phrase: found[0].name for phrase, found in self._named.items() if len(found) == 1}

    def _nearest(self, name: str) -> list[str]:
        """Up to three names of relations that look like `name` or have a synonym that does."""
        close = difflib.get_close_matches(name, self._named, n=6, cutoff=0.3)
        names = list(dict.fromkeys(relation.name for phrase in close for relation in self._named[phrase]))
        return (names or list(self.relations))[:3]


def _folded(word: str) -> str:
    return simplify(unicodedata.normalize("NFKC", word)).strip()


def _words(relation: RelationType) -> tuple[str, ...]:
    return relation.name, *relation.synonyms, *relation.inverses


def _check_references(schema: str, table: Mapping[str, RelationType]) -> None:
    for relation in table.values():
        inverse = () if relation.inverse_relation is None else (relation.inverse_relation,)
        for key, names in (
            ("co_holds", relation.co_holds),
            ("near_misses", relation.near_misses),
            ("inverse_relation", inverse),
        ):
            for name in names:
                if name not in table:
                    raise SchemaError(
                        f"schema {schema!r}, relation {relation.name!r}: {key} names {name!r}, which the schema lacks: "
                        "add that relation or take the name out"
                    )
        for name in inverse:
            if table[name].inverse_relation != relation.name:
                raise SchemaError(
                    f"schema {schema!r}: {relation.name!r} has inverse_relation {name!r}, whose own is "
                    f"{table[name].inverse_relation!r}: let both name each other"
                )


def _made_mutual(relation: RelationType, table: Mapping[str, RelationType]) -> RelationType:
    """Add the relations that name this one, and take out the relation itself."""
    others = [other for other in table.values() if other.name != relation.name]
    near = [name for name in relation.near_misses if name != relation.name]
    near += [other.name for other in others if relation.name in other.near_misses]
    co_holds = relation.co_holds | {other.name for other in others if relation.name in other.co_holds}
    return replace(relation, near_misses=tuple(dict.fromkeys(near)), co_holds=co_holds - {relation.name})


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
