"""Which blocks of JSON in one answer count: a draft gives way to its correction, one block a relation stays."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from cacre.extraction.parsing.reading import ListName, Reading
from cacre.extraction.values import Fragment
from cacre.types import Triple

_FACTS: frozenset[ListName] = frozenset(["triples", "anchors"])
_FINAL = re.compile(
    "修正|更正|改正|订正|纠正|修订|最终|检查后|核对后|复核|重新|不成立|有误"
    "|final|correct(?:ed|ion)|revis|actually|on reflection",
    re.I,
)
_DRAFT = re.compile(r"草稿|初稿|初步|示例|例如|draft|example|e\.g\.", re.I)
_NEAR = 80
"""Characters before a block of JSON that may say what it is."""

LEFT_OUT = "earlier json left out"
"""Counts, among the repairs, the blocks that a later one has replaced."""

_Key = tuple[ListName, str, frozenset[str]]


class Versions:
    """The blocks of an answer, in order and apart, so that a later one replaces only those that it corrects."""

    def __init__(self) -> None:
        self._parts: list[Reading] = []
        self._names: Counter[ListName] = Counter()
        self._counting: set[int] = set()  # the parts that hold triples; drafts are among them
        self._drafts: set[int] = set()
        self._said: defaultdict[_Key, set[int]] = defaultdict(set)

    def add(self, reading: Reading, gap: str, *, bare_list: bool, raw: str) -> None:
        """Take in the next block.

        Args:
            reading: What it holds.
            gap: What stands between it and the block before.
            bare_list: Whether it is a list, and not an object.
            raw: Its characters.
        """
        words = gap.strip()[-_NEAR:]
        joined = not gap.strip(" \t\r\n,，;；、")
        names = set(+self._names)
        if names and not joined and (names & reading.names or (reading.empty and not reading.reads)):
            if not reading.reads and (not reading.empty or bare_list):
                self._keep(Reading(fragments=reading.fragments))
                return
            replaced = self._corrected_by(reading, words)
            if replaced and reading.repairs["json cut off"] and not self._cut_off(replaced):
                self._keep(Reading(fragments=[Fragment(raw, "cut off, after a complete answer")]))
                return
            self._leave_out(replaced, {read.said.triple for read in reading.reads})
        self._keep(reading, joined=joined)
        if reading.reads and _DRAFT.search(words):
            self._drafts.add(len(self._parts) - 1)

    def answer(self) -> Reading:
        """All that counts, and what was left out among the fragments."""
        answer = Reading()
        for part in self._parts:
            answer.extend(part)
        return answer

    def _keep(self, reading: Reading, *, joined: bool = False) -> None:
        if not joined or not self._parts:
            self._parts.append(Reading())
        number = len(self._parts) - 1
        self._parts[number].extend(reading)
        self._names.update(read.name for read in reading.reads)
        if reading.reads:
            self._counting.add(number)
        for key in _keys(reading):
            self._said[key].add(number)

    def _corrected_by(self, reading: Reading, words: str) -> set[int]:
        """The parts that this block replaces: all if the words say so, else drafts, and what says the same triple.

        Another object for a subject and its predicate corrects nothing: a film has several actors. What is called wrong
        says little, too: two groups may have a wrong triple in common.
        """
        if _FINAL.search(words):
            return set(self._counting)
        drafts = {n for n in self._drafts if not reading.reads or reading.names & self._parts[n].names}
        facts = reading.names & _FACTS
        again = (key for key in _keys(reading) if key[0] in (facts or reading.names))
        return drafts.union(*(self._said.get(key, ()) for key in again))

    def _cut_off(self, numbers: Iterable[int]) -> bool:
        return any(self._parts[number].repairs["json cut off"] for number in numbers)

    def _leave_out(self, numbers: Iterable[int], again: set[Triple]) -> None:
        """Keep of these parts what could not be read, and as fragments what only they say."""
        for number in sorted(numbers):
            part = self._parts[number]
            lost = dict.fromkeys(read.said.triple for read in part.reads if read.said.triple not in again)
            told = [Fragment(f"({', '.join(triple)})", "left out for a later version") for triple in lost]
            self._parts[number] = Reading(fragments=[*part.fragments, *told], repairs=Counter([LEFT_OUT]))
            self._names.subtract(read.name for read in part.reads)
            self._counting.discard(number)
            self._drafts.discard(number)
            for key in _keys(part):
                self._said[key].discard(number)


def _keys(reading: Reading) -> Iterator[_Key]:
    """What a block says: the same triple has the same key, also turned round."""
    for read in reading.reads:
        triple = read.said.triple
        yield read.name, triple.predicate, frozenset((triple.subject, triple.object))
