"""The one function that judges: columns of candidate rows to columns of verdict rows. It knows no files and no Ray.

It can be handed to any engine that works in columns; Ray Data for one:

    verifier = cacre.load_verifier("mini-zh", threads=1)
    dataset.map_batches(partial(judge_columns, verifier))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cacre.data import Row, parse_row, to_candidates, verdict_row
from cacre.errors import DataError
from cacre.inference import Verifier

Columns = Mapping[str, Sequence[Any]]
"""Columns by name, all of one length. A None stands for a key that the row does not have."""
ERROR = "_error"
"""Column with what is wrong with a row: None, or `reason` and `field` (None where it is the row as a whole)."""


def judge_columns(verifier: Verifier, columns: Columns) -> dict[str, list[Any]]:
    """Judge rows given as columns. What becomes of a row does not depend on the others.

    Args:
        verifier: Any verifier.
        columns: Candidate rows: `text`, `triples`, and whatever else they have. Cells are JSON values; numpy arrays are
            taken for lists.

    Returns:
        The same columns, with verdicts in `triples` as `cacre filter` writes them, and the column `_error`. The triples
        of a row that cannot be used stay as they were.

    Raises:
        ModelError: The model fails.
    """
    rows = list(_rows(columns))
    triples = [row.get("triples") for row in rows]
    errors: list[dict[str, Any] | None] = [None] * len(rows)
    usable: list[tuple[int, Row]] = []
    for position, cells in enumerate(rows):
        try:
            raw = _plain(cells)
            triples[position] = raw.get("triples")
            usable.append((position, Row("-", position + 1, raw, parse_row(raw, "candidates"))))
        except DataError as error:
            errors[position] = {"reason": error.reason, "field": error.field}
    contents = [to_candidates(row) for _, row in usable]
    judged = verifier.verify_many([(content.text, content.candidates) for content in contents])
    for (position, row), verdicts in zip(usable, judged, strict=True):
        triples[position] = verdict_row(row.raw, verdicts)["triples"]
    kept = {name: list(values) for name, values in columns.items()}
    return {**kept, "triples": triples, ERROR: errors}


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns, one for each key that any of them has."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _rows(columns: Columns) -> Iterable[dict[str, Any]]:
    # The column of errors is ours: in rows that are judged again it is stale.
    names = [name for name in columns if name != ERROR]
    for cells in zip(*(columns[name] for name in names), strict=True):
        yield {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}


def _plain(cells: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: _json(cell) for name, cell in cells.items()}
    except RecursionError as error:  # what the C parser of JSON can still read may be too deep for Python
        raise DataError("the JSON is nested too deeply") from error


def _json(value: Any) -> Any:  # noqa: ANN401  (a cell can hold anything)
    """A cell without numpy, which engines that work in columns wrap lists and numbers in."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {name: _json(part) for name, part in value.items()}
    return [_json(part) for part in value] if isinstance(value, list | tuple) else value
