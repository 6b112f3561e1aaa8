"""What no row can hold does not get into one: it goes to the errors file with the other pieces that cannot be used."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from cacre.extraction.values import Fragment, ParsedAnswer, SaidTriple

LONGEST_PART = 1000
"""Characters; the name of an entity or a relation is never as long, a text gone astray between two quotes is."""
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def without_unusable(parsed: ParsedAnswer) -> ParsedAnswer:
    """The answer with triples only that a row may hold; the others become fragments.

    A part must not hold a NUL or half a surrogate pair, nor be longer than `LONGEST_PART`. Of a type that breaks these
    rules only the type goes.
    """
    fragments = list(parsed.fragments)
    return replace(
        parsed,
        anchors=_usable(parsed.anchors, fragments),
        positives=_usable(parsed.positives, fragments),
        negatives=_usable(parsed.negatives, fragments),
        fragments=tuple(fragments),
    )


def _usable(said: Sequence[SaidTriple], fragments: list[Fragment]) -> tuple[SaidTriple, ...]:
    kept = []
    for one in said:
        reason = next((reason for part in one.triple if (reason := _fault(part))), None)
        if reason is None:
            kept.append(_with_usable_types(one))
        else:
            fragments.append(Fragment(json.dumps(one.triple, ensure_ascii=False), reason))
    return tuple(kept)


def _with_usable_types(one: SaidTriple) -> SaidTriple:
    types = [None if kind is None or _fault(kind) else kind for kind in (one.subject_type, one.object_type)]
    return (
        one
        if types == [one.subject_type, one.object_type]
        else replace(one, subject_type=types[0], object_type=types[1])
    )


def _fault(part: str) -> str | None:
    if len(part) > LONGEST_PART:
        return f"a part of {len(part)} characters, at most {LONGEST_PART} are allowed"
    return "a part that holds a NUL or half a surrogate pair" if _NO_TEXT.search(part) else None
