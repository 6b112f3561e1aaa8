"""String evidence for a (text, triple) pair: marks per character and values per candidate.

It tells what can be seen without understanding: where subject and object stand, exactly or in part, what borders them,
which cue words of the relation (or of another) are near, and what negates. The network gets it beside the token ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cacre.preprocessing.characters import (
    BORDER_CLASSES,
    SHAPES,
    TYPE_GROUPS,
    border_class,
    fold,
    shape,
    strip_title_marks,
    type_group,
)
from cacre.preprocessing.scan import TextScan
from cacre.types import Span, Triple

MARKS = (
    "subject", "object", "subject_part", "object_part", "nearest_subject", "nearest_object",
    "cue", "other_cue", "negation", "title",
)  # fmt: skip
"""Names of the M marks of each character."""

_FAR = 99.0


@dataclass(frozen=True)
class Mentions:
    """Where a name stands in a text.

    Args:
        spans: Exact occurrences, case, width and 《》 folded; empty if there is none.
        part: Longest part of the name that occurs, when the whole does not.
        coverage: Its share of the name's characters; 1 for an exact occurrence.
    """

    spans: tuple[Span, ...]
    part: Span | None
    coverage: float

    @property
    def any(self) -> tuple[Span, ...]:
        """Exact spans, else the partial one, else nothing."""
        return self.spans or ((self.part,) if self.part else ())


def find_mentions(name: str, folded_text: str) -> Mentions:
    """Find a name in a folded text; at most 20 exact occurrences are returned."""
    needle = fold(strip_title_marks(name))
    spans = tuple((m.start(), m.end()) for _, m in zip(range(20), re.finditer(re.escape(needle), folded_text), strict=False))
    if spans:
        return Mentions(spans, None, 1.0)
    for length in range(min(len(needle) - 1, 40), 0, -1):
        for start in range(min(len(needle), 60) - length + 1):
            at = folded_text.find(needle[start : start + length])
            if at >= 0:
                return Mentions((), (at, at + length), length / len(needle))
    return Mentions((), None, 0.0)


def nearest_pair(subject: Mentions, object_: Mentions) -> tuple[Span, Span] | None:
    """The subject and object mention that stand closest together; distinct spans win over overlapping ones."""
    pairs = [(s, o) for s in subject.any for o in object_.any]
    if not pairs:
        return None
    return min(pairs, key=lambda pair: (_gap(*pair) < 0, abs(_gap(*pair)), pair))


def _gap(a: Span, b: Span) -> int:
    """Characters between two spans; negative when they overlap."""
    return max(a[0], b[0]) - min(a[1], b[1])


def _distance(span: Span, others: Sequence[Span]) -> float:
    return min((max(0.0, float(_gap(span, other))) for other in others), default=_FAR)


@dataclass(frozen=True)
class PairContext:
    """Everything the value groups below look at."""

    scan: TextScan
    triple: Triple
    subject: Mentions
    object: Mentions
    pair: tuple[Span, Span] | None
    cues: list[Span]
    near_miss_cues: list[Span]
    other_cues: list[Span]
    types: tuple[str, str]


def make_context(scan: TextScan, triple: Triple, own_cues: Sequence[str], near_misses: frozenset[str], types: tuple[str, str]) -> PairContext:
    """Look the triple up in the scanned text.

    Args:
        scan: The text.
        triple: The candidate.
        own_cues: Cue words of its predicate; for a predicate outside the schema, the predicate itself.
        near_misses: Relations that are easily taken for this one.
        types: Subject and object type that the schema gives the predicate, or empty strings.
    """
    subject, object_ = find_mentions(triple.subject, scan.folded), find_mentions(triple.object, scan.folded)
    own = [(s, e) for s, e, names in scan.cues if triple.predicate in names]
    own_set = set(own)
    if not own:
        words = sorted({fold(cue) for cue in own_cues if cue}, key=len, reverse=True)
        own = [m.span() for word in words[:30] for m in re.finditer(re.escape(word), scan.folded)]
    others = [(s, e, names) for s, e, names in scan.cues if (s, e) not in own_set and triple.predicate not in names]
    return PairContext(
        scan, triple, subject, object_, nearest_pair(subject, object_), own,
        [(s, e) for s, e, names in others if names & near_misses], [(s, e) for s, e, _ in others], types,
    )  # fmt: skip


def character_marks(context: PairContext) -> NDArray[np.float32]:
    """Marks `[len(text), M]`, 0 or 1, in the order of `MARKS`."""
    marks = np.zeros((len(context.scan.text), len(MARKS)), np.float32)
    groups: list[Sequence[Span]] = [
        context.subject.spans, context.object.spans,
        [context.subject.part] if context.subject.part else [], [context.object.part] if context.object.part else [],
        [context.pair[0]] if context.pair else [], [context.pair[1]] if context.pair else [],
        context.cues, context.other_cues, context.scan.negations, context.scan.titles,
    ]  # fmt: skip
    for column, spans in enumerate(groups):
        for start, end in spans:
            marks[start:end, column] = 1.0
    return marks


def candidate_values(context: PairContext) -> dict[str, float]:
    """All values of a candidate by name; the names and their order are the same for every candidate."""
    values: dict[str, float] = {}
    for group in (_name_values, _border_values, _distance_values, _cue_values, _negation_values, _type_values):
        values |= group(context)
    return values


def _squash(distance: float) -> float:
    return float(np.log1p(min(max(distance, 0.0), _FAR)) / np.log1p(_FAR))


def _name_values(c: PairContext) -> Mapping[str, float]:
    s, o = fold(strip_title_marks(c.triple.subject)), fold(strip_title_marks(c.triple.object))
    return {
        "subject_exact": float(bool(c.subject.spans)),
        "object_exact": float(bool(c.object.spans)),
        "subject_coverage": c.subject.coverage,
        "object_coverage": c.object.coverage,
        "subject_count": _squash(len(c.subject.spans)),
        "object_count": _squash(len(c.object.spans)),
        "subject_length": _squash(len(s)),
        "object_length": _squash(len(o)),
        "text_length": _squash(len(c.scan.text) / 4),
        "same_name": float(s == o),
        "name_in_name": float(s != o and (s in o or o in s)),
        "predicate_in_text": float(fold(c.triple.predicate) in c.scan.folded),
    }


def _border_values(c: PairContext) -> Mapping[str, float]:
    values: dict[str, float] = {}
    text = c.scan.text
    for role, spans in (("subject", c.pair[:1] if c.pair else ()), ("object", c.pair[1:] if c.pair else ())):
        start, end = spans[0] if spans else (0, 0)
        sides = {"before": text[start - 1 : start] if start else "", "after": text[end : end + 1]}
        for side, character in sides.items():
            found = border_class(character) if spans else -1
            for index, name in enumerate(BORDER_CLASSES):
                values[f"{role}_{side}_{name}"] = float(found == index)
        inside = [t for t in c.scan.titles if spans and t[0] <= start and end <= t[1]]
        values[f"{role}_is_title"] = float((start, end) in inside)
        values[f"{role}_inside_title"] = float(bool(inside) and (start, end) not in inside)
        run = _same_class(text, start, end) if spans else (False, False)
        values[f"{role}_cut_before"], values[f"{role}_cut_after"] = map(float, run)
    return values


def _same_class(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether a run of digits or of letters goes on beyond either end of a mention."""
    digit_or_latin = (BORDER_CLASSES.index("digit"), BORDER_CLASSES.index("latin"))

    def goes_on(inside: str, outside: str) -> bool:
        return bool(outside) and border_class(inside) in digit_or_latin and border_class(inside) == border_class(outside)

    before = start > 0 and goes_on(text[start], text[start - 1])
    return before, end < len(text) and goes_on(text[end - 1], text[end])


