"""The record of a job in its output folder: what it is of, which units are done, and that it is done.

    _manifest.json        what the output depends on; a job of anything else is refused
    _commits/00017.json   unit 17 is done: written last, when its part files stand
    _attempts/00017.json  unit 17 was begun; gone when it is done
    _SUCCESS              all are done, and how many rows there were
    _lock                 a run is at work (local disks only)
    _cache                what workers keep for a later run, if the job has anything of that kind

A unit without its commit is done again and writes the same part files over; one that has it is never touched. So
whatever is killed at whatever moment, the next run loses nothing and writes nothing twice.
"""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from filelock import FileLock, Timeout

from cacre.batch.storage import Folder
from cacre.batch.units import InputFile, Unit
from cacre.errors import ConfigError

FORMAT = 1
Counts = Mapping[str, int]
_MANIFEST, _SUCCESS, _COMMITS, _ATTEMPTS, _LOCK, _DRIVER = (
    *("_manifest.json", "_SUCCESS", "_commits"),
    *("_attempts", "_lock", "_driver.json"),
)
CACHE = "_cache"
"""Folder that belongs to the job, but neither to its record nor to its output."""
_OWN = (_MANIFEST, _SUCCESS, _COMMITS, _ATTEMPTS, _LOCK, _DRIVER, CACHE)
_NAMED = 3


