"""Annotated texts as windows with links between token spans: what every extractor learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

from cacre.baselines.extractors.tags import VALUE, TagSet
from cacre.baselines.extractors.windows import TokenSpan, Window, WindowMaker
from cacre.data.duie import DuieFact, DuieText
from cacre.preprocessing.characters import fold
from cacre.preprocessing.mentions import find_mentions, gap
from cacre.types import Span

Occurrences = Literal["first", "all"]
_MOST_OCCURRENCES = 6
"""Of a name in one window, where all of them are marked."""


class Link(NamedTuple):
    """An object of a subject: `tag` is the number of a relation, or of a slot of one."""

    subject: TokenSpan
    tag: int
    object: TokenSpan


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """A window with its gold.

    Args:
        window: What the encoder sees.
        links: Gold links, each once; none for a text without triples.
        source: The annotated text it came from.
        index: Number of the window among all of its data set.
    """

    window: Window
    links: tuple[Link, ...]
    source: DuieText
    index: int

    def __len__(self) -> int:
        return len(self.window)


@dataclass
class Marker:
    """Finds the mentions of annotated facts and marks them.

    As in CasRel, the first occurrence of a name stands for all: subject and object are the leftmost pair that does not
    overlap. With `occurrences="all"` every pair is marked, which is more signal, but marks chance repetitions too.

    Args:
        maker: Cuts texts.
        tags: What objects are tagged with.
        occurrences: Which occurrences are marked.
        lost: Parts of facts (objects and slots) in no window; a name that the text lacks, or longer than a window.
        unknown: Parts of facts whose relation or slot the schema lacks; they are left out.
    """

    maker: WindowMaker
    tags: TagSet
    occurrences: Occurrences = "first"
    lost: int = 0
    unknown: int = 0

    def label(self, texts: Sequence[DuieText]) -> list[LabelledWindow]:
        """The windows of annotated texts, numbered, each with the links whose two ends are in it."""
        labelled: list[LabelledWindow] = []
        for source, windows in zip(texts, self.maker.windows_of([text.text for text in texts]), strict=True):
            parts = list(self._parts(source.facts))
            links = [self._links(window, parts) for window in windows]
            self.lost += sum(all(not found[number] for found in links) for number in range(len(parts)))
            for window, found in zip(windows, links, strict=True):
                once = tuple(dict.fromkeys(link for part in found for link in part))
                labelled.append(LabelledWindow(window, once, source, len(labelled)))
        return labelled

    def _parts(self, facts: Sequence[DuieFact]) -> Iterator[tuple[str, int, str]]:
        """(subject, tag, object) of each fact and of each of its slots."""
        for fact in facts:
            subject, predicate, value = fact.triple
            for slot, name in ((VALUE, value), *fact.slots.items()):
                tag = self.tags.number(predicate, slot)
                if tag is None:
                    self.unknown += 1
                elif name.strip():
                    yield subject, tag, name

    def _links(self, window: Window, parts: Sequence[tuple[str, int, str]]) -> list[list[Link]]:
        start, end = window.characters
        folded = fold(window.text[start:end])
        spans = {name: _spans(name, folded, start) for subject, _, object_ in parts for name in (subject, object_)}
        found = []
        for subject, tag, object_ in parts:
            pairs = sorted(product(spans[subject], spans[object_]), key=_order)
            chosen = (
                pairs[:1] if self.occurrences == "first" else [p for p in pairs if _order(p)[0] == _order(pairs[0])[0]]
            )
            tokens = [(window.tokens_of(left), window.tokens_of(right)) for left, right in chosen]
            found.append([Link(left, tag, right) for left, right in tokens if left is not None and right is not None])
        return found


def _spans(name: str, folded: str, shift: int) -> list[Span]:
    return [(start + shift, end + shift) for start, end in find_mentions(name, folded).spans[:_MOST_OCCURRENCES]]


def _order(pair: tuple[Span, Span]) -> tuple[bool, Span, Span]:
    """Pairs that do not overlap first, then from left to right."""
    return gap(*pair) < 0, *pair
