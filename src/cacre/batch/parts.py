"""The part files of one unit: `kept/part-00017.jsonl`, and so on, one for each dataset that gets a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext, suppress
from types import TracebackType
from typing import IO, Any, Literal, Protocol, Self

from cacre.batch.storage import Folder
from cacre.batch.units import Unit
from cacre.data import dump_row
from cacre.errors import DataError

PartFormat = Literal["jsonl", "parquet"]
ERRORS = "errors"
"""The dataset of what could not be used; all others hold candidate or verdict rows."""
_BATCH = 256


class _Writer(Protocol):
    def add(self, row: Any) -> None: ...  # noqa: ANN401  (what `encode` gave)
    def close(self) -> None: ...


class UnitParts:
    """What a unit's rows are written to. A context manager: the parts appear when the block ends without an error.

    The same rows give the same bytes, and parts of datasets that got no row are removed, so that a unit done twice
    leaves what one done once does.

    Args:
        folder: The job's output.
        unit: The unit.
        format: How the parts are written.
    """

    def __init__(self, folder: Folder, unit: Unit, format: PartFormat) -> None:
        self.counts: Counter[str] = Counter()
        self._folder, self._unit, self._format = folder, unit, format
        self._writers: dict[str, _Writer] = {}
        self._stack = ExitStack()

    def encode(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a line, or cells)
        """A row as it will be written, so that one that cannot be is known before anything of it is.

        Raises:
            DataError: A value cannot be written.
        """
        if self._format == "parquet":
            from cacre.batch.tables import row_cells

            return row_cells(row)
        return _line(row)

    def add(self, dataset: str, encoded: Any) -> None:  # noqa: ANN401
        """Write a row that was encoded.

        Raises:
            OSError: It cannot be written.
        """
        self._writer(dataset).add(encoded)
        self.counts[dataset] += 1

    def add_error(self, entry: Mapping[str, Any]) -> None:
        """Write what is said of a row that cannot be used.

        Raises:
            OSError: It cannot be written.
        """
        if self._format == "parquet":
            from cacre.batch.tables import error_cells

            self.add(ERRORS, error_cells(entry))
        else:
            self.add(ERRORS, _line(entry))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # With an error the files under their temporary names go, and none appears.
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            self._remove_stale()

    def _remove_stale(self) -> None:
        """Remove what an earlier attempt wrote to datasets that this one has no row for."""
        for dataset in self._folder.names():
            # All else in an output is a record of the job: the ledger opens no folder with anything foreign.
            if not dataset.startswith((".", "_")) and dataset not in self._writers:
                with suppress(NotADirectoryError):
                    self._folder.remove(self._name(dataset))

    def _name(self, dataset: str) -> str:
        return f"{dataset}/part-{self._unit.name}.{self._format}"

    def _writer(self, dataset: str) -> _Writer:
        if dataset not in self._writers:
            stream = self._stack.enter_context(self._folder.replacing(self._name(dataset)))
            writer = _TableWriter(stream, dataset) if self._format == "parquet" else _LineWriter(stream)
            self._stack.push(_closing(writer))
            self._writers[dataset] = writer
        return self._writers[dataset]


class _LineWriter:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def add(self, row: str) -> None:
        self._stream.write(row.encode("utf-8"))

    def close(self) -> None:
        pass


class _TableWriter:
    def __init__(self, stream: IO[bytes], dataset: str) -> None:
        from pyarrow.parquet import ParquetWriter

        from cacre.batch.tables import error_schema, row_schema

        self._schema = error_schema() if dataset == ERRORS else row_schema()
        self._rows: list[dict[str, Any]] = []
        self._writer = ParquetWriter(stream, self._schema, compression="zstd")

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        from pyarrow import Table

        if self._rows:
            self._writer.write_table(Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def _closing(writer: _Writer) -> Any:  # noqa: ANN401  (an exit callback)
    def leave(kind: type[BaseException] | None, *_: object) -> None:
        # What half a table is closed with goes to a temporary file that is removed next.
        with nullcontext() if kind is None else suppress(Exception):
            writer.close()

    return leave


def _line(row: Mapping[str, Any]) -> str:
    try:
        return dump_row(row)
    except RecursionError as error:
        raise DataError("the JSON is nested too deeply") from error