@dataclass(frozen=True)
class Ledger:
    """The record of one job. It keeps nothing open, so that workers may have copies of it.

    Args:
        folder: The output folder.
        datasets: Names of the folders in it that hold part files.
    """

    folder: Folder
    datasets: tuple[str, ...]

    @contextmanager
    def opened(self, files: Sequence[InputFile], options: Mapping[str, Any]) -> Iterator[None]:
        """Begin the job or go on with it, as the only run on this output, and clear up after runs that were killed.

        Args:
            files: The input.
            options: Everything else that the output depends on, as JSON values.

        Raises:
            ConfigError: Another run is at work on this output, it was begun with other input or options, or it holds
                files that no job wrote.
            OSError: It cannot be read or written.
        """
        self._check_ours()
        with self._locked():
            self._check_manifest({"format": FORMAT, "options": dict(options), "inputs": _described(files)})
            for below in (*self.datasets, _COMMITS, _ATTEMPTS):
                self.folder.remove_unfinished(below)
            yield

    def finished(self) -> Counts | None:
        """The counts of a job that is done; None if it is not."""
        return _counts(self._read(_SUCCESS))

    def committed(self, unit: Unit) -> Counts | None:
        """The counts of a unit that is done; None if it is not."""
        return _counts(self._read(_commit_name(unit)))

    def all_committed(self) -> dict[int, Counts]:
        """The counts of all units that are done, by number."""
        names = [f"{_COMMITS}/{name}" for name in self.folder.names(_COMMITS) if not name.startswith(".")]
        records = (_parsed(content) or {} for content in self.folder.read_all(names).values())
        return {record["unit"]: record["counts"] for record in records if "counts" in record}

    def digits(self) -> int | None:
        """How many digits the names of units have that were begun or done, at least; None if none was.

        Raises:
            OSError: The record cannot be listed.
        """
        names = (name for below in (_COMMITS, _ATTEMPTS) for name in self.folder.names(below))
        return min((len(name.partition(".")[0]) for name in names if not name.startswith(".")), default=None)

    def begin(self, unit: Unit, run: str) -> int:
        """Note that a unit is begun.

        Args:
            unit: The unit.
            run: Name of this run.

        Returns:
            How often this run has begun it before: as often a worker was lost over it.

        Raises:
            OSError: It cannot be noted.
        """
        name = f"{_ATTEMPTS}/{unit.name}.json"
        before = self._read(name) or {}
        count = int(before.get("count", 0)) if before.get("run") == run else 0
        self.folder.write(name, _dumped({"run": run, "count": count + 1}))
        return count

    def commit(self, unit: Unit, counts: Counts) -> None:
        """Note that a unit is done; its part files must stand.

        Raises:
            OSError: It cannot be noted; the unit will be done again.
        """
        place = {"path": unit.path, "start": unit.start, "stop": unit.stop}
        self.folder.write(_commit_name(unit), _dumped({"unit": unit.index, **place, "counts": dict(counts)}))
        self.folder.remove(f"{_ATTEMPTS}/{unit.name}.json")

    def finish(self) -> Counts:
        """Note that the job is done, and give its counts; all units must be.

        Raises:
            OSError: It cannot be noted.
        """
        totals: Counter[str] = Counter()
        for counts in self.all_committed().values():
            totals.update(counts)
        self.folder.write(_SUCCESS, _dumped({"format": FORMAT, "counts": dict(totals)}))
        return totals

    def _check_ours(self) -> None:
        local = self.folder.local
        if local is not None and local.exists() and not local.is_dir():
            raise ConfigError(f"the output {local} is a file: name a folder")
        found = self.folder.names()
        foreign = [name for name in found if name not in (*_OWN, *self.datasets) and not name.startswith(".")]
        if found and _MANIFEST not in found and set(found) & {*self.datasets}:
            foreign = foreign or [name for name in found if name in self.datasets]
        if foreign:
            raise ConfigError(
                f"the output {self.folder.url} holds {foreign[0]!r}, which no job wrote: name a new or empty folder"
            )

    def _check_manifest(self, manifest: dict[str, Any]) -> None:
        before = self._read(_MANIFEST)
        if before is None:
            self.folder.write(_MANIFEST, _dumped(manifest))
            return
        changes = list(_changes(before, json.loads(_dumped(manifest))))
        if changes:
            more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
            raise ConfigError(
                f"{self.folder.url} was begun with something else: {'; '.join(changes[:_NAMED])}{more}. "
                "Give the same again to go on with it, or name a new output folder"
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        local = self.folder.local
        if local is None:
            yield
            return
        local.mkdir(parents=True, exist_ok=True)
        lock = FileLock(local / _LOCK, timeout=0)
        try:
            # The system takes the lock back when its holder ends, be it by kill -9.
            lock.acquire()
        except Timeout as error:
            holder = self._read(_DRIVER) or {}
            raise ConfigError(
                f"another run is at work on {local} (process {holder.get('pid')} on {holder.get('host')}): wait for "
                "it to end, or name another output folder"
            ) from error
        try:
            self.folder.write(_DRIVER, _dumped({"pid": os.getpid(), "host": socket.gethostname()}))
            yield
            with suppress(OSError):  # what remains says only who ran last
                self.folder.remove(_DRIVER)
        finally:
            lock.release()

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return _parsed(self.folder.read(name))
        except FileNotFoundError:
            return None


def _commit_name(unit: Unit) -> str:
    return f"{_COMMITS}/{unit.name}.json"


def _dumped(value: Mapping[str, Any]) -> bytes:
    try:
        return _json(value, ensure_ascii=False)
    except UnicodeEncodeError:  # the name of a file is no UTF-8, which Python shows as lone surrogates
        return _json(value, ensure_ascii=True)


def _json(value: Mapping[str, Any], ensure_ascii: bool) -> bytes:
    return (json.dumps(value, ensure_ascii=ensure_ascii, indent=1) + "\n").encode("utf-8")


def _parsed(content: bytes) -> dict[str, Any] | None:
    """A record; None for one that a store without atomic writes shows half."""
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _counts(record: Mapping[str, Any] | None) -> Counts | None:
    counts = record.get("counts") if record is not None else None
    return counts if isinstance(counts, dict) else None


def _described(files: Sequence[InputFile]) -> dict[str, list[Any]]:
    return {file.path: [file.size, file.stamp] for file in files}


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two manifests, in words."""
    if before.get("format") != now["format"]:
        yield f"format {before.get('format')!r:.20}, this version of cacre writes {now['format']}"
    for name, (old, new) in _differing(before.get("options", {}), now["options"]):
        yield f"{name} was {old!r:.60}, is now {new!r:.60}"
    for path, (old, new) in _differing(before.get("inputs", {}), now["inputs"]):
        if old is None or new is None:
            yield f"input {path} {'is new' if old is None else 'is missing'}"
        else:
            yield f"input {path} has changed ({old[0]} bytes, now {new[0]})"


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in dict.fromkeys((*before, *now)):
        if before.get(name) != now.get(name):
            yield name, (before.get(name), now.get(name))
