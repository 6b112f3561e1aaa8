"""A folder on a disk or behind any URL that fsspec knows, in which files appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec

from cacre.errors import ConfigError
from cacre.files import atomic_writer

_READERS = 16
_LOCAL_URLS = ("file://", "local://")


def filesystem_of(url: str) -> tuple[Any, str]:
    """The filesystem behind a path or URL, and the path in it, absolute where it is a local one.

    Raises:
        ConfigError: No such kind of URL is known, or its package is not installed.
    """
    if "::" in url and ("://" not in url or url.startswith(_LOCAL_URLS)):  # fsspec would see a chain of two URLs
        return fsspec.filesystem("file"), str(fsspec.core.strip_protocol(url))
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: {error}; give a local path or a URL that fsspec can open, such as s3://") from error
    return filesystem, path


def is_local(filesystem: Any) -> bool:  # noqa: ANN401  (fsspec is not typed)
    """Whether files of the filesystem are files of this machine, or of a disk mounted here."""
    protocols = filesystem.protocol
    return "file" in ((protocols,) if isinstance(protocols, str) else protocols)


def full_name(filesystem: Any, path: str) -> str:  # noqa: ANN401
    """What a path is called outside of its filesystem: a plain path where it is local, else a URL."""
    return path if is_local(filesystem) else str(filesystem.unstrip_protocol(path))


@dataclass(frozen=True)
class Folder:
    """A folder by path or URL. It keeps nothing open, so that it can be sent to other processes.

    Names are relative to it and use `/`. On a local disk a file is written beside its place and renamed; elsewhere it
    is written to a temporary local file and uploaded, which object stores show whole or not at all.

    Args:
        url: Local path or fsspec URL.

    Raises:
        ConfigError: No such kind of URL is known.
    """

    url: str

    def __post_init__(self) -> None:
        filesystem, path = filesystem_of(self.url)
        object.__setattr__(self, "url", full_name(filesystem, path).rstrip("/"))

    @property
    def local(self) -> Path | None:
        """The folder as a local path; None if it is elsewhere."""
        filesystem, path = filesystem_of(self.url)
        return Path(path) if is_local(filesystem) else None

    def names(self, below: str = "") -> list[str]:
        """Names of the files and folders directly below, sorted; none if there is no such folder.

        Raises:
            OSError: It cannot be listed.
        """
        filesystem, path = self._place(below)
        filesystem.invalidate_cache()  # other processes write here
        try:
            found = filesystem.ls(path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(str(name).rstrip("/").rsplit("/", 1)[-1] for name in found)

    def read(self, name: str) -> bytes:
        """The content of a small file.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
        """
        filesystem, path = self._place(name)
        return bytes(filesystem.cat_file(path))

    def read_all(self, names: list[str]) -> dict[str, bytes]:
        """The contents of many small files by name, several read at once.

        Raises:
            OSError: One cannot be read.
        """
        with ThreadPoolExecutor(_READERS) as pool:
            return dict(zip(names, pool.map(self.read, names), strict=True))

    def write(self, name: str, content: bytes) -> None:
        """Write a file.

        Raises:
            OSError: It cannot be written; what stood there before is untouched.
        """
        with self.replacing(name) as stream:
            stream.write(content)

    @contextmanager
    def replacing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file that appears only when the block ends without an error.

        Raises:
            OSError: It cannot be written; what stood there before is untouched.
        """
        filesystem, path = self._place(name)
        if is_local(filesystem):
            with atomic_writer(path) as text:
                yield text.buffer
            return
        with tempfile.NamedTemporaryFile() as stream:
            yield stream
            stream.flush()
            filesystem.put_file(stream.name, path)

    def fetch(self, name: str, target: Path) -> bool:
        """Copy a file, of whatever size, to this machine; the copy is there whole or not at all.

        Returns:
            Whether there was one.

        Raises:
            OSError: It cannot be read, or the copy not be written.
        """
        filesystem, path = self._place(name)
        try:
            with filesystem.open(path, "rb") as source, atomic_writer(target) as copy:
                shutil.copyfileobj(source, copy.buffer)
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            OSError: It cannot be removed.
        """
        filesystem, path = self._place(name)
        try:
            filesystem.rm_file(path)
        except FileNotFoundError:
            return

    def remove_unfinished(self, below: str) -> int:
        """Remove what writers that were killed left behind; nobody else may be writing meanwhile.

        Returns:
            How many files were removed.

        Raises:
            OSError: One cannot be removed.
        """
        unfinished = [name for name in self.names(below) if name.startswith(".") and name.endswith(".part")]
        for name in unfinished:
            self.remove(f"{below}/{name}")
        return len(unfinished)

    def _place(self, name: str) -> tuple[Any, str]:
        return filesystem_of(f"{self.url}/{name}" if name else self.url)
