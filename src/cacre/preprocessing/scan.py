"""One pass over a text, independent of any triple: folded text, clauses, titles, cue words, signs of negation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from cacre.preprocessing.characters import fold
from cacre.schema import Schema

CLAUSE_ENDS = frozenset("，。；！？：,;!?:\n")
_SENTENCE_ENDS = frozenset("。！？!?\n")
_TITLE = re.compile(r"《[^《》]{1,80}》")

# Denial, rumour, plan, correction: words that turn a mention into something that the text does not support.
_NEGATION = re.compile(
    "不是|并非|不为|非由|没有|没能|未能|未曾|尚未|从未|并未|未|无缘|婉拒|拒绝|否认|辟谣|谣|不实|误|错|更正|勘误|而非|不再|取消|落选|"
    "传闻|据传|有传|网传|盛传|传言|据说|听说|疑似|或将|可能|也许|似乎|猜|有望|拟|计划|打算|预计|希望|曾考虑|假如|如果|若|原定|本应|差点|险些|别|莫"
)


class CueIndex:
    """Finds the cue words of every relation of a schema.

    Args:
        schema: Gives the cue words.

    Attributes:
        words: Relation -> its cue words, folded, the longest first.
    """

    def __init__(self, schema: Schema) -> None:
        self.words: dict[str, tuple[str, ...]] = {}
        relations: dict[str, set[str]] = {}
        for name in schema.relations:
            folded = {fold(cue) for cue in schema.cues(name) if cue}
            self.words[name] = tuple(sorted(folded, key=lambda word: (-len(word), word)))
            for word in folded:
                relations.setdefault(word, set()).add(name)
        # By first character, the longest first: a regular expression of a thousand words tries each of them everywhere.
        self._starting: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for word in sorted(relations, key=lambda word: (-len(word), word)):
            self._starting.setdefault(word[0], []).append((word, frozenset(relations[word])))

    def find(self, folded: str) -> list[tuple[int, int, frozenset[str]]]:
        """All cues as (start, end, relations they signal), in order.

        They may overlap; of those that start at one character only the longest counts: 演唱会 is no 演唱. None starts
        inside a Latin word: "border" is no "order".
        """
        found = []
        for start, character in enumerate(folded):
            for word, names in self._starting.get(character, ()):
                if folded.startswith(word, start) and starts_word(folded, start):
                    found.append((start, start + len(word), names))
                    break
        return found


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
    def clause(self) -> list[int]:
        """Number of the clause of each character, `[len(text) + 1]`."""
        return _count(self.folded, CLAUSE_ENDS)

    @cached_property
    def sentence(self) -> list[int]:
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


def starts_word(text: str, start: int) -> bool:
    """Whether what starts here starts no later than the Latin word it is in; anywhere in a Chinese text."""
    return start == 0 or not (_is_latin(text[start - 1]) and _is_latin(text[start]))


def _is_latin(character: str) -> bool:
    return character.isalpha() and character < "\u0250"


def scan_text(text: str, cues: CueIndex) -> TextScan:
    """Scan a text once; all its candidates share the result."""
    folded = fold(text)
    return TextScan(text, folded, cues.find(folded))


def _count(text: str, ends: frozenset[str]) -> list[int]:
    return list(accumulate((character in ends for character in text), initial=0))
