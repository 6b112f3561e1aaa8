"""Cutting one written triple, such as `《甲》（1987年版），导演，乙`, into its three parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cacre.preprocessing.brackets import encloses
from cacre.types import Span

Parts = tuple[str, str, str]

WIDTH = {"（": "(", "）": ")", "［": "[", "］": "]", "｛": "{", "｝": "}", "＜": "<", "＞": ">"}
"""Full-width brackets and what they stand for: answers mix both widths."""
_PAIRS = {"(": ")", "[": "]", "{": "}", "【": "】", "《": "》", "〈": "〉", "“": "”", "‘": "’", "「": "」", "『": "』"}
_CLOSERS = frozenset(_PAIRS.values())
_MOST_NESTED = 64
_MOST_PARTS = 12
_HIDDEN = "\ue000"

_QUOTES = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "'": "'", "`": "`", "＂": "＂"}
BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u200c\u200d\u2060\ufeff"
"""White space as `str.strip` knows it, and characters of no width."""

_CLEAR = (re.compile(r"[|｜]"), re.compile(r"\t+"), re.compile(r"(?:-+|=+|—+|─+)[>＞→]|→"))
"""Separators that hardly ever stand inside an entity: three parts by one of them are believed first."""
_COMMAS = (re.compile("，"), re.compile(","), re.compile("[，,]"))
_RARE = (re.compile("[;；]"), re.compile("、"), re.compile(r"——+|--+"))
"""Separators that are only tried where there is no comma, since entities contain them."""
_END_OF_QUOTE = {mark: re.compile(mark + r"(?=\s*(?:$|[,，、|｜;；)）\]］】>＞\t→—-]))") for mark in "\"'"}
_BEFORE_QUOTE = frozenset("([{【,，、|;；\t>→:：")


@dataclass(frozen=True, slots=True)
class Unsplit:
    """A written triple that does not fall into three parts.

    Args:
        text: The piece as it stands.
        spans: Its parts at every comma.
        reason: Why it was not split.
    """

    text: str
    spans: tuple[Span, ...]
    reason: str

    def ways(self) -> Iterator[Parts]:
        """Every way to make three parts with one whole part as the predicate; none for a piece of very many parts."""
        if len(self.spans) > _MOST_PARTS:
            return
        for middle in range(1, len(self.spans) - 1):
            start, end = self.spans[middle]
            yield self.text[: self.spans[middle - 1][1]], self.text[start:end], self.text[self.spans[middle + 1][0] :]


def clean_part(part: str) -> str:
    """Strip white space and quotes around the whole part; 《》 and whatever stands inside stay."""
    part = part.strip(BLANK)
    while len(part) > 1 and _QUOTES.get(part[0]) == part[-1] and encloses(part):
        part = part[1:-1].strip(BLANK)
    return part


def hide_nested(text: str, start: int = 0, *, one_group: bool = False) -> tuple[str, int, bool]:
    """Hide what stands in brackets or quotes, so that only separators between parts remain to be seen.

    Args:
        text: A line.
        start: Where to begin; everything before is cut off.
        one_group: Stop where the bracket at `start` closes.

    Returns:
        The text from `start` on with nested characters replaced one for one; the offset after the last character
        looked at, -1 where the group at `start` does not close; whether all brackets matched.
    """
    stack: list[str] = []
    shown: list[str] = []  # grown, not copied: a line may hold thousands of groups
    balanced, closable, at = True, {'"': True, "'": True}, start
    previous = "("
    while at < len(text):
        character = WIDTH.get(text[at], text[at])
        if character in closable and closable[character] and previous in _BEFORE_QUOTE:
            found = _END_OF_QUOTE[character].search(text, at + 1)
            if found:
                shown.append(_HIDDEN * (found.end() - at))
                at, previous = found.end(), _HIDDEN
                continue
            closable[character] = False  # searched to the end in vain: never again, or this were quadratic
        if character in _PAIRS:
            stack.append(_PAIRS[character])
        elif character in _CLOSERS:
            balanced = _close(stack, character) and balanced
        shown.append(_HIDDEN if stack or character in _CLOSERS else text[at])
        if len(stack) > _MOST_NESTED:
            return text[start:], -1, False
        at += 1
        previous = previous if character in " \u3000" else character
        if one_group and not stack:
            return "".join(shown), at, balanced
    return "".join(shown), -1 if one_group else at, balanced and not stack


def _close(stack: list[str], closer: str) -> bool:
    """Close the innermost bracket that `closer` fits; whether it was the innermost of all."""
    if closer not in stack:
        return False
    clean = stack[-1] == closer
    while stack.pop() != closer:
        pass
    return clean


def split_at(shown: str, separator: re.Pattern[str]) -> tuple[Span, ...]:
    """Spans of the parts between separators, of a text that went through `hide_nested`."""
    spans, start = [], 0
    for found in separator.finditer(shown):
        spans.append((start, found.start()))
        start = found.end()
    return (*spans, (start, len(shown)))


def _three(text: str, shown: str, separator: re.Pattern[str]) -> Parts | None:
    spans = split_at(shown, separator)
    if len(spans) == 5 and not text[slice(*spans[0])].strip() and not text[slice(*spans[-1])].strip():
        spans = spans[1:-1]  # | a | b | c |
    if len(spans) != 3:
        return None
    first, second, third = (text[start:end] for start, end in spans)
    return first, second, third


def split_three(text: str, predicates: frozenset[str] = frozenset()) -> Parts | Unsplit:
    """Cut a written triple into three parts.

    A separator that gives exactly three parts outside brackets, 《》 and quotes is taken. Where several do, or a comma
    stands inside an entity, the one way that has a known predicate in the middle is taken.

    Args:
        text: What stands between the outer brackets.
        predicates: Names of the relations asked for, if known.
    """
    shown, _, balanced = hide_nested(text)
    done = _split_shown(text, shown, predicates)
    if isinstance(done, Unsplit) and len(done.spans) < 3 and not balanced:
        return _split_shown(text, text, predicates)
    return done


def _split_shown(text: str, shown: str, predicates: frozenset[str]) -> Parts | Unsplit:
    for separator in _CLEAR:
        if parts := _three(text, shown, separator):
            return parts
    found = {parts for separator in _COMMAS if (parts := _three(text, shown, separator))}
    whole = Unsplit(text, split_at(shown, _COMMAS[-1]), "")
    if len(whole.spans) == 1:
        found |= {parts for separator in _RARE if (parts := _three(text, shown, separator))}
    for ways in (found, set(whole.ways())):
        known = [way for way in ways if clean_part(way[1]) in predicates]
        if len(known) == 1:
            return known[0]
    if len(found) == 1:
        return found.pop()
    reason = "more than one way to split it" if found else f"{len(whole.spans)} parts"
    return Unsplit(text, whole.spans, reason)
