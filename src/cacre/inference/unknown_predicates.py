"""Which predicates the schema lacks, counted over judged triples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cacre.schema.checks import NOT_IN_SCHEMA

_MOST_NAMES = 10_000
_LONGEST_NAME = 100


@dataclass
class UnknownPredicates:
    """Running counts in bounded memory: of a stream that invents ever new predicates, the first 10,000 are told apart.

    Args:
        counts: Triples by predicate, names cut to 100 characters.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, predicate: str, reason: str) -> None:
        """Count a rejected triple, if its predicate is the reason."""
        name = predicate[:_LONGEST_NAME]
        if reason == NOT_IN_SCHEMA and (name in self.counts or len(self.counts) < _MOST_NAMES):
            self.counts[name] += 1
