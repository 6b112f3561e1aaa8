"""The rows that a job has finished, on disk: a job killed at any moment goes on where it stood."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cacre.errors import ConfigError, DataError

FORMAT = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS job (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS rows "
    "(position INTEGER PRIMARY KEY, key BLOB NOT NULL, again INTEGER NOT NULL, outcome TEXT NOT NULL)",
)
_RECORDS = "SELECT position, key, outcome, again FROM rows ORDER BY position"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row.

    Args:
        row: The row to write; None if it failed.
        errors: Entries for the errors file.
        again: Whether another run may do better, so that a resumed job tries the row anew.
    """

    row: Mapping[str, Any] | None
    errors: tuple[Mapping[str, Any], ...] = field(default=())
    again: bool = False


class JobStore:
    """An SQLite file with one record per finished row, in the hands of one process at a time.

    Each record is committed at once. Write-ahead logging without a sync per record survives a killed process; a power
    cut may lose the last records, which are then worked off again from the cache.

    Args:
        path: The file; made when missing.
        fingerprint: Everything that the rows depend on besides the input. A file of another job is emptied.

    Raises:
        ConfigError: The file is something else, or another job is using it.
        DataError: The file cannot be opened or written.
    """

    def __init__(self, path: str | Path, fingerprint: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        wanted = {"format": str(FORMAT), "fingerprint": _digest(fingerprint).hex()}
        try:
            self._file = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        try:
            self.started_over = self._prepare(wanted)
        except sqlite3.Error as error:
            self._file.close()
            raise self._unusable(error) from error

    def _prepare(self, wanted: Mapping[str, str]) -> bool:
        """Take hold of the file and empty it if it is another job's; gives whether that was so."""
        # Before the first access: so the lock is kept until the process ends, however it ends.
        self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute("BEGIN EXCLUSIVE")
        for statement in _TABLES:
            self._file.execute(statement)
        found = dict(self._file.execute("SELECT name, value FROM job"))
        if found != wanted:
            self._file.execute("DELETE FROM rows")
            self._file.executemany("INSERT OR REPLACE INTO job VALUES (?, ?)", wanted.items())
        self._file.execute("COMMIT")
        return bool(found) and found != wanted

    def _unusable(self, error: sqlite3.Error) -> ConfigError | DataError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return ConfigError(
                f"{self.path}: another job is at work with this record: wait for it, or write to another output"
            )
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return DataError(f"{self.path}: the record of the job cannot be written ({error}): make it writable")
        return ConfigError(f"{self.path}: cannot be used as the record of a job ({error}): move it away")

    def finished(self, position: int, raw: Mapping[str, Any]) -> bool:
        """Whether the row at this position of the input is done; a row that has changed since is not.

        Raises:
            DataError: The record cannot be read.
        """
        query = "SELECT key FROM rows WHERE position = ? AND again = 0"
        try:
            found = self._file.execute(query, (position,)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return found is not None and found[0] == _digest(raw)

    def put(self, position: int, raw: Mapping[str, Any], outcome: Outcome) -> None:
        """Record what became of a row; it is on disk when this returns.

        Raises:
            DataError: The disk refuses.
        """
        content = json.dumps({"row": outcome.row, "errors": outcome.errors}, ensure_ascii=True)
        record = (position, _digest(raw), int(outcome.again), content)
        try:
            self._file.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", record)
        except sqlite3.Error as error:
            raise DataError(
                f"{self.path}: a finished row cannot be stored ({error}): free some space and run again"
            ) from error

    def outcomes(self, end: int | None = None) -> Iterator[Outcome]:
        """The recorded outcomes in the order of the input, one by one.

        Args:
            end: Leave out positions from here on: what an earlier, longer input has left.
        """
        query = "SELECT outcome, again FROM rows WHERE position < ? ORDER BY position"
        for content, again in self._file.execute(query, (2**62 if end is None else end,)):
            yield _outcome(content, again)

    def outcomes_of(self, raws: Iterable[Mapping[str, Any]]) -> Iterator[Outcome]:
        """The recorded outcomes of these rows, in their order.

        Where a job was stopped before it came to a row that has changed, the record still holds what became of the
        earlier one: that is left out.

        Args:
            raws: The rows of the input, from the first.
        """
        numbered = enumerate(raws)
        for position, key, content, again in self._file.execute(_RECORDS):
            raw = next((raw for place, raw in numbered if place == position), None)
            if raw is None:
                return
            if _is_key(key, raw):
                yield _outcome(content, again)

    def clear(self) -> None:
        """Forget all rows."""
        self._file.execute("DELETE FROM rows")

    def __len__(self) -> int:
        (count,) = self._file.execute("SELECT COUNT(*) FROM rows").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file and keep it."""
        self._file.close()

    def remove(self) -> None:
        """Close and delete the file: the outputs are written."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _outcome(content: str, again: int) -> Outcome:
    values = json.loads(content)
    return Outcome(values["row"], tuple(values["errors"]), bool(again))


def _is_key(key: bytes, raw: Mapping[str, Any]) -> bool:
    try:
        return key == _digest(raw)
    except RecursionError:  # so deeply nested a row was never finished
        return False


def _digest(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
