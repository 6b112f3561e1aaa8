"""Train, dev and test without a leak: neither a text nor a pair of entities is on two sides."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

from cacre.data.normalisation import normalise_in_script, normalise_text
from cacre.errors import ConfigError
from cacre.schema import Schema
from cacre.types import Example, Triple

LeakKind = Literal["text", "pair"]
_Key = tuple[LeakKind, str, str]


@dataclass(frozen=True, slots=True)
class Splits:
    """The three parts, each in the order of the input."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Examples without certain relations, and examples of nothing but those."""

    seen: tuple[Example, ...]
    held_out: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that two sets share.

    Args:
        kind: `text` or `pair`.
        value: The shared text, or the two shared names, normalised.
        left: Index in the first set.
        right: Index in the second set.
    """

    kind: LeakKind
    value: tuple[str, ...]
    left: int
    right: int


def split_examples(examples: Sequence[Example], fractions: tuple[float, float, float], seed: int) -> Splits:
    """Split at random, keeping together what shares a text or an anchor's two entities (in either order).

    The part of an example depends on the seed and the set of examples, not on their order. Sizes are near the
    fractions only as far as the groups allow: a group is never cut.

    Args:
        examples: What to split.
        fractions: Shares of train, dev and test: each 0 or more, together 1.
        seed: Another seed, another split.

    Raises:
        ConfigError: The fractions are not such shares.
    """
    if len(fractions) != 3 or min(fractions) < 0 or not math.isclose(sum(fractions), 1.0, abs_tol=1e-6):
        raise ConfigError(f"fractions {fractions} of train, dev, test: each must be 0 or more, and their sum 1")
    groups = _groups(examples)
    groups.sort(key=lambda group: _order(examples, group, seed))
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    open_parts = [index for index in range(3) if fractions[index] > 0]
    for group in groups:
        # To the part that is least full once the group is in: small parts stay clear of large groups.
        filled = [((len(parts[index]) + len(group)) / fractions[index], index) for index in open_parts]
        parts[min(filled)[1]].extend(group)
    train, dev, test = (tuple(examples[index] for index in sorted(part)) for part in parts)
    return Splits(train, dev, test)


def find_leaks(left: Sequence[Example], right: Sequence[Example]) -> list[Leak]:
    """All texts and anchor pairs that two sets share, each once, in the order of the second set."""
    first: dict[_Key, int] = {}
    for index, example in enumerate(left):
        for key in _keys(example):
            first.setdefault(key, index)
    leaks: dict[_Key, Leak] = {}
    for index, example in enumerate(right):
        for key in _keys(example):
            if key in first and key not in leaks:
                value = (key[1],) if key[0] == "text" else key[1:]
                leaks[key] = Leak(key[0], value, first[key], index)
    return list(leaks.values())


def leaking_rows(left: Sequence[Example], right: Sequence[Example]) -> frozenset[int]:
    """Places in the second set of all examples that share a text or an anchor's pair with the first.

    `find_leaks` names each shared thing once, whatever the number of examples that have it.
    """
    keys = {key for example in left for key in _keys(example)}
    return frozenset(index for index, example in enumerate(right) if not keys.isdisjoint(_keys(example)))


def hold_out_relations(examples: Sequence[Example], relations: Collection[str], schema: Schema) -> HeldOut:
    """Keep relations out of training, to measure what a model does with relations it never saw.

    Of an example with an anchor of these relations, only those anchors (with their positives and negatives) are held
    out, and the rest is left out, as is any other example of the same text. From the others, entries that name one of
    the relations in a positive, a negative or a hard negative are taken out too: a model would learn from them.

    The schema's other words for a relation count as its name, save those that are words of a further relation too.

    What cacre makes of the seen part can name the relations again, unless `CorruptionRules.without` has them.

    Args:
        examples: What to split.
        relations: Names of the relations, as the anchors write them.
        schema: Knows other words for them.

    Raises:
        ConfigError: No relation is given, or one occurs in no anchor.
    """
    wanted = frozenset([relations] if isinstance(relations, str) else relations)
    missing = wanted - {anchor.predicate for example in examples for anchor in example.anchors}
    if missing or not wanted:
        raise ConfigError(f"relations to hold out {sorted(wanted)}: give at least one; in no anchor: {sorted(missing)}")
    names = schema.words_of(wanted)
    held = [e for e in examples if any(anchor.predicate in names for anchor in e.anchors)]
    texts = {normalise_text(example.text) for example in held}
    outside = [example for example in examples if normalise_text(example.text) not in texts]
    seen = tuple(new for old in outside if (new := _without(old, names)).anchors or not old.anchors)
    return HeldOut(seen, tuple(_only(example, names) for example in held))


def _without(example: Example, names: frozenset[str]) -> Example:
    lists = [
        part for part in (example.anchors, example.positives, example.negatives) if part
    ]  # annotated: no negatives
    rows = zip(*lists, strict=True)
    keep = [index for index, row in enumerate(rows) if not any(triple.predicate in names for triple in row)]
    return _selected(example, keep, tuple(t for t in example.hard if t.predicate not in names))


def _only(example: Example, names: frozenset[str]) -> Example:
    keep = [index for index, anchor in enumerate(example.anchors) if anchor.predicate in names]
    return _selected(example, keep, tuple(t for t in example.hard if t.predicate in names))


def _selected(example: Example, keep: list[int], hard: tuple[Triple, ...]) -> Example:
    return replace(
        example,
        anchors=tuple(example.anchors[index] for index in keep),
        positives=tuple(example.positives[index] for index in keep),
        negatives=tuple(example.negatives[index] for index in keep if example.negatives),
        hard=hard,
    )


def _keys(example: Example) -> Iterator[_Key]:
    yield "text", normalise_text(example.text), ""
    for anchor in example.anchors:
        # With both scripts as one, one more name in common would give every seed another split than before.
        first, second = sorted((normalise_in_script(anchor.subject), normalise_in_script(anchor.object)))
        yield "pair", first, second


def _groups(examples: Sequence[Example]) -> list[list[int]]:
    """Indices of examples connected by shared keys (union-find with path halving)."""
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[_Key, int] = {}
    for index, example in enumerate(examples):
        for key in _keys(example):
            parent[root(index)] = root(first.setdefault(key, index))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(len(examples)):
        groups[root(index)].append(index)
    return list(groups.values())


def _order(examples: Sequence[Example], group: list[int], seed: int) -> bytes:
    name = min(normalise_text(examples[index].text) for index in group)
    return blake2b(f"{seed}:{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
