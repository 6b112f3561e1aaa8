"""From the three lists as the LLM gave them to lists that training can use: aligned, within the schema, guarded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from numpy.random import default_rng

from cacre.data.guard import FalseNegativeGuard
from cacre.data.negatives import generate_negatives
from cacre.data.normalisation import normalise_triple
from cacre.extraction.alignment import ParaphraseKind, likeness, match_positives, pair_up, paraphrase_kind
from cacre.extraction.values import ParsedAnswer, SaidTriple
from cacre.inference.snapping import Snapper
from cacre.schema import NOT_IN_SCHEMA, Schema
from cacre.types import Example, Triple

__all__ = ["ContrastiveLists", "Dropped", "ParaphraseKind", "match_positives", "repair_lists", "why_no_negative"]

ListName = Literal["anchors", "positives", "negatives"]
_SAME_FACT = ("known", "symmetric", "inverse")
"""What the guard calls a triple that says what a known triple says. A relation that may hold beside a known one
(作词 beside 作曲) is no reason to refuse what an LLM that has read the text calls wrong: of 1,367 such negatives for
2,000 DuIE texts 6 stand in the gold annotation, no more than of the others, and they are the hardest there are."""
_KNOWN = 2


@dataclass(frozen=True, slots=True)
class Dropped:
    """A triple that is in none of the repaired lists.

    Args:
        list_name: The list it was said in.
        triple: The triple as the LLM said it.
        reason: Why it was dropped.
    """

    list_name: ListName
    triple: Triple
    reason: str


@dataclass(frozen=True, slots=True)
class ContrastiveLists:
    """Three lists of equal length, aligned by index, and what it took to make them.

    Args:
        anchors: Triples whose entities are in the text, with predicates of the schema; each once.
        positives: The same facts in other words.
        negatives: Wrong triples, none of which the guard refuses.
        paraphrase_kinds: How each positive differs from its anchor.
        repairs: All changes, counted by name; the reasons in `dropped` are counted here too.
        dropped: What was said and is not in the lists.
        known: All anchors and positives, also those that are left out for want of a negative.
    """

    anchors: tuple[Triple, ...]
    positives: tuple[Triple, ...]
    negatives: tuple[Triple, ...]
    paraphrase_kinds: tuple[ParaphraseKind, ...]
    repairs: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    known: tuple[Triple, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    """A triple on its way: its place in the answer, as it was said (None: made here), and as it is now."""

    index: int
    said: Triple | None
    triple: Triple


@dataclass(frozen=True, slots=True)
class _Row:
    anchor: _Item
    positive: _Item
    negative: _Item


class _Ledger:
    """Counts what is changed and keeps what is dropped."""

    def __init__(self) -> None:
        self.repairs: Counter[str] = Counter()
        self.dropped: list[Dropped] = []

    def drop(self, list_name: ListName, item: _Item, reason: str) -> None:
        if item.said is not None:
            self.repairs[reason] += 1
            self.dropped.append(Dropped(list_name, item.said, reason))


def repair_lists(
    answer: ParsedAnswer, text: str, schema: Schema, *, strict_entities: bool = False, fill: Random | None = None
) -> ContrastiveLists:
    """Align, complete and guard the lists of an answer.

    Entities are snapped to the text. Anchors need entities of the text and a predicate of the schema, for which a
    synonym is exchanged. A positive belongs to the anchor with the same two entities, in either order; where none is
    left for an anchor, or it says another relation of the schema, the schema makes one. A negative that follows from
    the anchors and positives is dropped; the others belong to the anchor with which
    they share most. The index decides wherever it can. Repairing the result again changes nothing.

    Args:
        answer: The lists as said; lengths may differ.
        text: What was asked about.
        schema: The allowed predicates, with their synonyms, inverses and relations that hold together.
        strict_entities: Also drop negatives with an entity that is not in the text, which are otherwise fine.
        fill: Source of chance for negatives made here (`cacre.data.negatives`) for anchors that have none; without it
            such an anchor is dropped.
    """
    ledger, snapper = _Ledger(), Snapper(text)
    said = _snapped("anchors", answer.anchors, snapper, ledger)
    anchors = _within_schema(said, schema, ledger)
    positives = _aligned_positives(anchors, _snapped("positives", answer.positives, snapper, ledger), schema, ledger)
    known = [item.triple for item in (*anchors, *positives.values())]
    anchors = [anchor for anchor in anchors if anchor.index in positives]

    wrong = _snapped("negatives", answer.negatives, snapper, ledger, must_occur=strict_entities)
    negatives = _aligned_negatives(anchors, _guarded(wrong, FalseNegativeGuard(schema, known), schema, ledger), ledger)
    if fill is not None and len(negatives) < len(anchors):
        taken = tuple(item.triple for item in negatives.values())
        example = Example(text, tuple(item.triple for item in anchors), (), taken, gold=tuple(known))
        negatives = _generated(anchors, example, schema, fill, snapper) | negatives
    rows = [_Row(a, positives[a.index], negatives[a.index]) for a in anchors if a.index in negatives]
    for anchor in anchors:
        if anchor.index not in negatives:
            _drop_row(anchor, positives[anchor.index], ledger)
    return replace(_lists(rows, ledger), known=tuple(known))


def _snapped(
    list_name: ListName, said: Sequence[SaidTriple], snapper: Snapper, ledger: _Ledger, must_occur: bool = True
) -> list[_Item]:
    items = []
    for index, triple in enumerate(one.triple for one in said):
        snapped, occurs = _snap(triple, snapper)
        item = _Item(index, triple, snapped)
        if must_occur and not occurs:
            ledger.drop(list_name, item, f"{list_name[:-1]} entity not in text")
            continue
        ledger.repairs["entity snapped"] += sum(now != before for now, before in zip(snapped, triple, strict=True))
        items.append(item)
    return items


def _snap(triple: Triple, snapper: Snapper) -> tuple[Triple, bool]:
    """The triple with its entities as the text writes them, and whether the text has both."""
    subject, object_ = snapper.snap(triple.subject), snapper.snap(triple.object)
    occurs = subject.span is not None and object_.span is not None
    return Triple(subject.surface, triple.predicate, object_.surface), occurs


def _within_schema(said: Iterable[_Item], schema: Schema, ledger: _Ledger) -> list[_Item]:
    """Anchors with canonical predicates, each once."""
    kept: dict[Triple, _Item] = {}
    for item in said:
        name = schema.resolve(item.triple.predicate)
        if name is None:
            ledger.drop("anchors", item, "anchor predicate not in schema")
            continue
        anchor = replace(item, triple=item.triple._replace(predicate=name))
        if kept.setdefault(normalise_triple(anchor.triple), anchor) is not anchor:
            ledger.drop("anchors", item, "anchor duplicate")
        elif name != item.triple.predicate:
            ledger.repairs["anchor predicate canonicalised"] += 1
    return list(kept.values())


def _aligned_positives(
    anchors: Sequence[_Item], said: Sequence[_Item], schema: Schema, ledger: _Ledger
) -> dict[int, _Item]:
    """Positives by the index of their anchor; anchors that are left without one are dropped."""
    anchor_at, said_at = _by_index(anchors), _by_index(said)
    guards = {anchor.index: FalseNegativeGuard(schema, [anchor.triple]) for anchor in anchors}
    pairs = pair_up(
        anchor_at, said_at, lambda a, p: _fit(anchor_at[a].triple, said_at[p].triple, guards[a], schema), good=_KNOWN
    )
    ledger.repairs["positive realigned"] += sum(other != index for index, other in pairs.items())
    for positive in _left_over(said, pairs):
        ledger.drop("positives", positive, _why_unmatched(positive, anchors))
    aligned = {index: said_at[other] for index, other in pairs.items()}
    for anchor in anchors:
        if anchor.index in aligned:
            continue
        made = schema.paraphrase(anchor.triple)
        if made is None or normalise_triple(made) == normalise_triple(anchor.triple):
            ledger.drop("anchors", anchor, "anchor without positive")
        else:
            aligned[anchor.index] = _Item(anchor.index, None, made)
    return aligned


def _fit(anchor: Triple, positive: Triple, guard: FalseNegativeGuard, schema: Schema) -> int:
    """How well a positive fits an anchor.

    The direction in which the schema reads its predicate does not count: an LLM says (导演, 执导, 电影), where the
    schema has 执导 for another name of 导演, to be read from the film.

    Returns:
        `_KNOWN` where the schema knows it for the same fact; 1 where the schema does not know its predicate; 0 where it
        has other entities, is the anchor itself or says another relation.
    """
    if paraphrase_kind(anchor, positive) is None or normalise_triple(positive) == normalise_triple(anchor):
        return 0
    turned = Triple(positive.object, positive.predicate, positive.subject)
    if guard.reject_reason(positive) in _SAME_FACT:
        return _KNOWN
    if guard.reject_reason(turned) in _SAME_FACT and normalise_triple(turned) != normalise_triple(anchor):
        return _KNOWN
    return int(schema.check(positive) == NOT_IN_SCHEMA)


def _why_unmatched(positive: _Item, anchors: Sequence[_Item]) -> str:
    sharing = [anchor for anchor in anchors if paraphrase_kind(anchor.triple, positive.triple)]
    if any(normalise_triple(anchor.triple) == normalise_triple(positive.triple) for anchor in sharing):
        return "positive equal to anchor"
    return "positive says another relation" if sharing else "positive without anchor"


def _guarded(said: Iterable[_Item], guard: FalseNegativeGuard, schema: Schema, ledger: _Ledger) -> list[_Item]:
    kept = []
    for item in said:
        reason = why_no_negative(guard, item.triple, schema)
        if reason is None:
            kept.append(item)
        else:
            ledger.drop("negatives", item, f"negative is {reason}")
    return kept


def why_no_negative(guard: FalseNegativeGuard, triple: Triple, schema: Schema) -> str | None:
    """Why an LLM's negative says what a known triple says; None if it does not."""
    reason = guard.reject_reason(triple)
    if reason in _SAME_FACT:
        return reason
    subject, predicate, object_ = triple
    # A verb such as 执导 is a synonym to the schema, but an LLM says it from person to film: no swap of roles.
    if predicate not in schema and guard.reject_reason(Triple(object_, predicate, subject)) in _SAME_FACT:
        return "known, said from the object"
    return None


