"""Names cut off or grown by a few characters, the commonest fault of extractors."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cacre.data.normalisation import normalise_name, strip_marks

_MAX_CHARACTERS = 3
_OPTIONAL_ENDS = frozenset("市省县区镇乡村州国年月日号元米岁")
"""Ends that a right name may lack: 北京 for 北京市, 2003 for 2003年."""


def trims(name: str, text: str, known: Iterable[str]) -> list[str]:
    """All wrongly bounded forms of a name that a text offers.

    Args:
        name: A name; one that is not in the text has no such forms.
        text: The text.
        known: Names that must not come out, whatever their case or title marks.

    Returns:
        Distinct substrings of the text, each of them the name less 1-3 characters at one end or more by 1-3
        characters that stand beside it; not empty, and different from the name and from all known names by more than
        punctuation.
    """
    taken = {strip_marks(name), *map(strip_marks, known)}
    found: dict[str, None] = {}
    for start in _occurrences(name, text):
        for form in (*_shorter(name), *_longer(start, start + len(name), text)):
            if strip_marks(form) not in taken and normalise_name(form) and form == form.strip():
                found[form] = None
    return list(found)


def _occurrences(name: str, text: str) -> list[int]:
    return [match.start() for match in re.finditer(f"(?={re.escape(name)})", text)] if name else []


def _shorter(name: str) -> list[str]:
    forms = []
    for count in range(1, min(_MAX_CHARACTERS, len(name) - 1) + 1):
        forms.append(name[count:])
        if count > 1 or name[-1] not in _OPTIONAL_ENDS:
            forms.append(name[:-count])
    return forms


def _longer(start: int, end: int, text: str) -> list[str]:
    forms = []
    for count in range(1, _MAX_CHARACTERS + 1):
        if start >= count:
            forms.append(text[start - count : end])
        if end + count <= len(text):
            grown = text[start : end + count]
            if count > 1 or grown[-1] not in _OPTIONAL_ENDS:
                forms.append(grown)
    return forms
