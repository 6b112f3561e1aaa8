"""Links found in the windows of a text -> its candidates: windows united, slots put to their objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cacre.baselines.extractors.spans import FoundLink
from cacre.baselines.extractors.tags import VALUE, TagSet
from cacre.baselines.extractors.windows import Window
from cacre.preprocessing.characters import fold
from cacre.preprocessing.mentions import gap
from cacre.types import Candidate, Span, Triple

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Mention:
    """A link in characters."""

    subject: Span
    object: Span
    score: float


def assemble(text: str, found: Iterable[tuple[Window, Sequence[FoundLink]]], tags: TagSet) -> list[Candidate]:
    """The candidates of a text, in the order of their subjects, then of their objects.

    A triple found in several windows, or written in other case elsewhere, is one candidate with the best score. Of
    several values of a slot, each object takes the one that stands nearest to it; a slot without an object is dropped.

    Args:
        text: The text.
        found: Its windows with what was found in each.
        tags: What the numbers of the tags mean.
    """
    best: dict[tuple[str, int, str], _Mention] = {}
    for window, links in found:
        for link in links:
            mention = _Mention(window.characters_of(link.subject), window.characters_of(link.object), link.score)
            key = (fold(_said(text, mention.subject)), link.tag, fold(_said(text, mention.object)))
            if key not in best or mention.score > best[key].score:
                best[key] = mention
    slots: dict[tuple[str, str], list[tuple[str, _Mention]]] = {}
    for (subject, tag, _), mention in best.items():
        predicate, slot = tags.pairs[tag]
        if slot != VALUE:
            slots.setdefault((subject, predicate), []).append((slot, mention))
    values = [(key, mention) for key, mention in best.items() if tags.pairs[key[1]][1] == VALUE]
    values.sort(key=lambda item: (item[1].subject, item[1].object, item[0][1]))
    return [
        _candidate(text, tags, key[1], mention, slots.get((key[0], tags.pairs[key[1]][0]), ()))
        for key, mention in values
    ]


def _said(text: str, span: Span) -> str:
    return text[span[0] : span[1]]


def _candidate(
    text: str, tags: TagSet, tag: int, mention: _Mention, slots: Sequence[tuple[str, _Mention]]
) -> Candidate:
    predicate = tags.pairs[tag][0]
    relation = tags.schema[predicate]
    nearest: dict[str, _Mention] = {}
    for slot, other in sorted(slots, key=lambda item: (abs(gap(item[1].object, mention.object)), item[1].object)):
        nearest.setdefault(slot, other)
    extra: dict[str, Any] = {
        "score": round(mention.score, _DIGITS),
        "mentions": {"subject": list(mention.subject), "object": list(mention.object)},
    }
    if nearest:
        extra["qualifiers"] = {slot: _said(text, nearest[slot].object) for slot in relation.slots if slot in nearest}
    triple = Triple(_said(text, mention.subject), predicate, _said(text, mention.object))
    return Candidate(triple, _one_type(relation.subject_type), _one_type(relation.object_type), extra=extra)


def _one_type(name: str) -> str | None:
    """A type, if the schema leaves no choice (`A/B` means either)."""
    return None if "/" in name else name


def candidate_item(candidate: Candidate) -> Mapping[str, Any]:
    """A candidate as an entry of a candidate row; an object with slots is written as DuIE writes it."""
    extra = dict(candidate.extra)
    item: dict[str, Any] = dict(candidate.triple._asdict())
    slots = extra.pop("qualifiers", None)
    if slots:
        item["object"] = {VALUE: candidate.triple.object, **slots}
    types = {"subject_type": candidate.subject_type, "object_type": candidate.object_type}
    return {**item, **{name: value for name, value in types.items() if value is not None}, **extra}