def _aligned_negatives(anchors: Sequence[_Item], said: Sequence[_Item], ledger: _Ledger) -> dict[int, _Item]:
    """Negatives by the index of their anchor; those left over are dropped."""
    anchor_at, said_at = _by_index(anchors), _by_index(said)
    pairs = pair_up(anchor_at, said_at, lambda a, n: likeness(anchor_at[a].triple, said_at[n].triple))
    ledger.repairs["negative realigned"] += sum(other != index for index, other in pairs.items())
    for negative in _left_over(said, pairs):
        # One that is wrong in all its parts, as the paper's template has it, has only its index to go by.
        if negative.index in anchor_at and negative.index not in pairs:
            pairs[negative.index] = negative.index
        else:
            ledger.drop("negatives", negative, "negative without anchor")
    return {index: said_at[other] for index, other in pairs.items()}


def _by_index(items: Iterable[_Item]) -> dict[int, _Item]:
    return {item.index: item for item in items}


def _left_over(said: Iterable[_Item], pairs: Mapping[int, int]) -> list[_Item]:
    given = set(pairs.values())
    return [item for item in said if item.index not in given]


def _generated(
    anchors: Sequence[_Item], example: Example, schema: Schema, chance: Random, snapper: Snapper
) -> dict[int, _Item]:
    """A negative for each anchor of which one can be made."""
    batch = generate_negatives(example, schema, default_rng(chance.getrandbits(64)), per_anchor=1)
    made = zip(anchors, batch.negatives, strict=True)
    return {anchor.index: _Item(anchor.index, None, _snap(row[0], snapper)[0]) for anchor, row in made if row}


def _drop_row(anchor: _Item, positive: _Item, ledger: _Ledger) -> None:
    ledger.drop("anchors", anchor, "anchor without negative")
    ledger.drop("positives", positive, "positive without anchor")


def _lists(rows: Sequence[_Row], ledger: _Ledger) -> ContrastiveLists:
    ledger.repairs["positive made from schema"] += sum(row.positive.said is None for row in rows)
    ledger.repairs["negative generated"] += sum(row.negative.said is None for row in rows)
    anchors, positives, negatives = (
        tuple(getattr(row, name).triple for row in rows) for name in ("anchor", "positive", "negative")
    )
    kinds = tuple(
        paraphrase_kind(anchor, positive) or "synonym" for anchor, positive in zip(anchors, positives, strict=True)
    )
    repairs = {name: count for name, count in ledger.repairs.items() if count}
    return ContrastiveLists(anchors, positives, negatives, kinds, repairs, tuple(ledger.dropped))
