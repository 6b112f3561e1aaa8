"""Replacing names or words of a text, where that can be done without doubt about what becomes of its names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from cacre.preprocessing.characters import fold, strip_title_marks
from cacre.preprocessing.mentions import find_all, gap
from cacre.types import Span

Edits = Sequence[tuple[Span, str]]


def key_of(name: str) -> str:
    """A name as it is looked for in a folded text."""
    return fold(strip_title_marks(name))


def rewrite(text: str, changes: Mapping[str, str], names: Iterable[str]) -> str | None:
    """Replace all occurrences of some strings by others, at once.

    Args:
        text: The text.
        changes: What is replaced, as `key_of` gives it, and by what.
        names: Keys of names: each is to stand, itself or as what replaces it, exactly where it stood, and nowhere else.

    Returns:
        The new text; None where a name would vanish, appear or move, where what is to be replaced does not occur, or
        overlaps a name that stays, or where it or its replacement would be part of a longer Latin word or number.
    """
    folded = fold(text)
    edits = sorted((span, new) for old, new in changes.items() for span in find_all(old, folded))
    places = {name: find_all(name, folded) for name in names}
    if not all(old in folded for old in changes) or not _apart(edits, changes, places):
        return None
    made = _spliced(text, edits)
    if made is None:
        return None
    searched = fold(made)
    for name, spans in places.items():
        new = changes.get(name, name)
        moved = [_moved(start, edits) for start, _ in spans]
        if find_all(fold(new), searched) != [(start, start + len(new)) for start in moved]:
            return None
    return made


def _apart(edits: Edits, changes: Mapping[str, str], places: Mapping[str, Sequence[Span]]) -> bool:
    """Whether edits overlap neither each other nor a name that stays."""
    stays = [span for name, spans in places.items() if name not in changes for span in spans]
    return all(a[1] <= b[0] for (a, _), (b, _) in pairwise(edits)) and all(
        gap(span, other) >= 0 for span, _ in edits for other in stays
    )


def _spliced(text: str, edits: Edits) -> str | None:
    pieces, at = [], 0
    for (start, end), new in edits:
        pieces += [text[at:start], new]
        at = end
        if any(_one_word(text[start - 1 : start], part[:1]) for part in (text[start:], new)):
            return None
        if any(_one_word(part[-1:], text[end : end + 1]) for part in (text[:end], new)):
            return None
    return "".join([*pieces, text[at:]])


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbours belong to one Latin word or number, so that none of it can be replaced alone."""
    return all(character.isascii() and character.isalnum() for character in (left, right))


def _moved(place: int, edits: Edits) -> int:
    return place + sum(len(new) - (end - start) for (start, end), new in edits if end <= place)
