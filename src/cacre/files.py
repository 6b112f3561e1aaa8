"""Writing files so that nothing half-written is ever seen under its final name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


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
        OSError: The folder cannot be written, or `path` is a folder.
    """
    path = Path(path)
    if is_special(path):
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
