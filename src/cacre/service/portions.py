"""Many texts to judge, cut into requests that a service takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import gt

from cacre.data import dump_row
from cacre.errors import DataError
from cacre.inference.verifier import CandidateLike, as_pairs
from cacre.service.errors import TIMEOUT, ServiceError, TooMuchError
from cacre.service.exchange import Row, row_of, verdicts_of
from cacre.types import Verdict

ROWS_PER_REQUEST = 64
TRIPLES_PER_REQUEST = 2000
CHARACTERS_PER_REQUEST = 200_000
BYTES_PER_REQUEST = 4 * 1024 * 1024
"""What one request has at most, unless a single row has more: well below what a service takes by default, and judges
in its time, to which long texts add as triples do."""
_ROW = re.compile(r"rows\[(\d+)\](.*)", re.S)
"""Where the service says that a row of a request is at fault."""


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
        triples = characters = size = 0
        for text, candidates in self._pairs[len(self.judged) : len(self.judged) + self._most_rows]:
            row = row_of(text, candidates)
            triples += len(candidates)
            characters += len(text)
            size += len(dump_row(row).encode())
            most = (TRIPLES_PER_REQUEST, CHARACTERS_PER_REQUEST, BYTES_PER_REQUEST)
            if rows and any(map(gt, (triples, characters, size), most)):
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

    def halve(self, error: DataError | ServiceError) -> None:
        """Ask for half as much from now on, if the service takes less, or cannot do it in its time.

        Raises:
            DataError: It cannot use a row; `field` counts the rows of the whole list.
            TooMuchError: It was a single row, which cannot be cut.
            ServiceError: The same, or it failed for another reason.
        """
        too_much = error.code == TIMEOUT if isinstance(error, ServiceError) else isinstance(error, TooMuchError)
        if not too_much or self._asked < 2:
            raise self._of_all(error)
        self._most_rows = self._asked // 2

    def _of_all(self, error: DataError | ServiceError) -> DataError | ServiceError:
        """The error with the number that the row at fault has in the whole list, and not in its request."""
        row = _ROW.match(error.field or "") if isinstance(error, DataError) else None
        if row is None or not isinstance(error, DataError):
            return error
        field = f"rows[{len(self.judged) + int(row[1])}]{row[2]}"
        return type(error)(error.reason, path=error.path, line=error.line, field=field)