def _distance_values(c: PairContext) -> Mapping[str, float]:
    names = ("gap", "subject_first", "overlap", "same_clause", "same_sentence", "clauses_between", "commas_between",
             "list_marks_between", "titles_between", "brackets_between", "adjacent")  # fmt: skip
    if c.pair is None:
        return dict.fromkeys(names, 0.0)
    s, o = c.pair
    low, high = (s[1], o[0]) if s[0] <= o[0] else (o[1], s[0])
    middle = c.scan.folded[low:high]
    clauses = abs(int(c.scan.clause[s[0]]) - int(c.scan.clause[o[0]]))
    between = [t for t in c.scan.titles if low <= t[0] and t[1] <= high]
    found = (
        _squash(_gap(s, o)), float(s[0] <= o[0]), float(_gap(s, o) < 0), float(clauses == 0),
        float(c.scan.sentence[s[0]] == c.scan.sentence[o[0]]), _squash(clauses), _squash(middle.count(",")),
        _squash(middle.count("、")), _squash(len(between)), _squash(sum(map(middle.count, "()"))), float(0 <= _gap(s, o) <= 1),
    )  # fmt: skip
    return dict(zip(names, found, strict=True))


def _cue_values(c: PairContext) -> Mapping[str, float]:
    values = {
        "cue_count": _squash(len(c.cues)),
        "near_miss_cue_count": _squash(len(c.near_miss_cues)),
        "other_cue_count": _squash(len(c.other_cues)),
    }
    names = ("cue_to_subject", "cue_to_object", "near_miss_to_object", "near_miss_to_subject", "other_to_object",
             "cue_between", "near_miss_between", "cue_before_object", "cue_after_object", "cue_in_clause",
             "near_miss_closer", "other_closer", "cue_touches_object", "near_miss_touches_object")  # fmt: skip
    if c.pair is None:
        return values | dict.fromkeys(names, 0.0)
    s, o = c.pair
    low, high = min(s[1], o[1]), max(s[0], o[0])

    def between(spans: Sequence[Span]) -> float:
        return float(any(low <= a and b <= high for a, b in spans))

    own, near, other = (_distance(o, spans) for spans in (c.cues, c.near_miss_cues, c.other_cues))
    clause = int(c.scan.clause[o[0]])
    found = (
        _squash(_distance(s, c.cues)), _squash(own), _squash(near), _squash(_distance(s, c.near_miss_cues)), _squash(other),
        between(c.cues), between(c.near_miss_cues), float(any(b <= o[0] for _, b in c.cues)),
        float(any(a >= o[1] for a, _ in c.cues)), float(any(int(c.scan.clause[a]) == clause for a, _ in c.cues)),
        float(near < own), float(other < own), float(own == 0), float(near == 0),
    )  # fmt: skip
    return values | dict(zip(names, found, strict=True))


