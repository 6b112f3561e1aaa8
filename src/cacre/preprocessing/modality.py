"""Whether a text asserts a triple, or denies it, reports it as rumour, only plans it, or says that it is over.

Rules over the string evidence, no model. A word of `MODAL_WORDS` counts only where it governs what the text says of
this triple; each rule's docstring says where that is, and `modal_vetoes.py` and `modal_tails.py` what it says of
something else. What no rule sees is taken as asserted. `benchmarks/modality.py` counts right and wrong flags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cacre.preprocessing import modal_vetoes as vetoes
from cacre.preprocessing.evidence import PairContext
from cacre.preprocessing.mentions import gap
from cacre.preprocessing.modal_reading import NEAR, REACH, Reading
from cacre.preprocessing.modal_tails import goes_on, stops
from cacre.types import Modality, ModalityKind, Span

_TAKES = re.compile(
    "将[^,。;:]{1,20}?(?:颁给|颁予|授予|改编|搬上|迁|并入|交给|出售|卖给|转让|收入|列为|作为|称为|写成)"
)
"""将 as "take", which names what something is done to, not what is to come."""
_TURN = re.compile("[、而是《》]")
_AFTER_NAME = re.compile(r"[”\"’」》]?(?:$|[，。；！？：,;!?:\n、）)啦呀哦啊而])")
_TOLD = re.compile("爆料|听说")
"""Behind a name these say who tells or heard it, and what is told may be anything: 甲爆料乙的幕后故事."""


def _denied_name(r: Reading) -> Iterator[Span]:
    """导演是甲，不是乙: the word before a name, behind the other name in its sentence or the one before.

    The name ends its clause, and the last cue word of any relation before the word is this relation's; or the relation
    follows (不是乙唱的). No cue word of the relation stands between word and name: 不是编剧乙 says that 乙 is one.
    """
    c = r.context
    for word in r.words("is not"):
        for name, other in ((r.first, r.second), (r.second, r.first)):
            near = 0 <= name[0] - word[1] <= REACH and r.clause(word[0]) == r.clause(name[0])
            known = other[1] <= word[0] and r.sentence(word[0]) - r.sentence(other[0]) <= 1
            between = any(word[1] <= a and b <= name[0] for a, b in c.cues) or _TURN.search(r.text, word[1], name[0])
            if near and known and not between and not vetoes.ordinal(r, word, name):
                before = [x for x in (*c.cues, *c.other_cues) if other[0] <= x[0] and x[1] <= word[0]]
                said = bool(before) and max(before, key=lambda cue: (cue[1], -cue[0])) in c.cues
                if (said and _AFTER_NAME.match(r.text, name[1])) or (not r.one_clause and r.ends_with_cue(name)):
                    yield word


def _denied_role(r: Reading) -> Iterator[Span]:
    """甲不是乙的导演: the word between the names, near both, and the relation's cue word right behind them."""
    between = (r.first[1], r.second[0])
    for word in (*r.words("is not", *between), *r.words("belongs not", *between)):
        begun = (r.one_clause and word[0] - r.first[1] <= NEAR) or r.subject_left_out(word)
        cue = r.cue_at(r.second[1], NEAR) if begun and r.second[0] - word[1] <= NEAR else None
        other = not cue or vetoes.other_point(r, word, cue) or vetoes.narrowed(r, word, cue)
        if not (other or vetoes.disbelieved(r, word)):
            yield word


def _denied_verb(r: Reading) -> Iterator[Span]:
    """甲没有创办乙, 甲否认与乙结婚: between the names of one clause, before the relation, no other matter behind."""
    for word in r.words("did not", r.first[1], r.second[0]):
        cue = r.governed(word) if r.one_clause and word[0] - r.first[1] <= REACH else None
        other = not cue or r.is_role(cue) or vetoes.half_done(r, word, cue) or goes_on(r, word, cue)
        if cue and not (other or vetoes.narrowed(r, word, cue) or vetoes.disbelieved(r, word)):
            yield word


