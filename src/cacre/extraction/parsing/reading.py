"""What the reader of JSON and the reader of lines both fill in."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from cacre.extraction.parsing.parts import clean_part
from cacre.extraction.values import Fragment, SaidTriple
from cacre.types import Triple

ListName = Literal["triples", "anchors", "positives", "negatives"]
"""The list that a triple stands in; `triples` where the answer names none."""

_PLACEHOLDER = re.compile(
    r"(?:错误|错误的|wrong\s*)?(?:(?:实体|entity|e)\s*[_\-]?[12一二]|头实体|尾实体|主体|客体|主语|宾语|subject|object|head|tail)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A triple as it was read.

    Args:
        name: List it stands in.
        said: The triple.
        start: Offset in the answer at or after which it stands.
    """

    name: ListName
    said: SaidTriple
    start: int


@dataclass(slots=True)
class Reading:
    """What was read so far.

    Args:
        reads: Triples in the order of the answer.
        fragments: Pieces that could not be read.
        repairs: What had to be mended, counted by name.
        empty: Whether the answer says in so many words that there is nothing.
    """

    reads: list[Read] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    empty: bool = False

    @property
    def names(self) -> set[ListName]:
        """The lists that hold at least one triple."""
        return {read.name for read in self.reads}

    def fail(self, raw: str, reason: str) -> None:
        """Keep a piece that could not be read."""
        self.fragments.append(Fragment(raw, reason))

    def say(
        self,
        name: ListName,
        parts: tuple[str, str, str],
        raw: str,
        start: int,
        types: tuple[str | None, str | None] = (None, None),
    ) -> None:
        """Add a triple, or a fragment where a part is empty or only repeats the format's example.

        Args:
            name: List it stands in.
            parts: Subject, predicate and object as they stand in the answer.
            raw: The piece of the answer they come from.
            start: Offset in the answer at or after which it stands.
            types: Type of the subject and of the object, where given.
        """
        triple = Triple(*(clean_part(part) for part in parts))
        for role, part in zip(Triple._fields, triple, strict=True):
            if not part:
                return self.fail(raw, f"empty {role}")
        if _PLACEHOLDER.fullmatch(triple.subject) and _PLACEHOLDER.fullmatch(triple.object):
            return self.fail(raw, "placeholder of the answer format")
        self.reads.append(Read(name, SaidTriple(triple, types[0] or None, types[1] or None), start))
        return None

    def extend(self, other: Reading) -> None:
        """Take over all that another reading holds."""
        self.reads += other.reads
        self.fragments += other.fragments
        self.repairs += other.repairs
        self.empty = self.empty or other.empty
