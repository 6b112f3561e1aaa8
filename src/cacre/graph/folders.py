"""Exports of several files that belong together: all of one graph, or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from cacre.errors import OutputError
from cacre.files import atomic_writer, is_special, temporary_prefix


@contextmanager
def whole_folder(folder: Path, names: Collection[str]) -> Iterator[Callable[[str], TextIO]]:
    """Give a function that opens files of a folder, which appear together when the block ends without an error.

    All are complete and synced to disk under temporary names before the first takes its place, so that an error leaves
    an earlier export untouched. The earlier files, also those that are not written this time, are removed before the
    new ones are renamed, the one opened first as the last. So what is killed in that moment leaves a folder that lacks
    files, which any reader notices, and never files of two graphs.

    Args:
        folder: Where the files go; it is made if need be. What a killed export left there is removed.
        names: Every file that the format can write there.

    Raises:
        OutputError: A file cannot be written or removed.
    """
    if folder.is_dir():
        for path in folder.iterdir():
            if is_leftover(path, names):
                with _named(path):
                    path.unlink(missing_ok=True)
    streams: dict[str, TextIO] = {}
    with ExitStack() as stack:

        def opened(name: str) -> TextIO:
            streams[name] = stack.enter_context(atomic_writer(folder / name))
            return streams[name]

        yield opened
        for name, stream in streams.items():
            stream.flush()
            if not is_special(folder / name):
                with _named(folder / name):
                    os.fsync(stream.fileno())
        for name in names:
            path = folder / name
            with _named(path):
                if name not in streams:
                    path.unlink(missing_ok=True)
                elif not is_special(path):
                    # A link stays: `atomic_writer` renames to where it leads.
                    path.resolve().unlink(missing_ok=True)


def is_leftover(path: Path, names: Collection[str]) -> bool:
    """Whether `path` is a temporary file that a killed export of one of `names` left."""
    return path.suffix == ".part" and path.name.startswith(tuple(map(temporary_prefix, names))) and path.is_file()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(error.errno, error.strerror or str(error), str(path)) from error
