"""Rows as Parquet: columns for what every row has, JSON for the rest, so that all parts of a job have one schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any

import pyarrow as pa

from cacre.data import dump_row
from cacre.errors import DataError

EXTRA = "extra"
"""Column, and field of a triple, with the keys that have no column of their own, as one JSON object; null if none."""
_MARK = {b"cacre": b"rows 1"}
_PARTS = ("subject", "predicate", "object", "subject_type", "object_type")
_SCORES = ("text_score", "pair_score", "probability")
_JUDGED = ("verdict", *_SCORES, "evidence")


@cache
def row_schema() -> pa.Schema:
    """Columns of candidate and verdict rows."""
    triple = [pa.field(name, pa.string()) for name in (*_PARTS, "verdict", "reason")]
    triple += [pa.field(name, pa.float64()) for name in _SCORES]
    triple += [pa.field("evidence", pa.list_(pa.list_(pa.int32()))), pa.field(EXTRA, pa.string())]
    columns = [("id", pa.string()), ("text", pa.string()), ("triples", pa.list_(pa.struct(triple)))]
    return pa.schema([*columns, (EXTRA, pa.string())], metadata=_MARK)


@cache
def error_schema() -> pa.Schema:
    """Columns of rows that could not be used."""
    texts = {name: pa.string() for name in ("path", "reason", "field", "raw")}
    order = ("path", "byte", "row", "reason", "field", "raw")
    return pa.schema([(name, texts.get(name, pa.int64())) for name in order])


def row_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a candidate or verdict row.

    Raises:
        DataError: A value is no JSON value.
    """
    row_id = row.get("id")
    own = {"text": row["text"], "triples": [_triple_cells(triple) for triple in row["triples"]]}
    # An id that is a number is text in its column, and stands as it was among the rest, which a reader prefers.
    in_columns = own if isinstance(row_id, int) else {"id", *own}
    rest = {name: value for name, value in row.items() if name not in in_columns}
    return {"id": None if row_id is None else str(row_id), **own, EXTRA: _json(rest)}


def error_cells(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of an entry; what UTF-8 cannot carry, as a file's name may hold it, becomes an escape."""
    return {name: _encodable(value) if isinstance(value, str) else value for name, value in entry.items()}


def row_of_cells(cells: Mapping[str, Any], metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """The row of Parquet cells; of a table that was written here, with the keys of `extra` in their places.

    Args:
        cells: Cells by column, without nulls.
        metadata: What the schema of the file says of itself.

    Raises:
        ValueError: `extra` is no JSON object.
    """
    if any((metadata or {}).get(key) != value for key, value in _MARK.items()):
        return dict(cells)
    row = _unpacked(cells)
    return {**row, "triples": [_unpacked(triple) for triple in row["triples"]]} if "triples" in row else row


def _triple_cells(triple: Mapping[str, Any]) -> dict[str, Any]:
    # A key that a verdict would have may be the user's own, of whatever type: then it has no column.
    judged = triple.get("verdict") in ("supported", "rejected")
    names = _PARTS + (_JUDGED if judged else ()) + (("reason",) if triple.get("verdict") == "rejected" else ())
    cells = {name: triple[name] for name in names if not isinstance(triple.get(name), dict | NoneType)}
    rest = {name: value for name, value in triple.items() if name not in cells and value is not None}
    if "object" in rest:  # a complex one, whose "@value" is judged
        cells["object"] = rest["object"]["@value"]
    return {**cells, EXTRA: _json(rest)}


def _encodable(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _json(rest: Mapping[str, Any]) -> str | None:
    try:
        return dump_row(rest).rstrip("\n") if rest else None
    except RecursionError as error:
        raise DataError("the JSON is nested too deeply") from error


def _unpacked(cells: Mapping[str, Any]) -> dict[str, Any]:
    try:
        rest = json.loads(cells.get(EXTRA, "{}"))
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    if not isinstance(rest, dict):
        raise ValueError(f"{EXTRA} is no JSON object")
    return {**{name: value for name, value in cells.items() if name != EXTRA}, **rest}
