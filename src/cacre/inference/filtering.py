"""Judging a stream of rows in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from cacre.errors import ConfigError
from cacre.inference.decision import reason_kind
from cacre.inference.unknown_predicates import UnknownPredicates
from cacre.inference.verifier import Verifier
from cacre.types import Candidate, Verdict


def filter_rows(
    verifier: Verifier, rows: Iterable[tuple[str, Sequence[Candidate]]], chunk: int = 64
) -> Iterator[list[Verdict]]:
    """Judge rows as they come, `chunk` at a time.

    Args:
        verifier: Any verifier.
        rows: (text, candidates) pairs; read lazily, at most `chunk` ahead.
        chunk: Rows given to the verifier at once.

    Yields:
        The verdicts of each row, in the order of the rows.

    Raises:
        ConfigError: `chunk` is below 1.
    """
    if chunk < 1:
        raise ConfigError(f"chunk must be at least 1, got {chunk}")
    stream = iter(rows)
    while batch := list(islice(stream, chunk)):
        yield from verifier.verify_many(batch)


@dataclass
class FilterSummary:
    """Running counts over judged rows.

    Args:
        rows: Rows judged.
        kept: Supported candidates.
        rejected: Rejected candidates by kind of reason.
        unknown: Predicates that the schema lacks.
    """

    rows: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    unknown: UnknownPredicates = field(default_factory=UnknownPredicates)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Count the verdicts of one row."""
        self.rows += 1
        for verdict in verdicts:
            if verdict.reason is None:
                self.kept += 1
            else:
                self.rejected[reason_kind(verdict.reason)] += 1
                self.unknown.add(verdict.candidate.triple.predicate, verdict.reason)

    def lines(self) -> list[str]:
        """The counts for a person to read, the most frequent reason first."""
        total = self.rejected.total()
        head = f"{self.rows} rows, {self.kept + total} triples: {self.kept} kept, {total} rejected"
        return [head, *(f"  {count:>6}  {kind}" for kind, count in self.rejected.most_common())]
