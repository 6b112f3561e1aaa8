"""Many texts to judge, cut into requests that a service takes."""

from __future__ import annotations

from collections.abc import Sequence

from cacre.data import dump_row
from cacre.inference.verifier import CandidateLike, as_pairs
from cacre.service.errors import TooMuchError
from cacre.service.exchange import Row, row_of, verdicts_of
from cacre.types import Verdict

ROWS_PER_REQUEST = 64
TRIPLES_PER_REQUEST = 2000
BYTES_PER_REQUEST = 4 * 1024 * 1024
"""What one request has at most, unless a single row has more: well below what a service takes by default."""


class Portions:
    """Cuts texts and their candidates into requests, one after the other, and gathers the verdicts.

    Args:
        pairs: Texts with their candidates.

    Raises:
        DataError: They are no such pairs, or a text or a candidate is malformed.

    Attributes:
        judged: For each text so far the verdicts of its candidates.
    """

    def __init__(self, pairs: Sequence[tuple[str, Sequence[CandidateLike]]]) -> None:
        self._pairs = as_pairs(pairs)
        self._most_rows, self._asked = ROWS_PER_REQUEST, 0
        self.judged: list[list[Verdict]] = []

    def next_rows(self) -> list[Row]:
        """The rows of the next request; none if all texts are judged."""
        rows: list[Row] = []
        triples = size = 0
        for text, candidates in self._pairs[len(self.judged) : len(self.judged) + self._most_rows]:
            row = row_of(text, candidates)
            triples += len(candidates)
            size += len(dump_row(row).encode())
            if rows and (triples > TRIPLES_PER_REQUEST or size > BYTES_PER_REQUEST):
                break
            rows.append(row)
        self._asked = len(rows)
        return rows

    def take(self, answered: Sequence[Row]) -> None:
        """Take in what the service answered to these rows.

        Raises:
            ServiceError: The answer is not about them.
        """
        done = len(self.judged)
        asked = self._pairs[done : done + self._asked]
        self.judged += [verdicts_of(row, candidates) for row, (_, candidates) in zip(answered, asked, strict=True)]

    def halve(self, error: TooMuchError) -> None:
        """Ask for half as much from now on, because the service takes less.

        Raises:
            TooMuchError: It was a single row, which cannot be cut.
        """
        if self._asked < 2:
            raise error
        self._most_rows = self._asked // 2
