"""Which candidates checks leave out before any threshold, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from cacre.schema import NOT_IN_SCHEMA

_NAMED = 5
"""Predicates that are named."""
_WIDTH = 30


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the checks leave out of labelled candidates.

    Args:
        candidates: All candidates.
        reasons: Those left out, by reason.
        unknown: Of these, predicates that the schema lacks.
        schema: Name of the schema that was checked against.
    """

    candidates: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    schema: str = ""

    @property
    def total(self) -> int:
        """How many are left out."""
        return sum(self.reasons.values())

    @property
    def is_of_another_schema(self) -> bool:
        """Whether most candidates have a predicate that the schema lacks, so that they are made by another."""
        return 2 * self.reasons.get(NOT_IN_SCHEMA, 0) > self.candidates

    def __str__(self) -> str:
        """The causes with their counts, the most frequent first; and what to do, where it is the schema."""
        causes = ", ".join(self._cause(reason, count) for reason, count in Counter(self.reasons).most_common())
        advice = ": give the schema that they are of (--schema)" if self.is_of_another_schema else ""
        return f"checks reject {self.total} of {self.candidates} candidates: {causes}{advice}"

    def _cause(self, reason: str, count: int) -> str:
        if reason != NOT_IN_SCHEMA:
            return f"{count} {reason}"
        # repr, so that what a row brings cannot break the line or write to a terminal
        names = [f"{name[:_WIDTH]!r} {said}" for name, said in Counter(self.unknown).most_common(_NAMED)]
        more = f" and {len(self.unknown) - len(names)} more" if len(self.unknown) > len(names) else ""
        return f"{count} {reason} {self.schema!r} ({', '.join(names)}{more})"
