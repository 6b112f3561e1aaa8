"""Reading the rows of one unit, one at a time; what cannot be read becomes a record that says so."""

from __future__ import annotations

import codecs
import io
import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import IO, Any

from fsspec.core import OpenFile, get_compression

from cacre.batch.storage import filesystem_of
from cacre.batch.units import COMPRESSED, Unit, is_broken_file
from cacre.data.fields import DEFAULT_LIMITS
from cacre.data.strict_json import read_json
from cacre.errors import DataError

_BUFFER = 1 << 18
_PACKED_BUFFER = 1 << 13
"""Of a compressed file that is cut off, so much before the cut may be lost."""
_DRAIN_BYTES = 1 << 16
_PREVIEW_BYTES = 1000
_BROKEN = (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError)
_BAD_CELL = (ValueError, OverflowError, LookupError)
"""What pyarrow raises where a cell is no UTF-8, a time that Python does not have, or one of an unknown time zone."""
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it was read, or what is wrong with it.

    Args:
        path: The file.
        byte: Where its line begins in the (unpacked) file, from 0; None in a Parquet file.
        row: Its number in the file, from 0; None in a JSONL file.
        raw: The JSON object; None if there is an error.
        error: Why it could not be read; None if it was.
        source: The line as it stood in the file, or its beginning if it is overlong; "" in a Parquet file.
    """

    path: str
    byte: int | None
    row: int | None
    raw: dict[str, Any] | None
    error: DataError | None = None
    source: str = ""

    @property
    def place(self) -> str:
        """File and place in it, for messages."""
        return f"{self.path}, byte {self.byte}" if self.row is None else f"{self.path}, row {self.row}"

    def error_entry(self, reason: str, field: str | None = None) -> dict[str, Any]:
        """What is written of a row that cannot be used."""
        where = {"path": self.path, "byte": self.byte, "row": self.row}
        return {**where, "reason": reason, "field": field, "raw": self.source or _dumped(self.raw)}


def read_unit(unit: Unit, max_line_bytes: int = DEFAULT_LIMITS.max_line_bytes) -> Iterator[Record]:
    """Read the rows of a unit; blank lines are passed over.

    What is broken (a Parquet file without a footer, one of its row groups, a compressed file that is cut off) gives the
    rows before the broken place and then one record with the error.

    Args:
        unit: What to read.
        max_line_bytes: Longest line; a longer one is an error and never held in memory.

    Raises:
        OSError: The disk or the network fails, or the file is gone.
    """
    return _parquet_records(unit) if unit.format == "parquet" else _jsonl_records(unit, max_line_bytes)


def _jsonl_records(unit: Unit, max_bytes: int) -> Iterator[Record]:
    packed = unit.path.lower().endswith(COMPRESSED)
    place = 0
    try:
        packing = get_compression(unit.path, "infer") if packed else None
        with OpenFile(*filesystem_of(unit.path), "rb", compression=packing) as opened:
            stream = io.BufferedReader(opened, _PACKED_BUFFER if packed else _BUFFER)
            for place, content, whole in _lines(stream, unit.start, None if packed else unit.stop, max_bytes):
                yield _json_record(unit.path, place, content, None if whole else max_bytes)
    except _BROKEN as error:
        if not is_broken_file(error):
            raise
        reason = f"the file is broken somewhere after this byte: {_first_line(error)}; rows after it are lost"
        yield Record(unit.path, place, None, None, DataError(reason))


def _lines(stream: IO[bytes], start: int, stop: int | None, max_bytes: int) -> Iterator[tuple[int, bytes, bool]]:
    """Offset, content and completeness of each line that begins in [start, stop) and is not blank."""
    place = start
    if start:
        # A line that begins exactly here is ours: whether it does, the byte before says.
        stream.seek(start - 1)
        place = start - 1 + _drain(stream, None if stop is None else stop - start + 1)
    while (stop is None or place < stop) and (content := stream.readline(max_bytes + 1)):
        length, whole = len(content), len(content) <= max_bytes or content.endswith(b"\n")
        if not whole:
            content = content[:_PREVIEW_BYTES]
            length += _drain(stream)
        text = content.removeprefix(codecs.BOM_UTF8) if place == 0 else content
        if text.strip():
            yield place, text, whole
        place += length


def _drain(stream: IO[bytes], enough: int | None = None) -> int:
    """Read on to the end of the line, or until `enough` bytes are read, and say how many they were."""
    count = 0
    while rest := stream.readline(_DRAIN_BYTES):
        count += len(rest)
        if rest.endswith(b"\n") or (enough is not None and count >= enough):
            break
    return count


def _json_record(path: str, place: int, content: bytes, too_long: int | None) -> Record:
    source = content.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    try:
        if too_long is not None:
            raise DataError(f"the line is longer than {too_long} bytes: split the row")
        return Record(path, place, None, _json_object(content), source=source)
    except DataError as error:
        return Record(path, place, None, None, error, source)


def _json_object(content: bytes) -> dict[str, Any]:
    raw = read_json(content, "line")
    if not isinstance(raw, dict):
        raise DataError(f"expected a JSON object, got {raw!r:.80}")
    return raw


def _parquet_records(unit: Unit) -> Iterator[Record]:
    from pyarrow.parquet import ParquetFile

    filesystem, path = filesystem_of(unit.path)
    try:
        with filesystem.open(path, "rb") as stream, ParquetFile(stream) as table:
            first = sum(table.metadata.row_group(group).num_rows for group in range(unit.start))
            for group in range(unit.start, unit.stop):
                yield from _group_records(unit.path, table, group, first)
                first += table.metadata.row_group(group).num_rows
    except _BROKEN as error:
        if not is_broken_file(error):
            raise
        yield Record(
            unit.path, None, 0, None, DataError(f"the file is broken: {_first_line(error)}; its rows are lost")
        )


def _group_records(path: str, table: Any, group: int, first: int) -> Iterator[Record]:  # noqa: ANN401  (pyarrow's)
    place, own = first, table.schema_arrow.metadata
    try:
        for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group]):
            for row in _batch_rows(batch, own):
                raw, fault = (None, row) if isinstance(row, DataError) else (row, None)
                yield Record(path, None, place, raw, fault)
                place += 1
    except _BROKEN as error:
        if not is_broken_file(error):
            raise
        reason = f"row group {group} is broken: {_first_line(error)}; its rows from this one on are lost"
        yield Record(path, None, place, None, DataError(reason))


def _batch_rows(batch: Any, metadata: Any) -> Iterator[dict[str, Any] | DataError]:  # noqa: ANN401  (pyarrow's)
    """The rows of a batch; in place of one that has a bad cell, what is wrong with it."""
    rows: list[dict[str, Any] | DataError]
    try:
        rows = [_row(cells, metadata) for cells in batch.to_pylist()]
    except _BAD_CELL:  # one of them: the others are sound
        rows = [_only_row(batch.slice(number, 1), metadata) for number in range(batch.num_rows)]
    yield from rows


def _only_row(batch: Any, metadata: Any) -> dict[str, Any] | DataError:  # noqa: ANN401  (pyarrow's)
    field: str | None = None
    try:
        for field, column in zip(batch.schema.names, batch.columns, strict=True):  # noqa: B007  (told of an error)
            column.to_pylist()
        field = None
        return _row(batch.to_pylist()[0], metadata)
    except _BAD_CELL as error:
        return DataError(f"cannot be read: {_first_line(error)}", field=field)


def _row(cells: dict[str, Any], metadata: Any) -> dict[str, Any]:  # noqa: ANN401
    from cacre.batch.tables import row_of_cells

    return row_of_cells(_plain(cells), metadata)


def _plain(value: Any) -> Any:  # noqa: ANN401  (whatever a column holds)
    """A cell as JSON has it: nothing where there is null, times and decimals as text."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if isinstance(value, float) and not isfinite(value) else value


def _dumped(raw: dict[str, Any] | None) -> str:
    try:
        return "" if raw is None else json.dumps(raw, ensure_ascii=True, default=str)
    except RecursionError:
        return ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
