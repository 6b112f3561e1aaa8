"""Negatives made of true triples by five corruptions, each guarded against being true after all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from numpy.random import Generator

from cacre.data.boundaries import trims
from cacre.data.guard import FalseNegativeGuard, GuardReport, RejectReason
from cacre.data.normalisation import normalise_name
from cacre.errors import ConfigError
from cacre.schema import RelationType, Schema
from cacre.schema.checks import types_agree
from cacre.types import Example, NegativeKind, Triple

NEGATIVE_KINDS: tuple[NegativeKind, ...] = get_args(NegativeKind)

EntityPool = Mapping[str, Sequence[str]]
"""Entities by type, to draw on where a text has no other entity."""

_TRIES = 4
"""How often each kind is tried per wanted negative before an anchor goes with fewer."""


@dataclass(frozen=True, slots=True)
class CorruptionRules:
    """How negatives may be made.

    Args:
        kinds: Corruptions to use.
        complete: Whether the texts are annotated completely, so that what often holds together with a known triple is
            wrong where it is not known itself.
        without: Relations that no negative is made of, by their names: those that a model is to see nothing of.
        each: Make as many as are wanted of every kind, so that no kind takes another's place; else they take turns.
    """

    kinds: Sequence[NegativeKind] = NEGATIVE_KINDS
    complete: bool = False
    without: frozenset[str] = frozenset()
    each: bool = False


DEFAULT_RULES = CorruptionRules()
"""Every kind, of any relation, for texts that may say more than is annotated."""


@dataclass(frozen=True, slots=True)
class CorruptionSource:
    """What corruptions draw on.

    Args:
        text: The text of the triple.
        entities: Types of each entity in the triples of the text; empty where the schema gives none.
        pool: Entities of other texts.
        without: Relations that no predicate is replaced by.
    """

    text: str
    entities: Mapping[str, frozenset[str]]
    pool: EntityPool = field(default_factory=dict)
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NegativeBatch:
    """The negatives of one example.

    Args:
        negatives: Per anchor, at most as many as were asked for; distinct.
        kinds: Per anchor, how each was made.
        report: Counts of negatives made and dropped.
    """

    negatives: tuple[tuple[Triple, ...], ...]
    kinds: tuple[tuple[NegativeKind, ...], ...]
    report: GuardReport


def corruption_source(example: Example, schema: Schema, pool: EntityPool | None = None) -> CorruptionSource:
    """Collect the entities of a text, with the types that their relations give them."""
    entities: defaultdict[str, set[str]] = defaultdict(set)
    for triple in (*example.anchors, *(example.gold or ())):
        relation = _relation(schema, triple.predicate)
        entities[triple.subject].update([relation.subject_type] if relation else [])
        entities[triple.object].update([relation.object_type] if relation else [])
    return CorruptionSource(example.text, {name: frozenset(types) for name, types in entities.items()}, pool or {})


def entity_pool(examples: Iterable[Example], schema: Schema) -> dict[str, tuple[str, ...]]:
    """Entities of all examples by type, each once, in order of appearance."""
    pool: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for example in examples:
        for name, types in corruption_source(example, schema).entities.items():
            for kind in types:
                pool[kind][name] = None
    return {kind: tuple(names) for kind, names in pool.items()}


def corrupt_subject(triple: Triple, source: CorruptionSource, schema: Schema, rng: Generator) -> Triple | None:
    """Put another entity in the subject's place; None if there is none."""
    relation = _relation(schema, triple.predicate)
    other = _other_entity(triple.subject, triple, relation.subject_type if relation else None, source, rng)
    return None if other is None else triple._replace(subject=other)


def corrupt_object(triple: Triple, source: CorruptionSource, schema: Schema, rng: Generator) -> Triple | None:
    """Put another entity in the object's place; None if there is none."""
    relation = _relation(schema, triple.predicate)
    other = _other_entity(triple.object, triple, relation.object_type if relation else None, source, rng)
    return None if other is None else triple._replace(object=other)


