"""The altered texts of CECRel: some that state the same relations of other entities, some that state something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cacre.baselines.extractors.cecrel_rewriting import key_of, rewrite
from cacre.baselines.extractors.network import View
from cacre.data.duie import DuieFact, DuieText
from cacre.preprocessing.characters import fold, strip_title_marks
from cacre.schema import RelationType, Schema
from cacre.types import Triple

SUBSTITUTED, UNALTERED, SWAP_RELATION, SWAP_ROLES = "substituted", "unaltered", "swap_relation", "swap_roles"
Role = tuple[str, str]
"""A predicate, and the part of its facts: `subject`, `@value` or a slot. Names of one role are of one type."""
_SHORTEST = 2
"""Characters of a name that is replaced: a single one stands in too many words."""
_TRIES = 8
_CHANCE = 0.5
"""Of each name but the first to be replaced, and of either kind of negative."""


class Augmenter:
    """Alters texts, with the names of the training texts and the cue words of the schema.

    Args:
        texts: The texts to learn from.
        schema: Their relations.
    """

    def __init__(self, texts: Sequence[DuieText], schema: Schema) -> None:
        self.schema = schema
        pool: dict[Role, dict[str, None]] = {}
        for text in texts:
            for role, name in self._roles(text.facts):
                pool.setdefault(role, {})[strip_title_marks(name)] = None
        self._holders: Mapping[Role, frozenset[str]] = {role: frozenset(names) for role, names in pool.items()}
        self._names: Mapping[Role, tuple[str, ...]] = {role: tuple(names) for role, names in pool.items()}

    def positive(self, text: DuieText, rng: np.random.Generator) -> View:
        """The text with names replaced by others of the same roles, in its facts too, so that these stay true.

        Where no name can be replaced it is the text as it is: dropout alone then makes the difference.
        """
        roles: dict[str, dict[Role, None]] = {}
        for role, name in self._roles(text.facts):
            roles.setdefault(key_of(name), {})[role] = None
        names, altered = list(roles), text
        for name in (names[place] for place in rng.permutation(len(names))):
            if altered is text or rng.random() < _CHANCE:
                altered = self._with_another(altered, name, list(roles[name]), rng)
        return View(UNALTERED if altered is text else SUBSTITUTED, altered)

    def negatives(self, text: DuieText, rng: np.random.Generator) -> list[View]:
        """The text made to state something else, without facts; none where that cannot be done without doubt."""
        ways = [self._relation_swaps, self._role_swaps]
        for way in ways if rng.random() < _CHANCE else reversed(ways):
            found = list(way(text))
            if found:
                return [found[int(rng.integers(len(found)))]]
        return []

    def _roles(self, facts: Iterable[DuieFact]) -> Iterator[tuple[Role, str]]:
        for fact in facts:
            predicate = self.schema.resolve(fact.triple.predicate) or fact.triple.predicate
            parts = {"subject": fact.triple.subject, "@value": fact.triple.object, **fact.slots}
            yield from (((predicate, part), name) for part, name in parts.items())

    def _with_another(self, text: DuieText, name: str, roles: Sequence[Role], rng: np.random.Generator) -> DuieText:
        rarest = min(roles, key=lambda role: len(self._names[role]))
        for place in rng.integers(len(self._names[rarest]), size=_TRIES):
            other = self._names[rarest][int(place)]
            if fold(other) != name and all(other in self._holders[role] for role in roles):
                made = substitute(text, {name: other})
                if made is not None:
                    return made
        return text

    def _relation_swaps(self, text: DuieText) -> Iterator[View]:
        """The words that say a relation replaced by those of a near miss that the text does not state."""
        names = {key_of(name) for _, name in self._roles(text.facts)}
        stated = {predicate for (predicate, _), _ in self._roles(text.facts)}
        folded = fold(text.text)
        for relation in (self.schema[name] for name in sorted(stated) if name in self.schema):
            cue = max((fold(cue) for cue in relation.cues if fold(cue) in folded), key=len, default="")
            others = [other for other in self._confusable(relation) if other.name not in stated]
            for word in (word for other in others for word in other.cues) if cue else ():
                made = rewrite(text.text, {cue: word}, names)
                if made is not None and not any(fold(said) in fold(made) for said in relation.cues):
                    yield View(SWAP_RELATION, DuieText(made, (), text.id))

    def _role_swaps(self, text: DuieText) -> Iterator[View]:
        """Subject and object of a fact exchanged, unless the relation holds both ways."""
        triples = {fact.triple for fact in text.facts}
        for triple in dict.fromkeys(fact.triple for fact in text.facts):
            turned = Triple(triple.object, triple.predicate, triple.subject)
            if triples.isdisjoint((turned, *self.schema.inverse_triples(turned))):
                subject, object_ = strip_title_marks(triple.subject), strip_title_marks(triple.object)
                made = substitute(text, {key_of(subject): object_, key_of(object_): subject})
                if made is not None:
                    yield View(SWAP_ROLES, DuieText(made.text, (), text.id))

    def _confusable(self, relation: RelationType) -> list[RelationType]:
        """Near misses; where there are none, the other relations between the same types."""
        near = [self.schema[name] for name in relation.near_misses if name in self.schema]
        types = relation.subject_type, relation.object_type
        return near or [o for o in self.schema if (o.subject_type, o.object_type) == types and o != relation]


def substitute(text: DuieText, changes: Mapping[str, str]) -> DuieText | None:
    """Replace names in a text and in its facts.

    Args:
        text: An annotated text.
        changes: Names as `key_of` gives them, and what each is replaced by, without title marks.

    Returns:
        A text of which the facts are as true as those of the old one: each name stands where the old one stood, and
        nowhere else. None where that cannot be, or a name is too short to be told from a part of a word.
    """
    if any(len(name) < _SHORTEST for name in (*changes, *changes.values())):
        return None
    names = {key_of(name) for fact in text.facts for name in (*fact.triple[::2], *fact.slots.values())}
    made = rewrite(text.text, changes, names)
    if made is None:
        return None

    def renamed(name: str) -> str:
        return changes.get(key_of(name), name)

    facts = tuple(
        replace(
            fact,
            triple=Triple(renamed(fact.triple.subject), fact.triple.predicate, renamed(fact.triple.object)),
            slots={slot: renamed(name) for slot, name in fact.slots.items()},
        )
        for fact in text.facts
    )
    return replace(text, text=made, facts=facts)
