"""Cutting the input into units of work: byte ranges of JSONL files, row groups of Parquet files.

The plan follows from names and sizes alone, so that the same input always gives the same units with the same numbers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from gzip import BadGzipFile
from typing import Any, Literal

from cacre.batch.storage import filesystem_of, full_name, is_local
from cacre.errors import ConfigError, DataError

InputFormat = Literal["jsonl", "parquet"]
COMPRESSED = (".gz", ".bz2", ".xz")
"""JSONL files that end like this are read from their beginning only: each is one unit."""
_SUFFIXES: dict[InputFormat, tuple[str, ...]] = {
    "jsonl": tuple(kind + packed for kind in (".jsonl", ".ndjson") for packed in ("", *COMPRESSED)),
    "parquet": (".parquet", ".pq"),
}
_STAMPS = ("ETag", "etag", "mtime", "LastModified", "last_modified")
_READERS = 16
DIGITS = 5
"""Digits in the names of units, and so of part files; more where a job has more units than they can count."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input file.

    Args:
        path: Absolute local path, or URL.
        format: `jsonl` or `parquet`.
        size: Bytes.
        stamp: What changes with the content, an entity tag or a time of change; "" where the place knows neither.
    """

    path: str
    format: InputFormat
    size: int
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of one input file, worked on as a whole.

    Of a plain JSONL file it holds the lines that begin at a byte in [start, stop); of a compressed one all lines. Of a
    Parquet file it holds the row groups [start, stop).

    Args:
        index: Its number, from 0.
        path: The file.
        format: `jsonl` or `parquet`.
        start: First byte, or first row group.
        stop: The byte, or row group, after the last.
        digits: How many digits its name has: as many as that of every other unit of the job, so that names sort.
    """

    index: int
    path: str
    format: InputFormat
    start: int
    stop: int
    digits: int = DIGITS

    @property
    def name(self) -> str:
        """Its number as files are called after it."""
        return f"{self.index:0{self.digits}d}"


def list_inputs(patterns: Sequence[str], output: str | None = None) -> list[InputFile]:
    """Find the input files, each once, sorted by path.

    In a folder, which is searched to its depths, files of other kinds are passed over, and so is what begins with `.`
    or `_`, as marks and records of jobs do, and what is in the output, if that lies within the folder.

    Args:
        patterns: Files, folders, globs, or URLs of any of these.
        output: Folder or URL that the job writes to: what an earlier run has left there is no input.

    Raises:
        ConfigError: There is no such kind of URL.
        DataError: One of them leads to no JSONL or Parquet file, or cannot be listed.
    """
    found = {file.path: file for pattern in patterns for file in _found(pattern, output)}
    return [found[path] for path in sorted(found)]


def plan_units(files: Iterable[InputFile], unit_bytes: int) -> list[Unit]:
    """Cut files into units of about `unit_bytes` (of Parquet: uncompressed).

    A Parquet file whose footer cannot be read is one unit, whose reader will say what is wrong.

    Raises:
        ConfigError: `unit_bytes` is below 1.
        OSError: A Parquet file cannot be opened.
    """
    if unit_bytes < 1:
        raise ConfigError(f"the size of a unit must be at least 1 byte, got {unit_bytes}")
    files = list(files)
    with ThreadPoolExecutor(_READERS) as pool:  # footers are far apart, and waiting for one takes no CPU
        spans = list(pool.map(lambda file: list(_spans(file, unit_bytes)), files))
    places = [(file, span) for file, found in zip(files, spans, strict=True) for span in found]
    digits = max(DIGITS, len(str(len(places) - 1)))
    return [Unit(index, file.path, file.format, *span, digits) for index, (file, span) in enumerate(places)]


def is_broken_file(error: Exception) -> bool:
    """Whether an error of a reader is about the content of a file, and not about the disk or the network."""
    # What pyarrow and the decompressors find in a file is a plain OSError without a number, unlike what systems say.
    return not isinstance(error, OSError) or (error.errno is None and type(error) in (OSError, BadGzipFile))


def _found(pattern: str, output: str | None) -> Iterator[InputFile]:
    filesystem, path = filesystem_of(pattern)
    top = path
    try:
        if any(mark in path for mark in "*?[") and not filesystem.exists(path):
            infos = [info for info in filesystem.glob(path, detail=True).values() if info["type"] == "file"]
            top = re.split(r"[*?\[]", path, maxsplit=1)[0].rpartition("/")[0]
        elif filesystem.isdir(path):
            infos = [info for name, info in filesystem.find(path, detail=True).items() if not _hidden(name, path)]
        else:
            infos = [filesystem.info(path)]
            if _format_of(path) is None:
                raise DataError(f"is no input: names must end with {_endings()}", path=pattern)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=pattern) from error
    own = None if output is None else _own_names(filesystem, top, output)
    infos = [info for info in infos if own is None or not str(info["name"]).startswith(own)]
    files = [file for info in infos if (file := _file(filesystem, info)) is not None]
    if not files:
        raise DataError(f"leads to no input file: names must end with {_endings()}", path=pattern)
    yield from files


def _own_names(filesystem: Any, top: str, output: str) -> str | None:  # noqa: ANN401
    """What names of the output begin with, as a search below `top` gives them; None if it does not lie there."""
    there, place = _real_name(filesystem, top).rstrip("/"), _real_name(*filesystem_of(output)).rstrip("/")
    return f"{top.rstrip('/')}{place.removeprefix(there)}/" if place.startswith(f"{there}/") else None


def _real_name(filesystem: Any, path: str) -> str:  # noqa: ANN401
    return os.path.realpath(path) if is_local(filesystem) else full_name(filesystem, path)


def _file(filesystem: Any, info: dict[str, Any]) -> InputFile | None:  # noqa: ANN401
    name = str(info["name"])
    kind = _format_of(name)
    if kind is None:
        return None
    if is_local(filesystem):
        info = filesystem.info(name)  # a glob gives less
    stamp = next((str(info[key]) for key in _STAMPS if info.get(key) is not None), "")
    return InputFile(full_name(filesystem, name), kind, int(info["size"]), stamp)


def _format_of(name: str) -> InputFormat | None:
    return next((kind for kind, endings in _SUFFIXES.items() if name.lower().endswith(endings)), None)


def _endings() -> str:
    return ", ".join(ending for endings in _SUFFIXES.values() for ending in endings)


def _hidden(name: str, folder: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.removeprefix(folder).split("/"))


def _spans(file: InputFile, unit_bytes: int) -> Iterator[tuple[int, int]]:
    if file.format == "parquet":
        yield from _row_groups(file, unit_bytes)
    elif file.path.lower().endswith(COMPRESSED):
        yield 0, file.size
    else:
        for start in range(0, file.size, unit_bytes):
            yield start, min(start + unit_bytes, file.size)


def _row_groups(file: InputFile, unit_bytes: int) -> Iterator[tuple[int, int]]:
    from pyarrow.parquet import ParquetFile

    filesystem, path = filesystem_of(file.path)
    try:
        with filesystem.open(path, "rb") as stream, ParquetFile(stream) as table:
            sizes = [table.metadata.row_group(group).total_byte_size for group in range(table.metadata.num_row_groups)]
    except (OSError, ValueError) as error:
        if not is_broken_file(error):
            raise
        yield 0, 1
        return
    start = size = 0
    for group, more in enumerate(sizes):
        if group > start and size + more > unit_bytes:
            yield start, group
            start, size = group, 0
        size += more
    if sizes:
        yield start, len(sizes)