def corrupt_predicate(triple: Triple, source: CorruptionSource, schema: Schema, rng: Generator) -> Triple | None:
    """Put a near miss of the same types in the predicate's place; None if the schema knows none."""
    relation = _relation(schema, triple.predicate)
    if relation is None:
        return None
    others = {name: other for name, other in schema.relations.items() if name not in source.without}
    names = [name for name in relation.near_misses if name in others and _exchangeable(others[name], relation)]
    if not names:
        # Where the schema lists no near miss, any relation of just these types will do.
        types = (relation.subject_type, relation.object_type)
        alike = [name for name, other in others.items() if (other.subject_type, other.object_type) == types]
        names = [name for name in alike if name != relation.name]
    return triple._replace(predicate=names[rng.integers(len(names))]) if names else None


def swap_roles(triple: Triple, source: CorruptionSource, schema: Schema, rng: Generator) -> Triple | None:
    """Exchange subject and object; None if they are the same."""
    if normalise_name(triple.subject) == normalise_name(triple.object):
        return None
    return Triple(triple.object, triple.predicate, triple.subject)


def trim_boundary(triple: Triple, source: CorruptionSource, schema: Schema, rng: Generator) -> Triple | None:
    """Drop or add 1-3 characters at one end of subject or object, as the text has them; None if nothing fits."""
    sides: tuple[Literal["subject", "object"], ...] = ("subject", "object")
    for index in rng.permutation(2):
        name = triple.subject if sides[index] == "subject" else triple.object
        options = trims(name, source.text, source.entities)
        if options:
            chosen = options[rng.integers(len(options))]
            return triple._replace(subject=chosen) if sides[index] == "subject" else triple._replace(object=chosen)
    return None


Corruption = Callable[[Triple, CorruptionSource, Schema, Generator], Triple | None]
_CORRUPTIONS: Mapping[NegativeKind, Corruption] = {
    "corrupt_subject": corrupt_subject,
    "corrupt_predicate": corrupt_predicate,
    "corrupt_object": corrupt_object,
    "swap_roles": swap_roles,
    "trim_boundary": trim_boundary,
}


def generate_negatives(
    example: Example,
    schema: Schema,
    rng: Generator,
    per_anchor: int,
    rules: CorruptionRules = DEFAULT_RULES,
    pool: EntityPool | None = None,
) -> NegativeBatch:
    """Corrupt each anchor into up to `per_anchor` negatives, the kinds taking turns in random order.

    What the guard refuses is tried again in another way; an anchor of which nothing else can be made gets fewer.
    Negatives that the example has already are not made again.

    Args:
        example: Its anchors are corrupted; its anchors, positives and gold are known to be true.
        schema: Types, near misses, inverses and relations that hold together.
        rng: Source of all choices; the same state gives the same negatives.
        per_anchor: Negatives wanted for each anchor.
        rules: How they may be made. An anchor of a relation that they leave out gets none.
        pool: Entities of other texts, for texts with too few of their own.

    Raises:
        ConfigError: A kind is unknown, or none is given, or `per_anchor` is negative.
    """
    unknown = [kind for kind in rules.kinds if kind not in _CORRUPTIONS]
    if unknown or not rules.kinds or per_anchor < 0:
        allowed = ", ".join(NEGATIVE_KINDS)
        raise ConfigError(
            f"kinds={list(rules.kinds)}, per_anchor={per_anchor}: give one or more of {allowed}, and 0 or more"
        )
    source = replace(corruption_source(example, schema, pool), without=rules.without)
    guard = FalseNegativeGuard(schema, (*example.anchors, *example.positives, *(example.gold or ())))
    fair: frozenset[RejectReason | None] = frozenset([None, "co_holding"] if rules.complete else [None])
    maker = _Maker(schema, source, guard, frozenset((*example.negatives, *example.hard)), fair)
    groups = [(kind,) for kind in rules.kinds] if rules.each else [tuple(rules.kinds)]
    rows = [maker.corrupt(anchor, groups, per_anchor, rng) for anchor in example.anchors]
    report = sum((_report(row, dropped) for row, dropped in rows), GuardReport())
    return NegativeBatch(tuple(tuple(row) for row, _ in rows), tuple(tuple(row.values()) for row, _ in rows), report)