def _denied_directly(r: Reading) -> Iterator[Span]:
    """甲不用于治疗乙, 甲无乙症状: between the names, near the first, nothing but the relation before the second."""
    for word in r.words("not", r.first[1], r.second[0]):
        cue = r.leads_to(word) if r.one_clause and word[0] - r.first[1] <= NEAR else None
        other = not cue or r.is_role(cue) or vetoes.half_done(r, word, cue) or vetoes.narrowed(r, word, cue)
        if stops(r) and not (other or vetoes.sometimes(r, word) or vetoes.disbelieved(r, word)):
            yield word


def _denied_item(r: Reading) -> Iterator[Span]:
    """甲的症状不包括乙, 甲总部不在乙: behind the relation's cue word, before the second name."""
    for word in r.words("includes not", r.first[1], r.second[0]):
        if r.lists(word) and stops(r) and not (vetoes.sometimes(r, word) or vetoes.disbelieved(r, word)):
            yield word


def _rumoured(r: Reading) -> Iterator[Span]:
    """网传甲与乙结婚: the word governs the clause of both names, which takes the relation not for granted.

    传 does only where it begins its clause, directly before the first name.
    """
    told_of = (word for word in r.words("told", 0, r.first[0]) if r.text[word[1] : r.first[0]] in ("", "《", "“", '"'))
    for word in (*r.words("rumour"), *told_of):
        told = word[0] >= r.first[1] and _TOLD.match(r.text, word[0])
        led = r.heads(word)
        governs = r.governs_clause(led or word) or (
            led is not None and r.predicates() and stops(r) and not vetoes.heard(r, word)
        )
        if governs and not told and not vetoes.presupposed(r, word) and not vetoes.confirmed(r):
            yield word


def _taken_back(r: Reading) -> Iterator[Span]:
    """网传甲与乙结婚，双方否认: a rumour that the same sentence takes back behind both names."""
    if next(_rumoured(r), None):
        yield from (w for w in r.words("taken back", r.second[1]) if r.sentence(w[0]) == r.sentence(r.second[0]))


def _planned(r: Reading) -> Iterator[Span]:
    """甲有望执导乙, 甲将出任乙董事长: 将 only before the relation or a preposition, and never as "take"."""
    yield from (word for word in r.words("plan") if r.governs_clause(word))
    yield from (word for word in r.words("will") if not _TAKES.match(r.text, word[0]) and r.carries(word))


def _past(r: Reading) -> Iterator[Span]:
    """前妻, 前董事长 beside a name; 甲曾任乙校长, 甲辞去乙董事长; 离婚 where it is the relation's cue word."""
    for word in r.words("former"):
        cue = r.cue_at(word[1]) or r.cue_at(word[0])
        if cue and any(0 <= gap(cue, name) <= 1 for name in (r.first, r.second)):
            yield word
    yield from (word for word in r.words("was") if r.carries(word) and not vetoes.doubted(r, word))
    if r.one_clause:
        ends = (w for w in r.words("divorced") if w in r.context.cues)
        yield from (w for w in ends if r.clause(w[0]) == r.clause(r.second[0]) and not vetoes.doubted(r, w))


_RULES: tuple[tuple[ModalityKind, Callable[[Reading], Iterator[Span]]], ...] = (
    ("denied", _denied_name),
    ("denied", _denied_role),
    ("denied", _denied_verb),
    ("denied", _denied_directly),
    ("denied", _denied_item),
    ("denied", _taken_back),
    ("rumoured", _rumoured),
    ("planned", _planned),
    ("past", _past),
)
"""The first that finds a word decides."""


def find_modality(context: PairContext) -> Modality | None:
    """What the text does with the triple instead of asserting it, by the mentions that stand nearest to each other.

    Args:
        context: The triple, looked up in its text.

    Returns:
        The kind, and where the word stands that says so; None where no rule finds one, so that it counts as asserted.
    """
    if context.pair is None or gap(*context.pair) < 0:
        return None
    first, second = sorted(context.pair)
    reading = Reading(context, first, second)
    found = (Modality(kind, word) for kind, rule in _RULES for word in rule(reading))
    modality = next(found, None)
    if modality and modality.kind in ("denied", "rumoured") and vetoes.asserted_elsewhere(reading, modality.cue):
        return None
    return modality
