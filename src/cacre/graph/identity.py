"""Which mentions are one entity: by the key of the name, the type, and what the texts call an alias."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cacre.schema import Schema
from cacre.schema.checks import types_agree


class TypeFamilies:
    """What types of a schema can be the same thing.

    Args:
        schema: Its types; others are compared too.
    """

    def __init__(self, schema: Schema) -> None:
        self._pool = schema.types()
        self._breadths: dict[str, int] = {}
        self._agree: dict[tuple[str, str], bool] = {}

    def breadth(self, kind: str) -> int:
        """How many types of the schema a type agrees with: all of them if nobody knows it or it is empty."""
        if kind not in self._breadths:
            self._breadths[kind] = sum(self.agree(kind, other) for other in self._pool)
        return self._breadths[kind]

    def agree(self, left: str, right: str) -> bool:
        """Whether one thing can be of both types; an empty type is any."""
        if (left, right) not in self._agree:
            self._agree[left, right] = not left or not right or types_agree(left, right)
        return self._agree[left, right]

    def narrower(self, given: str | None, expected: str) -> str:
        """The type that says more, of one that a row gives and one that a relation expects; the latter in doubt."""
        if not given or (
            expected and not (self.agree(given, expected) and self.breadth(given) < self.breadth(expected))
        ):
            return expected
        return given

    def split(self, kinds: Iterable[str]) -> list[list[str]]:
        """Part the types of mentions of one name into those of different things.

        The narrowest types come first; one that clashes with all things so far makes a new one, one that agrees with
        exactly one is that, and one that agrees with several, such as 作品 beside a film and a book, is left out.
        """
        things: list[list[str]] = []
        for kind in sorted(kinds, key=lambda kind: (self.breadth(kind), not kind, kind)):
            fitting = [thing for thing in things if all(self.agree(kind, other) for other in thing)]
            if not fitting:
                things.append([kind])
            elif len(fitting) == 1:
                fitting[0].append(kind)
        return things


@dataclass(slots=True)
class _Thing:
    """One of the entities that share a name key."""

    key: str
    kinds: list[str]
    weight: int


class Identities:
    """Entities by name key and type. First `add` all mentions, then `settle`, then ask.

    Args:
        families: What types agree.
    """

    def __init__(self, families: TypeFamilies) -> None:
        self._families = families
        self._kinds: dict[str, dict[str, int]] = {}
        self._things: dict[str, list[_Thing]] = {}
        self._leaders: dict[str, str] = {}

    def __contains__(self, name_key: str) -> bool:
        return name_key in self._things

    def add(self, name_key: str, kind: str) -> None:
        """Count one text in which the name is used for a thing of that type, which may be empty."""
        kinds = self._kinds.setdefault(name_key, {})
        kinds[kind] = kinds.get(kind, 0) + 1

    def settle(self) -> None:
        """Decide which mentions are one thing; the order of the mentions does not matter."""
        self._things = {name_key: self._of(name_key, kinds) for name_key, kinds in self._kinds.items()}

    def find(self, name_key: str, kind: str, other_than: str | None = None) -> str:
        """Key of the entity that a name of that type means: of several, the one that the most texts mean.

        Args:
            name_key: Key of a name that was added.
            kind: Its type.
            other_than: An entity that it is not, if there is a choice.
        """
        keys = [self._leaders.get(key, key) for key in self._candidates(name_key, kind)]
        return next((key for key in keys if key != other_than), keys[0])

    def merge(self, claims: Iterable[tuple[str, str, str]]) -> None:
        """Make one entity of two where a text says that one name is an alias of the other.

        A name that is an alias of several entities is nobody's: 师大 may be any of ten universities.

        Args:
            claims: Entity key, its type, and name key of its alias.
        """
        claimants: defaultdict[str, set[str]] = defaultdict(set)
        for entity, kind, alias in claims:
            if alias in self._things:
                claimants[self._candidates(alias, kind, strict=True)[0]].add(entity)
        weights = {thing.key: thing.weight for thing in self._all()}
        claimants.pop("", None)
        groups: dict[str, set[str]] = {}
        for alias, entities in claimants.items():
            if len(entities) == 1:
                joined = set().union(*(groups.get(key, {key}) for key in (alias, *entities)))
                groups.update(dict.fromkeys(joined, joined))
        for key, group in groups.items():
            self._leaders[key] = min(group, key=lambda member: (member in claimants, -weights[member], member))

    def _candidates(self, name_key: str, kind: str, strict: bool = False) -> list[str]:
        """Keys of the things of that name that agree with the type, the weightiest first; all where none does."""
        things = self._things[name_key]
        if len(things) == 1 and not strict:
            return [things[0].key]
        fitting = [thing for thing in things if all(self._families.agree(kind, other) for other in thing.kinds)]
        if strict and not fitting:
            return [""]
        exact = [thing for thing in fitting if kind in thing.kinds]
        return [thing.key for thing in (exact or fitting or things)]

    def _of(self, name_key: str, kinds: dict[str, int]) -> list[_Thing]:
        things = self._families.split(kinds)
        if len(things) == 1:
            return [_Thing(name_key, things[0], sum(kinds.values()))]
        # Name keys hold no angle brackets, save those that are marks only, so that no other name has such a key.
        made = [
            _Thing(f"{name_key}〈{_suffix(thing[0])}〉", thing, sum(kinds[kind] for kind in thing)) for thing in things
        ]
        return sorted(made, key=lambda thing: (-thing.weight, thing.key))

    def _all(self) -> Iterator[_Thing]:
        return (thing for things in self._things.values() for thing in things)


def _suffix(kind: str) -> str:
    return kind.replace("〈", "").replace("〉", "").strip() or "?"
