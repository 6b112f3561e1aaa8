"""String evidence for a (text, triple) pair: marks per character and values per candidate.

It tells what can be seen without understanding: where subject and object stand, exactly or in part, what borders them,
which cue words of the relation (or of another) are near, and what negates. The network gets it beside the token ids.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

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
from cacre.preprocessing.mentions import FAR, Mentions, distance, find_all, find_mentions, gap, nearest_pair
from cacre.preprocessing.scan import TextScan, starts_word
from cacre.types import Span, Triple

MARKS = (
    "subject", "object", "subject_part", "object_part", "nearest_subject", "nearest_object",
    "cue", "other_cue", "negation", "title",
)  # fmt: skip
"""Names of the M marks of each character."""

_LOG_FAR = math.log1p(FAR)
_RUNS = (BORDER_CLASSES.index("digit"), BORDER_CLASSES.index("latin"))
"""What is read as one unit, so that a mention that ends inside is cut off: digits, Latin letters."""


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


def make_context(
    scan: TextScan, triple: Triple, own_cues: Sequence[str], near_misses: frozenset[str], types: tuple[str, str]
) -> PairContext:
    """Look the triple up in the scanned text.

    Args:
        scan: The text.
        triple: The candidate.
        own_cues: Cue words of its predicate, folded; for a predicate outside the schema, the predicate itself.
        near_misses: Relations that are easily taken for this one.
        types: Subject and object type that the schema gives the predicate, or empty strings.
    """
    subject, object_ = find_mentions(triple.subject, scan.folded), find_mentions(triple.object, scan.folded)
    own = [(s, e) for s, e, names in scan.cues if triple.predicate in names]
    if not own:
        # Also a cue that the scan took for part of a longer one, as 演唱 in 演唱会: better than none.
        spans = [span for word in own_cues for span in find_all(word, scan.folded)]
        own = [span for span in spans if starts_word(scan.folded, span[0])]
    own_set = set(own)
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


def _squash(length: float) -> float:
    """Bring a count or distance to [0, 1], finely where it is small."""
    return math.log1p(min(max(length, 0.0), FAR)) / _LOG_FAR


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
    for role, span in zip(("subject", "object"), c.pair or (None, None), strict=True):
        before = after = None
        cut_before = cut_after = is_title = inside_title = False
        if span is not None:
            before, first, last, after = _classes_at(c.scan.text, span)
            cut_before, cut_after = before == first and first in _RUNS, after == last and last in _RUNS
            is_title = span in c.scan.titles
            inside_title = not is_title and any(s <= span[0] and span[1] <= e for s, e in c.scan.titles)
        values |= _class_flags(f"{role}_before", before) | _class_flags(f"{role}_after", after)
        values[f"{role}_is_title"], values[f"{role}_inside_title"] = float(is_title), float(inside_title)
        values[f"{role}_cut_before"], values[f"{role}_cut_after"] = float(cut_before), float(cut_after)
    return values


def _classes_at(text: str, span: Span) -> tuple[int, int, int, int]:
    """Border classes of the characters before, first in, last in, and after a mention."""
    start, end = span
    around = (text[start - 1] if start else "", text[start], text[end - 1], text[end : end + 1])
    before, first, last, after = map(border_class, around)
    return before, first, last, after


@cache
def _class_flags(prefix: str, found: int | None) -> dict[str, float]:
    return {f"{prefix}_{name}": float(found == index) for index, name in enumerate(BORDER_CLASSES)}


def _distance_values(c: PairContext) -> Mapping[str, float]:
    names = ("gap", "subject_first", "overlap", "same_clause", "same_sentence", "clauses_between", "commas_between",
             "list_marks_between", "titles_between", "brackets_between", "adjacent")  # fmt: skip
    if c.pair is None:
        return dict.fromkeys(names, 0.0)
    s, o = c.pair
    low, high = (s[1], o[0]) if s[0] <= o[0] else (o[1], s[0])
    middle, apart = c.scan.folded[low:high], gap(s, o)
    clauses = abs(c.scan.clause[s[0]] - c.scan.clause[o[0]])
    between = [t for t in c.scan.titles if low <= t[0] and t[1] <= high]
    found = (
        _squash(apart), float(s[0] <= o[0]), float(apart < 0), float(clauses == 0),
        float(c.scan.sentence[s[0]] == c.scan.sentence[o[0]]), _squash(clauses), _squash(middle.count(",")),
        _squash(middle.count("、")), _squash(len(between)), _squash(sum(map(middle.count, "()"))),
        float(0 <= apart <= 1),
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

    own, near, other = (distance(o, spans) for spans in (c.cues, c.near_miss_cues, c.other_cues))
    clause = c.scan.clause[o[0]]
    found = (
        _squash(distance(s, c.cues)), _squash(own), _squash(near), _squash(distance(s, c.near_miss_cues)),
        _squash(other), between(c.cues), between(c.near_miss_cues), float(any(b <= o[0] for _, b in c.cues)),
        float(any(a >= o[1] for a, _ in c.cues)), float(any(c.scan.clause[a] == clause for a, _ in c.cues)),
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
    clause, sentence = c.scan.clause[o[0]], c.scan.sentence[o[0]]
    found = (
        float(any(c.scan.clause[a] == clause for a, _ in negations)),
        float(any(low <= a < high for a, _ in negations)),
        float(any(c.scan.sentence[a] == sentence for a, _ in negations)),
        _squash(distance(o, negations)),
        _squash(_nearest_distance(c.cues, negations)),
    )
    return values | dict(zip(names, found, strict=True))


def _nearest_distance(spans: Sequence[Span], others: Sequence[Span]) -> float:
    """Smallest distance between any of `spans` and any of `others`, which are in order and do not overlap."""
    starts = [start for start, _ in others]
    nearest = FAR
    for span in spans:
        after = bisect_right(starts, span[0])  # the two neighbours suffice, and long texts have many of both
        nearest = min(nearest, distance(span, others[max(0, after - 1) : after + 1]))
    return nearest


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