@dataclass(frozen=True, slots=True)
class _Maker:
    """All that stays the same from anchor to anchor."""

    schema: Schema
    source: CorruptionSource
    guard: FalseNegativeGuard
    present: frozenset[Triple]
    fair: frozenset[RejectReason | None]

    def corrupt(
        self, anchor: Triple, groups: Sequence[Sequence[NegativeKind]], wanted: int, rng: Generator
    ) -> tuple[dict[Triple, NegativeKind], dict[Triple, RejectReason]]:
        """Negatives of one anchor with their kinds, and what the guard refused (each once, however often tried).

        So many are wanted of each group of kinds; those of a group take turns.
        """
        row: dict[Triple, NegativeKind] = {}
        dropped: dict[Triple, RejectReason] = {}
        for kinds in groups:
            self._fill(row, dropped, anchor, _turns(kinds, wanted, rng), len(row) + wanted, rng)
        return row, dropped

    def _fill(
        self,
        row: dict[Triple, NegativeKind],
        dropped: dict[Triple, RejectReason],
        anchor: Triple,
        turns: Iterable[NegativeKind],
        full: int,
        rng: Generator,
    ) -> None:
        for kind in turns:
            if len(row) == full:
                break
            negative = _CORRUPTIONS[kind](anchor, self.source, self.schema, rng)
            if negative is None or negative.predicate in self.source.without:
                continue
            if negative in row or negative in dropped or negative in self.present:
                continue
            reason = self.guard.reject_reason(negative)
            if reason in self.fair:
                row[negative] = kind
            elif reason is not None:
                dropped[negative] = reason


def _report(row: Mapping[Triple, NegativeKind], dropped: Mapping[Triple, RejectReason]) -> GuardReport:
    return GuardReport(dict(Counter(row.values())), dict(Counter(dropped.values())))


def _turns(kinds: Sequence[NegativeKind], per_anchor: int, rng: Generator) -> Iterator[NegativeKind]:
    for _ in range(_TRIES * per_anchor):
        for index in rng.permutation(len(kinds)):
            yield kinds[index]


def _other_entity(
    replaced: str, triple: Triple, kind: str | None, source: CorruptionSource, rng: Generator
) -> str | None:
    taken = {normalise_name(triple.subject), normalise_name(triple.object)}
    old = normalise_name(replaced)

    def usable(name: str) -> bool:
        # "北京" for "北京市" is no error: a name within the other, or around it, may well be right.
        new = normalise_name(name)
        return bool(new) and new not in taken and new not in old and old not in new

    here = [name for name in source.entities if usable(name)]
    same = [name for name in here if kind is not None and any(_alike(kind, other) for other in source.entities[name])]
    away = [name for name in source.pool.get(kind or "", ()) if usable(name)] if not here else []
    names = same or here or away
    return names[rng.integers(len(names))] if names else None


def _relation(schema: Schema, predicate: str) -> RelationType | None:
    """The relation that a predicate names, by its name or an unambiguous synonym."""
    name = schema.resolve(predicate)
    return None if name is None else schema.relations[name]


def _exchangeable(left: RelationType, right: RelationType) -> bool:
    """Whether the types of two relations leave no clue that one was put in the other's place."""
    return types_agree(left.subject_type, right.subject_type) and types_agree(left.object_type, right.object_type)


def _alike(left: str, right: str) -> bool:
    """Whether two types are the same or one refines the other by its name, as 娱乐人物 does 人物."""
    pairs = [(one, other) for one in left.split("/") for other in right.split("/")]
    return any(one.endswith(other) or other.endswith(one) for one, other in pairs)
