"""Writing files so that nothing half-written is ever seen under its final name."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cacre.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_LONGEST_PREFIX = 60
"""Bytes of a file's name that the name of its temporary file repeats: both have the system's limit of 255."""
_LINKS = 40
"""Links that are followed one by one, as many as Linux follows."""


def is_special(path: str | Path) -> bool:
    """Whether `path` is no regular file: a device or pipe such as /dev/null, an open stream (/dev/stdout), a folder."""
    try:
        return descriptor_of(path) is not None or not stat.S_ISREG(Path(path).stat().st_mode)
    except (OSError, ValueError):  # nothing is there, or no such name can be; who opens it says which
        return False


def descriptor_of(path: str | Path) -> int | None:
    """The file descriptor of this process that a path stands for, as /dev/stdout, /dev/fd/3 or a link to them do.

    The system shows such a path as a link to the file that was opened. Whoever followed it would write another file
    than the one that is open, and lose what others have written or write to it.
    """
    path = Path(path)
    for _ in range(_LINKS):
        # The folder is resolved, but never the last part: that is the link in question.
        folder = path.parent.resolve()
        if _lists_descriptors(folder) and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = folder / path.readlink()
    return None


def is_standard_output(path: str | Path) -> bool:
    """Whether a path is `-` or stands for the same stream, as /dev/stdout does."""
    return str(path) == "-" or descriptor_of(path) == 1


def temporary_prefix(name: str) -> str:
    """How the name of the temporary file begins that becomes the file `name`; it ends in `.part`."""
    return f".{os.fsencode(name)[:_LONGEST_PREFIX].decode(errors='ignore')}."


@contextmanager
def atomic_writer(path: str | Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that appears under `path` only when the block ends without an error.

    The text goes to a temporary file in the same folder, is synced to disk and renamed over `path`; on an error the
    temporary file is removed and what stood at `path` before is untouched. A symbolic link stays, and the file it leads
    to is replaced. A device or pipe, such as /dev/null, is written to directly: renaming over it would destroy it. So
    is an open stream, such as /dev/stdout, from where it stands.

    Raises:
        OutputError: The folder cannot be written, `path` is a folder, or there is no room. It is an OSError too.
    """
    given = str(path)
    with _named(given):
        special = is_special(path)
    if special:
        with _opened(_special_file(path), given) as stream:
            yield stream
        return
    with _named(given):
        path = Path(path).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Asked now: who writes several files removes what stood there before these take its place.
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path.name), suffix=".part")
    try:
        with _opened(handle, given) as stream:
            yield stream
            stream.flush()
            with _named(given):
                os.fsync(stream.fileno())
        with _named(given):
            Path(name).chmod(mode)
            Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Say of a failure which output it concerns: the system only knows the temporary file, or none."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has gone, which is no fault
    except OSError as error:
        raise OutputError(error.errno, error.strerror or str(error), path) from error


class _Output(io.FileIO):
    """A file whose failures name the output; what else fails while it is open, such as the input, does not."""

    def __init__(self, file: int | str, path: str) -> None:
        self._path = path
        super().__init__(file, "w")

    def write(self, data: ReadableBuffer, /) -> int:
        with _named(self._path):
            return super().write(data)


def _lists_descriptors(folder: Path) -> bool:
    """Whether a folder, links followed, is the one of this process's descriptors: /proc/self/fd, elsewhere /dev/fd."""
    if folder == Path("/dev/fd"):
        return True
    match folder.parts:
        case ("/", "proc", process, "fd") | ("/", "proc", process, "task", _, "fd"):
            return process == str(os.getpid())
    return False


def _special_file(path: str | Path) -> int | str:
    """What to open for a special file; a descriptor is doubled, so that closing it leaves the stream open."""
    descriptor = descriptor_of(path)
    if descriptor is None:
        return str(path)
    with _named(str(path)):
        return os.dup(descriptor)


def _opened(file: int | str, path: str) -> TextIO:
    with _named(path):
        raw = _Output(file, path)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", newline="\n", line_buffering=raw.isatty())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
