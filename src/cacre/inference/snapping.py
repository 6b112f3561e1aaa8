"""Entities as the text writes them, and where they stand in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from cacre.inference.decision import normalise_mention
from cacre.preprocessing.brackets import encloses
from cacre.preprocessing.characters import CLOSING, OPENING, strip_title_marks
from cacre.types import Candidate, Span, Triple

_PAIRS = {**dict(zip(OPENING, CLOSING, strict=True)), "'": "'"}
# Lower case of Σ is ς at the end of a word and σ elsewhere, so that a part folds differently from the whole.
_FINAL_SIGMA = str.maketrans("ς", "σ")


@dataclass(frozen=True, slots=True)
class Snapped:
    """An entity after it was looked up in the text.

    Args:
        surface: The entity as the text writes it; as the LLM wrote it where the text has no such entity.
        span: Character offsets `[start, end)` of the first mention in the text; None if there is none.
    """

    surface: str
    span: Span | None


class Snapper:
    """Finds entities in one text, whatever way the LLM wrote them.

    An entity is looked for as it stands; then without white space, invisible characters, case, the difference between
    full and half width, 《 》 and the kind of its name dots, as `normalise_mention` folds them for the mention check of
    the filter; then without the quotes or brackets around it. What is found passes that check, save where an exact
    occurrence cuts a combining character off its base.

    《 》 around a whole entity do not belong to it, as in DuIE: 《雾中渡》 gives 雾中渡. Marks within it do. What was
    snapped once is left alone when snapped again.

    Args:
        text: The text; folded once, when the first entity asks for it.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def snap(self, entity: str) -> Snapped:
        """Give the entity as the text writes it, with its first occurrence.

        Returns:
            A surface that is exactly `text[start:end]`; the entity untouched, with no span, where the text has none.
        """
        for form in _forms(entity):
            needle = _fold(form)
            if not needle:
                continue
            start = self._text.find(form)
            if start >= 0:
                return Snapped(form, (start, start + len(form)))
            span = self._folded.find(needle)
            if span is not None:
                start, end = self._with_cut_marks(span)
                return Snapped(self._text[start:end], (start, end))
        return Snapped(entity, None)

    @cached_property
    def _folded(self) -> _FoldedText:
        return _folded_text(self._text)

    def _with_cut_marks(self, span: Span) -> Span:
        """The span with the marks beside it that it cuts off from their partners: 甲与乙 gives 《甲》与《乙》."""
        start, end = span
        closing, opening = _lone_marks(self._text[start:end])
        start -= closing > 0 and self._text[start - 1 : start] == "《"
        end += opening > 0 and self._text[end : end + 1] == "》"
        return start, end


def as_written(text: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with their names as the text writes them, where it writes them otherwise than they do.

    A model looks for names character by character: to it 1998年 does not stand in a text that has 1998 年. Names that
    stand in the text, and those that it does not have at all, stay as they are.

    Args:
        text: The text.
        candidates: What is judged against it.
    """
    snapper = Snapper(text)

    def name(given: str) -> str:
        return given if given in text else snapper.snap(given).surface

    def triple(given: Triple) -> Triple:
        return Triple(name(given.subject), given.predicate, name(given.object))

    return [
        replace(c, triple=triple(c.triple), paraphrase=None if c.paraphrase is None else triple(c.paraphrase))
        for c in candidates
    ]


def whole_characters(text: str, span: Span) -> Span:
    """The span as far as what combines with its last character goes; tokens end at the base of a decomposed é or 가."""
    start, end = span
    while start < end < len(text) and _combines(text[end]):
        end += 1
    return start, end


@dataclass(frozen=True, slots=True)
class _FoldedText:
    """A folded text and the way back.

    Args:
        text: The folded text.
        starts: Per folded character, where what it was folded from begins in the original.
        ends: Per folded character, where that ends.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def find(self, needle: str) -> Span | None:
        """Span in the original of the first occurrence that cuts nothing in two: 株 is no part of ㈱."""
        at = self.text.find(needle)
        while at >= 0:
            last = at + len(needle) - 1
            opens = at == 0 or self.starts[at - 1] != self.starts[at]
            if opens and (last + 1 == len(self.text) or self.starts[last + 1] != self.starts[last]):
                return self.starts[at], self.ends[last]
            at = self.text.find(needle, at + 1)
        return None


def _folded_text(text: str) -> _FoldedText:
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        folded = _fold_cluster(text[start:end])
        parts.append(folded)
        starts.extend([start] * len(folded))
        ends.extend([end] * len(folded))
    return _FoldedText("".join(parts), starts, ends)


def _clusters(text: str) -> Iterator[Span]:
    """The shortest stretches that fold alone as they fold in the text: a character with what combines with it."""
    start = 0
    for index, character in enumerate(text):
        if index and not _combines(character):
            yield start, index
            start = index
    if text:
        yield start, len(text)


@lru_cache(maxsize=1 << 16)
def _combines(character: str) -> bool:
    """Whether a character may melt into the one before it: accents, vowel signs, later parts of a Hangul syllable."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"


def _fold(name: str) -> str:
    return normalise_mention(name).translate(_FINAL_SIGMA)


_fold_cluster = lru_cache(maxsize=1 << 16)(_fold)


def _forms(entity: str) -> Iterator[str]:
    """The entity without outer 《 》, then with one pair of quotes or brackets less at a time."""
    form = _without_title_marks(entity)
    yield form
    while len(form) > 2 and _PAIRS.get(form[0]) == form[-1] and encloses(form):
        form = _without_title_marks(form[1:-1])
        yield form


def _without_title_marks(name: str) -> str:
    """A name without outer white space, 《 》 around the whole, and a mark at an end whose partner is missing."""
    while True:
        before, name = name, name.strip()
        if name.startswith("《") and name.endswith("》") and encloses(name):
            name = strip_title_marks(name)
        elif name.startswith("《") and "》" not in name:
            name = name[1:]
        elif name.endswith("》") and "《" not in name:
            name = name[:-1]
        if name == before:
            return name


def _lone_marks(name: str) -> Span:
    """How many 》 lack their 《, and how many 《 their 》."""
    closing = opening = 0
    for character in name:
        if character == "《":
            opening += 1
        elif character == "》":
            closing, opening = (closing, opening - 1) if opening else (closing + 1, 0)
    return closing, opening
