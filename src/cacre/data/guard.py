"""Keeping true facts out of the negatives: what a text is known to say, and all that follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from cacre.data.normalisation import normalise_predicate, normalise_triple
from cacre.schema import Schema
from cacre.types import Triple

ALIAS_RELATIONS = frozenset(["简称", "别名", "又名", "全称", "曾用名", "别称"])
"""Relations whose subject and object are two names of one thing."""

RejectReason = Literal["known", "symmetric", "inverse", "co_holding"]


@dataclass(frozen=True, slots=True)
class GuardReport:
    """How many negatives were made and how many the guard dropped; reports of several texts add up.

    Args:
        made: Negatives kept, by kind of corruption.
        dropped: Negatives refused, by reason.
    """

    made: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def drop_rate(self) -> float:
        """Share of the proposed negatives that were dropped, in [0, 1]; 0 if none was proposed."""
        dropped = sum(self.dropped.values())
        proposed = dropped + sum(self.made.values())
        return dropped / proposed if proposed else 0.0

    def __add__(self, other: GuardReport) -> GuardReport:
        return GuardReport(
            dict(Counter(self.made) + Counter(other.made)), dict(Counter(self.dropped) + Counter(other.dropped))
        )


class FalseNegativeGuard:
    """Says whether a triple must not be called wrong, given the triples known to be right.

    Names are compared without case, title marks and outer spaces, in either Chinese script; a predicate stands for
    every relation that has it as name or synonym, in either script and width.

    Args:
        schema: Inverses, symmetric relations and relations that hold together.
        known_triples: What the text is known to say: anchors, positives, gold.
    """

    def __init__(self, schema: Schema, known_triples: Iterable[Triple]) -> None:
        self._schema = schema
        self._names, self._backward_names = _tables(schema)
        self._known: set[Triple] = set()
        self._implied: set[Triple] = set()
        known = list(known_triples)
        self._aliases = _aliases(known)
        unsure = []
        for triple in known:
            readings = self._readings(triple)
            if len(readings) == 1:
                self._add(triple, readings)
            else:
                unsure.append((triple, readings))
        for triple, readings in unsure:
            # 配偶 is 丈夫 or 妻子; where the text says which, the other one stays a fair negative.
            if not readings & (self._known | self._implied):
                self._add(triple, readings)
        self._relations: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for triple in self._known | self._implied:
            self._relations[triple.subject, triple.object].add(triple.predicate)

    def reject_reason(self, triple: Triple) -> RejectReason | None:
        """Why a triple may be true, None if nothing known speaks for it.

        Returns:
            `known` (one of the known triples), `symmetric` (one of them turned round, in a relation that allows it),
            `inverse` (follows from one by the inverse relation), `co_holding` (a relation that often holds together
            with a known one between the same two), or None.
        """
        readings = self._readings(triple)
        if readings & self._known:
            return "known"
        if any(self._symmetric(r.predicate) and _turned(r, r.predicate) in self._known for r in readings):
            return "symmetric"
        inverses = (*self._certain_inverses(triple), *self._said_backwards(triple))
        backwards = {reading for inverse in inverses for reading in self._readings(inverse)}
        if readings & self._implied or backwards & self._known:
            return "inverse"
        if any(self._co_holding(reading) for reading in readings):
            return "co_holding"
        return None

    def _add(self, triple: Triple, readings: set[Triple]) -> None:
        self._known |= readings
        for inverse in self._certain_inverses(triple):
            self._implied |= self._readings(inverse)

    def _readings(self, triple: Triple) -> set[Triple]:
        plain = normalise_triple(triple)
        relations = self._names.get(plain.predicate, frozenset([plain.predicate]))
        if not relations & ALIAS_RELATIONS:
            # What holds for a firm holds for it under its short name.
            subject, object_ = (self._aliases.get(name, name) for name in (plain.subject, plain.object))
            plain = plain._replace(subject=subject, object=object_)
        return {plain._replace(predicate=relation) for relation in relations}

    def _certain_inverses(self, triple: Triple) -> list[Triple]:
        # The schema knows relations by their exact names, a triple may carry a synonym.
        relations = sorted(self._names.get(normalise_predicate(triple.predicate), ()))
        named = [inverse for r in relations for inverse in self._schema.inverse_triples(triple._replace(predicate=r))]
        # 儿子 turns round to 父亲 or to 母亲: known to hold, it must not bar the wrong one of the two as a negative.
        # Nor does a word used both ways (执导) bar the triple that has subject and object exchanged.
        backwards = self._said_backwards(triple)
        return named + (backwards if len(backwards) == 1 and not relations else [])

    def _said_backwards(self, triple: Triple) -> list[Triple]:
        """What a triple may mean whose predicate is a phrase read from object to subject."""
        return [_turned(triple, r) for r in sorted(self._backward_names.get(normalise_predicate(triple.predicate), ()))]

    def _symmetric(self, name: str) -> bool:
        relation = self._schema.relations.get(name)
        return relation is not None and (relation.symmetric or relation.inverse_relation == name)

    def _co_holding(self, triple: Triple) -> bool:
        pairs = ((triple.subject, triple.object), (triple.object, triple.subject))
        return any(self._hold_together(triple.predicate, known) for p in pairs for known in self._relations.get(p, ()))

    def _hold_together(self, left: str, right: str) -> bool:
        relations = self._schema.relations
        return (left in relations and right in relations[left].co_holds) or (
            right in relations and left in relations[right].co_holds
        )


def _aliases(known: Iterable[Triple]) -> dict[str, str]:
    """For each name with an alias, the name that stands for both."""
    leader: dict[str, str] = {}
    for triple in map(normalise_triple, known):
        if triple.predicate in ALIAS_RELATIONS:
            kept = leader.get(triple.subject, triple.subject)
            merged = leader.get(triple.object, triple.object)
            for name in (triple.subject, triple.object, *(n for n, first in leader.items() if first == merged)):
                leader[name] = kept
    return leader


@lru_cache(maxsize=8)
def _tables(schema: Schema) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Relations by name or synonym, and by phrases read backwards; made once, guards are made by the thousand."""
    relations = schema.relations.values()
    forward = _relations_by({relation.name: (relation.name, *relation.synonyms) for relation in relations})
    return forward, _relations_by({relation.name: relation.inverses for relation in relations})


def _turned(triple: Triple, predicate: str) -> Triple:
    return Triple(triple.object, predicate, triple.subject)


def _relations_by(words: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Relation names by each of the normalised words that stand for them."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for relation, phrases in words.items():
        for phrase in phrases:
            names[normalise_predicate(phrase)].add(relation)
    return {word: frozenset(relations) for word, relations in names.items()}