def _negation_values(c: PairContext) -> Mapping[str, float]:
    names = ("negation_in_clause", "negation_between", "negation_in_sentence", "negation_to_object", "negation_to_cue")
    negations = c.scan.negations
    values = {"negation_count": _squash(len(negations))}
    if c.pair is None:
        return values | dict.fromkeys(names, 0.0)
    s, o = c.pair
    low, high = min(s[0], o[0]), max(s[1], o[1])
    clause, sentence = int(c.scan.clause[o[0]]), int(c.scan.sentence[o[0]])
    found = (
        float(any(int(c.scan.clause[a]) == clause for a, _ in negations)),
        float(any(low <= a < high for a, _ in negations)),
        float(any(int(c.scan.sentence[a]) == sentence for a, _ in negations)),
        _squash(_distance(o, negations)),
        _squash(min((_distance(cue, negations) for cue in c.cues), default=_FAR)),
    )
    return values | dict(zip(names, found, strict=True))


def _type_values(c: PairContext) -> Mapping[str, float]:
    values: dict[str, float] = {}
    for role, name, type_name in (("subject", c.triple.subject, c.types[0]), ("object", c.triple.object, c.types[1])):
        for key, flag in zip(SHAPES, shape(strip_title_marks(name)), strict=True):
            values[f"{role}_looks_{key}"] = flag
        for key, flag in zip(TYPE_GROUPS, type_group(type_name), strict=True):
            values[f"{role}_expects_{key}"] = flag
    values["in_schema"] = float(bool(c.types[0]))
    return values


VALUES = tuple(candidate_values(make_context(TextScan("", "", []), Triple("s", "p", "o"), (), frozenset(), ("", ""))))
"""Names of the F values of each candidate."""
