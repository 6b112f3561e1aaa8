"""Facts -> statements: the predicate resolved and turned, the object told as an entity or a value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cacre.graph.facts import Fact
from cacre.graph.identity import TypeFamilies
from cacre.graph.predicates import NAME_RELATIONS, Predicates, Reading, is_value_type
from cacre.graph.values import Source
from cacre.schema import RelationType


@dataclass(frozen=True, slots=True)
class Mention:
    """A name as a text has it.

    Args:
        name: The name.
        kind: Type of what it names, or an empty string.
    """

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact under one reading of its predicate.

    Args:
        fact: The fact.
        subject: Its subject, under this reading.
        predicate: Name of the relation; the predicate as it was said where the schema lacks it.
        object: Its object, under this reading.
        is_value: Whether the object is a value.
        relation: The relation, None where the schema lacks it.
        turned: Whether subject and object have changed places.
    """

    fact: Fact
    subject: Mention
    predicate: str
    object: Mention
    is_value: bool
    relation: RelationType | None = None
    turned: bool = False

    @property
    def object_type(self) -> str:
        """Type of the object by the schema."""
        return self.relation.object_type if self.relation else ""

    @property
    def source(self) -> Source:
        """The source, with subject and object under this reading."""
        source = self.fact.source
        return replace(source, subject=source.object, object=source.subject) if self.turned else source

    def swapped(self, relation: RelationType | None) -> Statement:
        """The same, said by the inverse relation; by its own, where that says the same in both directions."""
        return replace(
            self,
            subject=self.object,
            object=self.subject,
            predicate=relation.name if relation else self.predicate,
            relation=relation,
            turned=not self.turned,
        )


class StatementReader:
    """Reads facts.

    Args:
        predicates: What predicates mean.
        families: What types agree.
    """

    def __init__(self, predicates: Predicates, families: TypeFamilies) -> None:
        self._predicates = predicates
        self._families = families

    def read(self, fact: Fact) -> tuple[Statement, tuple[Statement, ...]]:
        """A fact as a statement, and as what else it may be.

        Returns:
            The statement; it stays as it was said where the predicate has several readings. And those readings,
            empty where there is but one: 配偶 is 丈夫 or 妻子.
        """
        readings = self._predicates.readings(fact.predicate, fact.subject_type, fact.object_type, fact.turned)
        if len(readings) == 1:
            return self._under(fact, readings[0]), ()
        plain = self._as_said(fact, readings)
        return plain, tuple(self._under(fact, reading) for reading in readings)

    def _under(self, fact: Fact, reading: Reading) -> Statement:
        relation = reading.relation
        names = (fact.source.subject, fact.source.object)
        given = (fact.subject_type, fact.object_type)
        if reading.turned:
            names, given = names[::-1], given[::-1]
        kind = self._families.narrower(given[1], relation.object_type)
        is_value = relation.name in NAME_RELATIONS or _is_value(given[1], relation.object_type)
        subject = Mention(names[0], self._families.narrower(given[0], relation.subject_type))
        statement = Statement(fact, subject, relation.name, Mention(names[1], kind), is_value, relation, reading.turned)
        canonical = self._predicates.canonical(relation)
        return statement.swapped(canonical.relation) if canonical.turned and not is_value else statement

    def _as_said(self, fact: Fact, readings: tuple[Reading, ...]) -> Statement:
        """The statement under no relation, with the types on which all readings agree."""
        ends = [(r.relation.subject_type, r.relation.object_type)[:: -1 if r.turned else 1] for r in readings]
        agreed = [kinds.pop() if len(kinds) == 1 else "" for kinds in map(set, zip(*ends, strict=True))] or ["", ""]
        subject = Mention(fact.source.subject, self._families.narrower(fact.subject_type, agreed[0]))
        object_ = Mention(fact.source.object, self._families.narrower(fact.object_type, agreed[1]))
        is_value = fact.predicate in NAME_RELATIONS or _is_value(fact.object_type, agreed[1])
        return Statement(fact, subject, fact.predicate, object_, is_value)


def _is_value(given: str | None, expected: str) -> bool:
    """By the type that the schema expects; where that is mixed (or unknown), by the one that the row gives."""
    mixed = not expected or any(map(is_value_type, expected.split("/")))
    return is_value_type(expected) or (mixed and given is not None and is_value_type(given))
