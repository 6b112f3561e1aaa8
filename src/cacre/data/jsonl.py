"""Streaming JSONL: one row at a time in bounded memory, and a clear word about each row that cannot be used."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, TextIO

from cacre.data.fields import DEFAULT_LIMITS, Limits
from cacre.data.rows import Kind, Row, parse_row
from cacre.data.shapes import advice_on_line
from cacre.data.strict_json import read_json
from cacre.errors import ConfigError, DataError
from cacre.files import atomic_writer, is_special

_DRAIN_BYTES = 1 << 16
_PREVIEW_BYTES = 1000


class SeenIds:
    """The ids met so far, 16 bytes each whatever their length; share one to keep ids unique across files."""

    def __init__(self) -> None:
        self._hashes: set[bytes] = set()

    def add(self, row_id: str) -> bool:
        """Remember an id; False if it was there already."""
        key = blake2b(row_id.encode("utf-8"), digest_size=16).digest()
        known = key in self._hashes
        self._hashes.add(key)
        return not known


class ErrorsFile:
    """Rows that were skipped, as `{"line", "reason", "field", "raw"}` with `path` where it is known.

    A context manager. The file appears when the block ends without an error, and only if a row was skipped; what an
    earlier run left under that name is removed when there was none, so that the file always speaks of this run.

    Args:
        path: Where to write, by custom `<name>.errors.jsonl`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.count = 0
        self._stack = ExitStack()
        self._stream: TextIO | None = None

    def add(self, error: DataError, raw: str) -> None:
        """Append one skipped row.

        Args:
            error: What is wrong with it.
            raw: The line as it stood in the file.

        Raises:
            OSError: The file cannot be written.
        """
        self.add_entry(
            {"path": error.path, "line": error.line, "reason": error.reason, "field": error.field, "raw": raw}
        )

    def add_entry(self, entry: Mapping[str, Any]) -> None:
        """Append one entry that holds at least those keys.

        Raises:
            DataError: A value is no JSON value.
            OSError: The file cannot be written.
        """
        if self._stream is None:
            self._stream = self._stack.enter_context(atomic_writer(self.path))
        self._stream.write(dump_row(entry))
        self.count += 1

    def close(self) -> None:
        """Bring the file under its final name."""
        self._stream = None
        self._stack.close()
        if self.count == 0 and not is_special(self.path):
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, trace)


def check_some_usable(usable: int, source: str, errors: ErrorsFile | None = None) -> None:
    """Refuse an input that has brought nothing, before an output of an earlier run is replaced by an empty one.

    Args:
        usable: How many rows could be used.
        source: The file they came from, `-` for standard input.
        errors: Where skipped rows are listed; written and closed if nothing else was there.

    Raises:
        DataError: There is no row, or all were skipped.
    """
    if usable:
        return
    if errors is None or not errors.count:
        reason = "there are no rows, and nothing was written: a text in which nothing was found is a row too"
    else:
        errors.close()
        reason = f"no row can be used: all {errors.count} were skipped, and what is wrong with each is in {errors.path}"
    raise DataError(reason, path=source)


def read_rows(
    path: str | Path,
    kind: Kind,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    errors: ErrorsFile | None = None,
    limits: Limits = DEFAULT_LIMITS,
    seen: SeenIds | None = None,
) -> Iterator[Row]:
    """Read the rows of a JSONL file one by one; blank lines are passed over.

    Args:
        path: The file, `-` for standard input.
        kind: What the rows must hold.
        on_error: Whether a bad row ends the reading or is left out.
        errors: Where rows left out are written.
        limits: What a row may be at most.
        seen: Ids that are taken already; by default ids are unique within the file.

    Raises:
        ConfigError: `kind` or `on_error` is unknown.
        DataError: The file cannot be read; or, with `raise`, a row cannot be used.
    """
    if on_error not in ("raise", "skip"):
        raise ConfigError(f"on_error={on_error!r} is unknown: use 'raise' or 'skip'")
    return _rows(str(path), kind, on_error == "skip", errors, limits, SeenIds() if seen is None else seen)


def first_line(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The first line of a file that is not blank, by which its kind is told; empty where there is none.

    Args:
        path: The file.
        limits: What a line may be at most; of a longer one only the beginning.

    Raises:
        DataError: The file cannot be read.
    """
    with closing(_lines(str(path), limits.max_line_bytes)) as lines:
        return next((content for _, content, _ in lines), b"")


def dump_row(row: Mapping[str, Any]) -> str:
    r"""One line of JSON with its line end.

    Characters are written as they are, save in a row that holds lone surrogates, which UTF-8 cannot carry: that one is
    written with `\\uXXXX` escapes, and nothing is lost.

    Raises:
        DataError: A value is NaN, infinite or no JSON value.
    """
    try:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False)
        if not _encodable(line):
            line = json.dumps(row, ensure_ascii=True, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise DataError(f"cannot be written as JSON: {error}") from error
    return line + "\n"


def write_rows(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows to a file, which appears when all are written, or to standard output (`-`).

    Returns:
        How many rows were written.

    Raises:
        DataError: A row is not JSON.
        OSError: The file cannot be written.
    """
    target: AbstractContextManager[TextIO]
    target = nullcontext(sys.stdout) if str(path) == "-" else atomic_writer(path)
    count = 0
    with target as stream:
        for row in rows:
            stream.write(dump_row(row))
            count += 1
    return count


def _rows(path: str, kind: Kind, skip: bool, errors: ErrorsFile | None, limits: Limits, seen: SeenIds) -> Iterator[Row]:
    for line, content, whole in _lines(path, limits.max_line_bytes):
        try:
            if not whole:
                raise DataError(f"the line is longer than {limits.max_line_bytes} bytes: split the row")
            row = _row(path, line, content, kind, limits)
            if row.content.id is not None and not seen.add(row.content.id):
                raise DataError(f"{row.content.id!r:.80} was used before: ids must be unique", field="id")
        except DataError as error:
            placed = DataError(error.reason, path=path, line=line, field=error.field)
            if not skip:
                raise placed from error
            if errors is not None:
                errors.add(placed, content.rstrip(b"\r\n").decode("utf-8", "backslashreplace"))
            continue
        yield row


def _row(path: str, line: int, content: bytes, kind: Kind, limits: Limits) -> Row:
    try:
        raw = read_json(content, "line")
    except DataError as error:
        raise DataError(error.reason + advice_on_line(content, kind)) from error
    if not isinstance(raw, dict):
        raise DataError(f"expected a JSON object, got {raw!r:.80}{advice_on_line(content, kind)}")
    return Row(path, line, raw, parse_row(raw, kind, limits))


def _lines(path: str, max_bytes: int) -> Generator[tuple[int, bytes, bool]]:
    """Number, content and completeness of each line that is not blank; of an overlong line only its beginning."""
    with _opened(path) as stream:
        number = 0
        while content := stream.readline(max_bytes + 1):
            number += 1
            whole = len(content) <= max_bytes or content.endswith(b"\n")
            if not whole:
                content = content[:_PREVIEW_BYTES]
                while (rest := stream.readline(_DRAIN_BYTES)) and not rest.endswith(b"\n"):
                    pass
            if number == 1:
                content = content.removeprefix(codecs.BOM_UTF8)
            if content.strip():
                yield number, content, whole


def _opened(path: str) -> AbstractContextManager[BinaryIO]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error


def _encodable(line: str) -> bool:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
