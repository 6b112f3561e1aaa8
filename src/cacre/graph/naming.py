"""When two names are one entity, and two values one value: keys to compare them by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import cast

from cacre.errors import DataError, MissingExtraError

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_HAN_OR_KANA = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# One space, not a run of them: `\s+(?=...)` would try every run again from each of its spaces.
_SPACE_BESIDE_HAN = re.compile(rf"(?<=[{_HAN_OR_KANA}]) | (?=[{_HAN_OR_KANA}])")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# Characters that cannot be seen. The joiners are not among them: they hold emoji and letters of some scripts together.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)
_TITLE_MARKS = dict.fromkeys(map(ord, "《》〈〉「」"))
_ONE_CHARACTER = str.maketrans(
    {
        **dict.fromkeys("•‧・∙⋅", "·"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u2e3a\u2e3b\ufe58", "-"),
        **dict.fromkeys("‘’‚‛ʼ", "'"),
        **dict.fromkeys("“”„‟〝〞〟", '"'),
    }
)
_LONG_DASHES = re.compile("[\u2014\u2015\u2500\u2e3a\u2e3b]+")
_DOT_WITH_SPACES = re.compile(r"\s*·\s*")
_OUTER_QUOTES = re.compile(r"""(["'])((?:(?!\1).)*)\1|『([^『』]*)』""", re.DOTALL)


def entity_key(name: str) -> str:
    """What all spellings of a name have in common.

    Full and half width (NFKC), case, traditional and simplified characters (OpenCC), and the forms of middle dots,
    dashes and quotes do not count, nor do 《》〈〉「」, quotes around the whole, invisible characters, and spaces save
    between Latin words, of which one is left. A name of nothing but such marks is its own key.

    Args:
        name: Any text but an empty one.

    Raises:
        DataError: The name is empty, or holds a NUL character or a lone surrogate.
        MissingExtraError: OpenCC is not installed.
    """
    found = _UNUSABLE.search(name)
    if found or not name:
        what = f"holds U+{ord(found[0]):04X}, which is no text" if found else "is empty"
        raise DataError(f"the name {name!r:.80} {what}: a name needs at least one character")
    plain = unicodedata.normalize("NFKC", name).translate(_INVISIBLE)
    return _unquoted(_folded(plain.translate(_TITLE_MARKS))) or fold_spaces(plain) or name


def value_key(value: str) -> str:
    """What all spellings of a date, a number or a piece of text have in common.

    Full and half width, and spaces as in `entity_key`. Raised and lowered digits, fractions and other signs that stand
    for a number stay as they are, since NFKC would make 102 of 10².
    """
    return fold_spaces(unicodedata.normalize("NFC", "".join(map(_plain_width, value)))) or value


def fold_spaces(text: str) -> str:
    """The text without spaces at its ends and beside Han characters and kana, and with one space for any other run."""
    return _SPACE_BESIDE_HAN.sub("", " ".join(text.split()))


def _folded(text: str) -> str:
    """One way of writing case, characters, dots and dashes."""
    # Folding case can undo NFKC, and simplifying knows phrases, which spaces would hide.
    text = unicodedata.normalize("NFKC", fold_spaces(text).casefold())
    if _HAN.search(text):
        text = _simplifier()(text)
    return _DOT_WITH_SPACES.sub("·", _LONG_DASHES.sub("\u2014", text).translate(_ONE_CHARACTER))


def _unquoted(text: str) -> str:
    """The text without the quotes around it, however many."""
    while found := _OUTER_QUOTES.fullmatch(text):
        inner = (found[2] if found[2] is not None else found[3]).strip()
        if not inner:
            return ""
        text = inner
    return text


def _plain_width(character: str) -> str:
    if character.isnumeric() and not character.isdecimal():
        return character
    return unicodedata.normalize("NFKC", character)


@cache
def _simplifier() -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingExtraError("opencc", "graph") from error
    return cast("Callable[[str], str]", OpenCC("t2s").convert)
