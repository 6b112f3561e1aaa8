"""The input of a job: read more than once, and known to be usable before anything is paid for."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from cacre.data import ErrorsFile, Row, read_rows
from cacre.errors import DataError
from cacre.files import is_special

STANDARD = "-"


@dataclass
class JobInput:
    """The text rows of a file. A context manager, which reads the whole input once when it is entered.

    Args:
        source: The file; `-` is standard input. That, or a pipe, is copied to a temporary file.
        on_error: What becomes of rows that cannot be used.
        limit: Only the first so many rows; None for all.

    Entered, it knows the `total` of the rows, and how many of them come `with_triples`, which extraction replaces.

    Raises:
        DataError: The input cannot be read or, unless such rows are skipped, holds a row that cannot be used.
    """

    source: str
    on_error: Literal["raise", "skip"] = "raise"
    limit: int | None = None

    def __enter__(self) -> JobInput:
        with ExitStack() as stack:
            self._path = stack.enter_context(_spooled(self.source))
            self.total = self.with_triples = 0
            for row in self.rows():
                self.total += 1
                self.with_triples += bool(row.raw.get("triples"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rows(self) -> Iterator[Row]:
        """The rows, from the first; those that cannot be used are left out where they are skipped.

        Raises:
            DataError: See above; the file may have changed.
        """
        return self._read(None)

    def list_bad_rows(self, errors: ErrorsFile) -> None:
        """Read the rows once more and list those that are skipped."""
        for _ in self._read(_Placed(errors, self.source)):
            pass

    def _read(self, errors: ErrorsFile | None) -> Iterator[Row]:
        rows = read_rows(self._path, "texts", on_error=self.on_error, errors=errors)
        try:
            yield from islice(rows, self.limit)
        except DataError as error:
            raise _placed(error, self.source) from error


class _Placed(ErrorsFile):
    """Names the input as the user did, in a file that somebody else opens and closes."""

    def __init__(self, inner: ErrorsFile, source: str) -> None:
        super().__init__(inner.path)
        self._inner, self._source = inner, source

    def add(self, error: DataError, raw: str) -> None:
        self._inner.add(_placed(error, self._source), raw)


def _placed(error: DataError, source: str) -> DataError:
    return DataError(error.reason, path=source, line=error.line, field=error.field)


@contextmanager
def _spooled(source: str) -> Iterator[str]:
    if source != STANDARD and (not is_special(source) or Path(source).is_dir()):
        yield source
        return
    with ExitStack() as stack:
        stream = sys.stdin.buffer if source == STANDARD else stack.enter_context(Path(source).open("rb"))
        copy = stack.enter_context(tempfile.NamedTemporaryFile(suffix=".jsonl"))
        shutil.copyfileobj(stream, copy)
        copy.flush()
        yield copy.name
