"""Paid answers of a job: each unit keeps its own in a file of its own, and in the end all go into one cache.

    _cache/00017.sqlite     the answers of unit 17; whoever does it again asks none of them anew
    _cache/answers.sqlite   all answers, as `--cache` of the other commands takes them

A unit is in the hands of one worker at a time, and so is its file, on whatever disk.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cacre.batch.ledger import CACHE
from cacre.batch.storage import Folder
from cacre.batch.units import Unit
from cacre.errors import CacreError, ConfigError
from cacre.llm.cache import BUSY_SECONDS, _AnswerFile

_MERGED = f"{CACHE}/answers.sqlite"
_ENDINGS = ("", "-wal", "-shm")


@dataclass(frozen=True)
class PaidAnswers:
    """Where the answers of a job are kept.

    Args:
        folder: The output of the job.
        cache: The cache that is read first and gets all answers in the end; None takes one in the output.
        copied: Whether SQLite works on copies on the disk of the machine, as it must where several machines share one.
    """

    folder: Folder
    cache: Path | None = None
    copied: bool = False

    @property
    def merged_name(self) -> str:
        """What the cache of all answers is called outside."""
        folder, name = self._home
        return f"{folder.url}/{name}"

    @contextmanager
    def merged(self) -> Iterator[Path | None]:
        """The cache of all answers as a file of this machine; None if there is none yet.

        Raises:
            OSError: It cannot be read.
        """
        with self._fetched(*self._home) as path:
            yield path if path.exists() else None

    def any(self) -> bool:
        """Whether there are answers already.

        Raises:
            OSError: It cannot be found out.
        """
        return bool(self._shards()) or self.has_merged()

    def has_merged(self) -> bool:
        """Whether there is a cache of all answers.

        Raises:
            OSError: It cannot be found out.
        """
        folder, name = self._home
        below, _, last = name.rpartition("/")
        return last in folder.names(below)

    @contextmanager
    def shard(self, unit: Unit) -> Iterator[Path]:
        """The file for the answers of a unit, on a disk of this machine; those of earlier tries are in it.

        Raises:
            ConfigError: What an earlier try left is damaged.
            CacreError: The folder for copies on this machine is not the user's alone, or a copy cannot be written.
            OSError: It cannot be read, or not be brought to where the output is.
        """
        name = f"{CACHE}/{unit.name}.sqlite"
        direct = self._direct(self.folder, name)
        if direct is not None:
            yield direct
            return
        # The same on every try, so that a worker that is lost leaves its answers to the next one on its machine.
        job = sha256(os.fsencode(self.folder.url)).hexdigest()[:16]
        path = _private_folder(job) / f"{unit.name}.sqlite"
        self._bring(name, path)
        try:
            yield path
        finally:
            if path.exists():
                _check_cache(path, str(path))  # nothing damaged may take the place of a good file
                _upload(path, self.folder, name)
                for ending in reversed(_ENDINGS):  # a log that stays behind would be taken for that of the next copy
                    path.with_name(path.name + ending).unlink(missing_ok=True)

    def merge(self) -> None:
        """Put the answers of all units into the cache and remove their files; may be done again after a stop.

        What the cache has already stays as it is. Memory does not grow with the answers.

        Raises:
            ConfigError: One of the files is no cache of answers.
            CacreError: The cache cannot be written.
            OSError: A file cannot be read, written or removed.
        """
        shards = self._shards()
        if not shards:
            return
        with self._fetched(*self._home) as target:
            for name in shards:
                with self._fetched(self.folder, f"{CACHE}/{name}") as shard:
                    _check_cache(target, self.merged_name)
                    _check_cache(shard, f"{self.folder.url}/{CACHE}/{name}")
                    _merge_into(target, shard)
            if self._direct(*self._home) is None:
                _upload(target, *self._home)
        for name in shards:
            for ending in _ENDINGS:
                self.folder.remove(f"{CACHE}/{name}{ending}")

    def _bring(self, name: str, path: Path) -> None:
        """Bring the answers of earlier tries to a path of this machine."""
        if not path.exists():
            self.folder.fetch(name, path)
            return
        # A worker was lost here, and another machine may have gone on: either copy can have what the other lacks.
        with self._fetched(self.folder, name) as stored:
            if stored.exists():
                _check_cache(path, str(path))
                _check_cache(stored, f"{self.folder.url}/{name}")
                _merge_into(path, stored)

    @property
    def _home(self) -> tuple[Folder, str]:
        """Folder and name of the cache of all answers."""
        return (self.folder, _MERGED) if self.cache is None else (Folder(str(self.cache.parent)), self.cache.name)

    def _direct(self, folder: Folder, name: str) -> Path | None:
        """A file where it lies, if SQLite may work on it there."""
        return None if self.copied or folder.local is None else folder.local / name

    @contextmanager
    def _fetched(self, folder: Folder, name: str) -> Iterator[Path]:
        """A file where it lies, or a copy of it; there need not be one."""
        direct = self._direct(folder, name)
        if direct is not None:
            yield direct
            return
        with tempfile.TemporaryDirectory(prefix="cacre-") as scratch:
            copy = Path(scratch) / name.rpartition("/")[2]
            folder.fetch(name, copy)
            yield copy

    def _shards(self) -> list[str]:
        return [name for name in self.folder.names(CACHE) if name.endswith(".sqlite") and name[0].isdigit()]


def _private_folder(job: str) -> Path:
    """A folder for copies of a job, on this machine, that is the user's alone.

    Everybody can know its name and write beside it: what another user has made there would be taken for paid answers.
    """
    owner = f"-{os.getuid()}" if hasattr(os, "getuid") else ""  # on Windows each user has such a place already
    own = Path(tempfile.gettempdir()) / f"cacre{owner}"
    for folder in (own, own / job):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        fault = _fault(folder.lstat())
        if fault:
            raise CacreError(
                f"{folder} {fault}, so that answers in it may be made up: remove it, or set TMPDIR for the workers to "
                "a folder of your own, and run the same command again"
            )
    return own / job


def _fault(found: os.stat_result) -> str:
    """Why a folder is not the user's alone; "" if it is."""
    if not stat.S_ISDIR(found.st_mode):
        return "is a link or a file"
    if not hasattr(os, "getuid"):  # no owners and no permissions as they are meant here
        return ""
    if found.st_uid != os.getuid():
        return f"belongs to another user (uid {found.st_uid})"
    return "is open to other users" if found.st_mode & 0o077 else ""


def _upload(path: Path, folder: Folder, name: str) -> None:
    with path.open("rb") as source, folder.replacing(name) as target:
        shutil.copyfileobj(source, target)


def _check_cache(path: Path, called: str) -> None:
    """Make a cache, or see that a file is one; what a killed process left in its log is in it then.

    Args:
        path: The file.
        called: What it is a copy of, for messages.
    """
    try:
        _AnswerFile(path).close()
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(path), called)) from error


def _merge_into(target: Path, shard: Path) -> None:
    try:
        with closing(sqlite3.connect(target, timeout=BUSY_SECONDS, isolation_level=None)) as file:
            file.execute("ATTACH ? AS shard", (str(shard),))
            file.execute("INSERT OR IGNORE INTO answers SELECT key, answer, created FROM shard.answers")
    except sqlite3.Error as error:
        raise CacreError(
            f"{target}: the answers of {shard} cannot be added ({error}), they stay where they are: make room on the "
            "disk, and run the same command again"
        ) from error
