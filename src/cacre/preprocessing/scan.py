"""One pass over a text, independent of any triple: folded text, clauses, titles, cue words, signs of negation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cacre.preprocessing.characters import fold
from cacre.schema import Schema

_CLAUSE_ENDS = frozenset("，。；！？：,;!?:\n")
_SENTENCE_ENDS = frozenset("。！？!?\n")
_TITLE = re.compile(r"《[^《》]{1,80}》")

# Denial, rumour, plan, correction: words that turn a mention into something that the text does not support.
_NEGATION = re.compile(
    "不是|并非|不为|非由|没有|没能|未能|未曾|尚未|从未|并未|未|无缘|婉拒|拒绝|否认|辟谣|谣|不实|误|错|更正|勘误|而非|不再|取消|落选|"
    "传闻|据传|有传|网传|盛传|传言|据说|听说|疑似|或将|可能|也许|似乎|猜|有望|拟|计划|打算|预计|希望|曾考虑|假如|如果|若|原定|本应|差点|险些|别|莫"
)


class CueIndex:
    """Finds the cue words of every relation of a schema in one regular expression pass."""

    def __init__(self, schema: Schema) -> None:
        words: dict[str, set[str]] = {}
        for name in schema.relations:
            for cue in schema.cues(name):
                words.setdefault(fold(cue), set()).add(name)
        self._relations: Mapping[str, frozenset[str]] = {w: frozenset(names) for w, names in words.items()}
        longest_first = sorted(self._relations, key=lambda w: (-len(w), w))
        # A look-ahead finds overlapping cues: 出品 and 出品公司 both count.
        self._pattern = re.compile("(?=(" + "|".join(map(re.escape, longest_first)) + "))") if words else None
        self._sorted = longest_first

    def find(self, folded: str) -> list[tuple[int, int, frozenset[str]]]:
        """All cues as (start, end, relations they signal), in order."""
        if self._pattern is None:
            return []
        return [(m.start(1), m.end(1), self._relations[m[1]]) for m in self._pattern.finditer(folded)]


@dataclass(frozen=True)
class TextScan:
    """What a text shows without any triple in mind.

    Args:
        text: The text (or window).
        folded: The same, case and width folded, equally long.
        cues: (start, end, relations signalled) of each cue word.
    """

    text: str
    folded: str
    cues: list[tuple[int, int, frozenset[str]]]

    @cached_property
    def clause(self) -> NDArray[np.int32]:
        """Number of the clause of each character, `[len(text) + 1]`."""
        return _count(self.folded, _CLAUSE_ENDS)

    @cached_property
    def sentence(self) -> NDArray[np.int32]:
        """Number of the sentence of each character, `[len(text) + 1]`."""
        return _count(self.folded, _SENTENCE_ENDS)

    @cached_property
    def titles(self) -> list[tuple[int, int]]:
        """Inner spans of 《 》."""
        return [(m.start() + 1, m.end() - 1) for m in _TITLE.finditer(self.text)]

    @cached_property
    def negations(self) -> list[tuple[int, int]]:
        """Spans of words of denial, rumour, plan or correction."""
        return [m.span() for m in _NEGATION.finditer(self.folded)]


def scan_text(text: str, cues: CueIndex) -> TextScan:
    """Scan a text once; all its candidates share the result."""
    folded = fold(text)
    return TextScan(text, folded, cues.find(folded))


def _count(text: str, ends: frozenset[str]) -> NDArray[np.int32]:
    stops = np.fromiter((c in ends for c in text), bool, len(text))
    return np.concatenate([[0], np.cumsum(stops)]).astype(np.int32)
