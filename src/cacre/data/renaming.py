"""Copies of a text in which other names stand, so that what is learned is how a text says something, not of whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from numpy.random import Generator

from cacre.data.negatives import EntityPool, corruption_source, entity_pool
from cacre.schema import Schema
from cacre.schema.checks import is_named
from cacre.types import Example, Triple

_DIGIT = re.compile(r"\d")
_SHORTEST = 2
"""A name of one character stands in too many words to be replaced by a search."""


def name_pool(examples: Iterable[Example], schema: Schema) -> dict[str, tuple[str, ...]]:
    """Names of all examples by type, where the type is one of proper names."""
    return {
        kind: tuple(name for name in names if _replaceable(name))
        for kind, names in entity_pool(examples, schema).items()
        if is_named(kind)
    }


def renamed(example: Example, schema: Schema, pool: EntityPool, rng: Generator) -> Example | None:
    """The example with each name of its anchors replaced by another of its type, in the text and in all triples.

    A wrong name that was trimmed stays trimmed, a merged one merged. None where no name can be replaced, where a right
    and a wrong triple would become the same, or where a right name would no longer stand in the text.

    Args:
        example: Text and lists; its id gets no copy, for ids are unique.
        schema: Gives the names their types.
        pool: Names to draw from, by type.
        rng: Source of the draws.
    """
    new = _draw(corruption_source(example, schema).entities, example.text, pool, rng)
    if not new:
        return None
    pattern = re.compile("|".join(re.escape(name) for name in sorted(new, key=len, reverse=True)))

    # 清华 may be the short name that the text gives, not 清华大学 trimmed.
    right = {name for t in (*example.anchors, *example.positives, *(example.gold or ())) for name in (t[0], t[2])}

    def rename(name: str) -> str:
        found, count = pattern.subn(lambda match: new[match[0]], name)
        return found if count or name in right else _trimmed(name, new)

    def row(triples: tuple[Triple, ...]) -> tuple[Triple, ...]:
        return tuple(Triple(rename(t.subject), t.predicate, rename(t.object)) for t in triples)

    copy = replace(
        example,
        text=pattern.sub(lambda match: new[match[0]], example.text),
        anchors=row(example.anchors),
        positives=row(example.positives),
        negatives=row(example.negatives),
        hard=row(example.hard),
        id=None,
        gold=None if example.gold is None else row(example.gold),
    )
    return copy if _is_sound(copy, example) else None


def _draw(entities: Mapping[str, frozenset[str]], text: str, pool: EntityPool, rng: Generator) -> dict[str, str]:
    """Another name for each that can be replaced; no two get the same one, and none that the text has already."""
    new: dict[str, str] = {}
    for name, types in sorted(entities.items()):
        choice = [other for kind in sorted(types) for other in pool.get(kind, ())]
        if not choice or name not in text or not _replaceable(name) or not all(is_named(kind) for kind in types):
            continue
        other = choice[rng.integers(len(choice))]
        if other not in text and other not in new.values():
            new[name] = other
    return new


def _replaceable(name: str) -> bool:
    return len(name) >= _SHORTEST and not _DIGIT.search(name)


def _trimmed(name: str, new: Mapping[str, str]) -> str:
    """A name that is the beginning or the end of a replaced one: as much less of what now stands there."""
    for old, other in new.items():
        missing = len(old) - len(name)
        if missing > 0 and len(other) > missing:
            if old.startswith(name):
                return other[:-missing]
            if old.endswith(name):
                return other[missing:]
    return name


def _is_sound(copy: Example, example: Example) -> bool:
    """Whether what was right is still right: no anchor became a negative, and no name fell out of the text."""
    wrong = {*copy.negatives, *copy.hard}
    before = [name in example.text for t in example.anchors for name in (t.subject, t.object)]
    after = [name in copy.text for t in copy.anchors for name in (t.subject, t.object)]
    return before == after and not wrong & set(copy.anchors)
