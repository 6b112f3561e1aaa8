"""Which relation of a schema a predicate names, and in which direction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cacre.data.guard import ALIAS_RELATIONS
from cacre.graph.naming import entity_key
from cacre.schema import RelationType, Schema
from cacre.schema.checks import may_stand

NAME_RELATIONS = ALIAS_RELATIONS | {"英文名", "外文名", "中文名", "本名", "原名", "笔名", "艺名"}
"""Relations whose object is another name of the subject."""
VALUE_TYPES = frozenset(
    ["date", "time", "datetime", "year", "number", "int", "float", "quantity", "text", "string", "str", "bool", "url"]
) | {"日期", "时间", "年份", "数值", "数字", "数量", "文本"}
"""Types, in lower case, of things that are written down rather than named."""
_Table = dict[str, tuple[RelationType, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """One relation that a predicate can mean.

    Args:
        relation: The relation.
        turned: Whether subject and object change places.
    """

    relation: RelationType
    turned: bool = False


class Predicates:
    """Readings of predicates under a schema.

    Args:
        schema: The relations.
        turn: Whether phrases that are read from object to subject are turned.
    """

    def __init__(self, schema: Schema, turn: bool) -> None:
        self._schema = schema
        self._forward, backward, self._siblings = _tables(schema)
        self._backward = backward if turn else {}
        self._order = {name: place for place, name in enumerate(schema.relations)}
        self._turn = turn
        self._known: dict[tuple[str, str | None, str | None, bool], tuple[Reading, ...]] = {}

    def readings(
        self, predicate: str, subject_type: str | None, object_type: str | None, turned: bool = False
    ) -> tuple[Reading, ...]:
        """The relations that a predicate can mean; none where the schema has no such word.

        A name stands for its relation. A synonym of several relations has several readings, less those that the
        types contradict. Else it is looked up among the phrases that are read from object to subject. Relations of the
        same types that share such a phrase stand for each other: where 儿子 may mean the father or the mother, so may
        长子, which the schema happens to list under one of them.

        Args:
            predicate: As it was said.
            subject_type: Given by the row, if any.
            object_type: Given by the row, if any.
            turned: Whether the verifier read it from object to subject: that reading then comes first.
        """
        question = (predicate, subject_type, object_type, turned)
        if question not in self._known:
            self._known[question] = self._read(*question)
        return self._known[question]

    def canonical(self, relation: RelationType) -> Reading:
        """The relation, or its inverse with the places changed where the schema has that first."""
        inverse = relation.inverse_relation
        if not self._turn or inverse is None or self._order[inverse] >= self._order[relation.name]:
            return Reading(relation)
        return Reading(self._schema[inverse], turned=True)

    def unordered(self, relation: RelationType) -> bool:
        """Whether an edge of the relation says the same in both directions and is kept in one."""
        return self._turn and (relation.symmetric or relation.inverse_relation == relation.name)

    def _read(
        self, predicate: str, subject_type: str | None, object_type: str | None, turned: bool
    ) -> tuple[Reading, ...]:
        if turned and not self._turn:
            return ()
        if predicate in self._schema:
            return (Reading(self._schema[predicate]),)
        word = entity_key(predicate)
        forward = tuple(Reading(relation) for relation in self._forward.get(word, ()))
        backward = tuple(
            Reading(relation, turned=True)
            for relation in _each_once(s for r in self._backward.get(word, ()) for s in self._siblings[r.name])
            if predicate not in NAME_RELATIONS or relation.name in NAME_RELATIONS
        )
        for readings in (backward, forward) if turned else (forward, backward):
            fitting = tuple(reading for reading in readings if _fits(reading, subject_type, object_type))
            if fitting:
                return fitting
        return forward


def is_value_type(kind: str) -> bool:
    """Whether all of the types `A/B` are types of values."""
    return bool(kind.strip()) and all(part.strip().lower() in VALUE_TYPES for part in kind.split("/"))


def _fits(reading: Reading, subject_type: str | None, object_type: str | None) -> bool:
    relation = reading.relation
    ends = (subject_type, object_type) if not reading.turned else (object_type, subject_type)
    return may_stand(ends[0], relation.subject_type) and may_stand(ends[1], relation.object_type)


@lru_cache(maxsize=8)
def _tables(schema: Schema) -> tuple[_Table, _Table, _Table]:
    """Relations by name or synonym, by phrases read backwards, and siblings by name."""
    forward = _by_word((word, relation) for relation in schema for word in (relation.name, *relation.synonyms))
    backward = _by_word((word, relation) for relation in schema for word in relation.inverses)
    return forward, backward, _siblings(backward)


def _by_word(words: Iterable[tuple[str, RelationType]]) -> _Table:
    table: defaultdict[str, list[RelationType]] = defaultdict(list)
    for word, relation in words:
        table[entity_key(word)].append(relation)
    return {word: _each_once(relations) for word, relations in table.items()}


def _siblings(backward: _Table) -> _Table:
    """Each relation with those of the same types that share one of its inverse phrases, itself first."""
    table: defaultdict[str, list[RelationType]] = defaultdict(list)
    for relations in backward.values():
        for relation in relations:
            ends = (relation.subject_type, relation.object_type)
            table[relation.name] += [relation, *(r for r in relations if (r.subject_type, r.object_type) == ends)]
    return {name: _each_once(relations) for name, relations in table.items()}


def _each_once(relations: Iterable[RelationType]) -> tuple[RelationType, ...]:
    return tuple({relation.name: relation for relation in relations}.values())
