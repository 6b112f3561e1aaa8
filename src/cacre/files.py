"""Writing files so that nothing half-written is ever seen under its final name."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cacre.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def is_special(path: str | Path) -> bool:
    """Whether something stands at `path` that is no regular file: a device or a pipe such as /dev/null, or a folder."""
    return Path(path).exists() and not Path(path).is_file()


@contextmanager
def atomic_writer(path: str | Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that appears under `path` only when the block ends without an error.

    The text goes to a temporary file in the same folder, is synced to disk and renamed over `path`; on an error the
    temporary file is removed and what stood at `path` before is untouched. A symbolic link stays, and the file it leads
    to is replaced. A device or pipe, such as /dev/null, is written to directly: renaming over it would destroy it.

    Raises:
        OutputError: The folder cannot be written, `path` is a folder, or there is no room. It is an OSError too.
    """
    given = str(path)
    with _named(given):
        special = is_special(path)
    if special:
        with _opened(given, given) as stream:
            yield stream
        return
    with _named(given):
        path = Path(path).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Asked now: who writes several files removes what stood there before these take its place.
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
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


def _opened(file: int | str, path: str) -> TextIO:
    with _named(path):
        raw = _Output(file, path)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", newline="\n", line_buffering=raw.isatty())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
