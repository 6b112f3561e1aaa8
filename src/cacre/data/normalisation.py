"""When two names, or two texts, are the same for data work: guarding negatives and keeping splits apart."""

from __future__ import annotations

import unicodedata

from cacre.simplified import simplify
from cacre.types import Triple

_TITLE_MARKS = str.maketrans("", "", "《》")


def normalise_name(name: str) -> str:
    """A name without title marks, outer spaces, case and the difference between the Chinese scripts (顧 is 顾)."""
    return simplify(normalise_in_script(name))


def normalise_in_script(name: str) -> str:
    """A name without title marks, outer spaces and case, in the script that it is written in."""
    return name.translate(_TITLE_MARKS).strip().casefold()


def normalise_predicate(predicate: str) -> str:
    """A predicate as a name, its width as little minded as `Schema.resolve` does."""
    return normalise_name(unicodedata.normalize("NFKC", predicate))


def normalise_triple(triple: Triple) -> Triple:
    """A triple of normalised names and predicate."""
    return Triple(normalise_name(triple.subject), normalise_predicate(triple.predicate), normalise_name(triple.object))


def normalise_text(text: str) -> str:
    """A text without spaces, case and the difference between full and half width."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def strip_marks(name: str) -> str:
    """A normalised name without punctuation, symbols and spaces at its ends."""
    name = normalise_name(name)
    inner = [index for index, character in enumerate(name) if unicodedata.category(character)[0] not in "PSZC"]
    return name[inner[0] : inner[-1] + 1] if inner else ""
