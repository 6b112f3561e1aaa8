"""Graphs as tables: CSV for spreadsheets and scripts, Parquet for pandas, DuckDB or Spark.

Three tables, `entities`, `edges` and `sources`:

| table | columns |
|---|---|
| `entities` | `key`, `name`, `types`, `aliases` |
| `edges` | `edge` (its number, from 1), `subject`, `subject_name`, `predicate`, `object`, `object_name`, `is_value`, \
`object_type`, `qualifiers`, `probability`, `text_score` |
| `sources` | `edge`, `row` (its id), `subject`, `object`, `quotes`, `evidence` (character offsets), `probability`, \
`text_score`, `pair_score`, `text`, `row_metadata`, `triple_metadata` (further keys of row and triple, as JSON) |

`subject` and, unless `is_value`, `object` of an edge are keys of entities; `subject` and `object` of a source are the
words of its text. In Parquet lists are lists and qualifiers a map.

In CSV lists and qualifiers are JSON, and nothing is an empty cell: an empty row id is read back as none. A spreadsheet
would run a cell that begins with `=`, `+`, `-`, `@` (or their full-width forms), a tab, a carriage return or a newline
as a formula (OWASP, "CSV Injection"). Such a cell gets an apostrophe in front, and so does one that begins with
apostrophes and then one of these, so that `read_csv` can take exactly that one off again. Columns of numbers hold
numbers and are left alone.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cacre.errors import DataError, MissingExtraError
from cacre.graph.folders import whole_folder
from cacre.graph.values import Edge, Entity, Graph, Source

if TYPE_CHECKING:
    import pyarrow

_METADATA = ("row_metadata", "triple_metadata")
_COLUMNS = {
    "entities": ("key", "name", "types", "aliases"),
    "edges": (
        *("edge", "subject", "subject_name", "predicate", "object", "object_name", "is_value", "object_type"),
        *("qualifiers", "probability", "text_score"),
    ),
    "sources": (
        *("edge", "row", "subject", "object", "quotes", "evidence", "probability", "text_score", "pair_score", "text"),
        *_METADATA,
    ),
}
_FORMULA = re.compile("'*[=+\\-@＝＋－＠\t\r\n]")
_GUARDED = re.compile("'+[=+\\-@＝＋－＠\t\r\n]")
_BATCH = 5000
"""Rows of a row group of Parquet: what is in memory at once."""
_Value = TypeVar("_Value")


def write_csv(graph: Graph, folder: str | Path, bom: bool = False) -> None:
    """Write `entities.csv`, `edges.csv` and `sources.csv`, as the module describes, all three or none.

    Args:
        graph: The graph.
        folder: Where they go; it is made if need be.
        bom: Whether the files begin with a byte order mark, without which Excel garbles Chinese.

    Raises:
        OSError: A file cannot be written.
    """
    with whole_folder(Path(folder), [f"{table}.csv" for table in _COLUMNS]) as opened:
        for table, rows in _tables(graph).items():
            stream = opened(f"{table}.csv")
            stream.write("\ufeff" if bom else "")
            writer = csv.writer(stream)
            writer.writerow(_COLUMNS[table])
            writer.writerows(map(_cell, row) for row in rows)


def write_parquet(graph: Graph, folder: str | Path) -> None:
    """Write `entities.parquet`, `edges.parquet` and `sources.parquet`, compressed with zstd, all three or none.

    Raises:
        MissingExtraError: pyarrow is not installed.
        OSError: A file cannot be written.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise MissingExtraError("pyarrow", "graph") from error
    with whole_folder(Path(folder), [f"{table}.parquet" for table in _COLUMNS]) as opened:
        for table, rows in _tables(graph).items():
            schema = _schema(table)
            with ParquetWriter(opened(f"{table}.parquet").buffer, schema, compression="zstd") as writer:
                while batch := list(islice(rows, _BATCH)):
                    columns = zip(zip(*batch, strict=True), schema, strict=True)
                    arrays = [pyarrow.array(map(_item, column), kind.type) for column, kind in columns]
                    writer.write_batch(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))


def read_csv(folder: str | Path) -> Graph:
    """Read what `write_csv` wrote, with or without a byte order mark; tables of 0.1.0 lack the columns of further keys.

    Raises:
        DataError: A file cannot be read or is not such a table; names file and line.
    """
    folder = Path(folder)
    with _long_fields():
        sources: dict[int, list[Source]] = {}
        for number, source in _read(folder, "sources", _read_source):
            sources.setdefault(number, []).append(source)
        entities = {entity.key: entity for entity in _read(folder, "entities", _read_entity)}
        edges = tuple(_read(folder, "edges", lambda row: _read_edge(row, sources)))
    if sources:
        raise DataError(
            f"sources of edges {sorted(sources)[:5]}, which edges.csv lacks", path=str(folder / "sources.csv")
        )
    return Graph(entities, edges)


def guard_formula(text: str) -> str:
    """Put an apostrophe before what a spreadsheet takes for a formula, and before what looks guarded already."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_formula(text: str) -> str:
    """Revert `guard_formula`."""
    return text[1:] if _GUARDED.match(text) else text


def _tables(graph: Graph) -> dict[str, Iterator[tuple[Any, ...]]]:
    """Rows in the order of `_COLUMNS`."""
    return {"entities": _entity_rows(graph), "edges": _edge_rows(graph), "sources": _source_rows(graph)}


def _entity_rows(graph: Graph) -> Iterator[tuple[Any, ...]]:
    for entity in graph.entities.values():
        yield entity.key, entity.name, list(entity.types), list(entity.aliases)


def _edge_rows(graph: Graph) -> Iterator[tuple[Any, ...]]:
    for number, edge in enumerate(graph.edges, start=1):
        subject = graph.entities[edge.subject].name
        target = edge.object if edge.is_value else graph.entities[edge.object].name
        yield (
            *(number, edge.subject, subject, edge.predicate, edge.object, target, edge.is_value, edge.object_type),
            *(dict(edge.qualifiers), edge.probability, edge.text_score),
        )


def _source_rows(graph: Graph) -> Iterator[tuple[Any, ...]]:
    for number, edge in enumerate(graph.edges, start=1):
        for source in edge.sources:
            evidence = [list(span) for span in source.evidence]
            scores = (source.probability, source.text_score, source.pair_score)
            words = (source.subject, source.object, list(source.quotes))
            metadata = (source.row_metadata or None, source.triple_metadata or None)
            yield number, source.row, *words, evidence, *scores, source.text, *metadata


def _cell(value: object) -> object:
    """A value as a cell of CSV."""
    if isinstance(value, str):
        return guard_formula(value)
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def _item(value: object) -> object:
    """A value as pyarrow takes it."""
    return list(value.items()) if isinstance(value, dict) else value


def _schema(table: str) -> pyarrow.Schema:
    import pyarrow as pa

    kinds = {
        **dict.fromkeys(("types", "aliases", "quotes"), pa.list_(pa.string())),
        **dict.fromkeys(("probability", "text_score", "pair_score"), pa.float64()),
        "edge": pa.int64(),
        "is_value": pa.bool_(),
        "qualifiers": pa.map_(pa.string(), pa.string()),
        "evidence": pa.list_(pa.list_(pa.int32())),
    }
    return pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in _COLUMNS[table]])


def _read(folder: Path, table: str, parse: Callable[[Mapping[str, str]], _Value]) -> Iterator[_Value]:
    path, expected = folder / f"{table}.csv", _COLUMNS[table]
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            columns = tuple(next(reader, []))
            if columns not in (expected, tuple(name for name in expected if name not in _METADATA)):
                raise ValueError(f"the columns are {list(columns)!r:.200}, expected {', '.join(expected)}")
            for cells in reader:
                line = reader.line_num
                if len(cells) != len(columns):
                    raise ValueError(f"has {len(cells)} cells, expected {len(columns)}")
                yield parse(dict(zip(columns, map(unguard_formula, cells), strict=True)))
    except OSError as error:
        raise DataError(f"cannot be read: {error}: if an export was cut short, run it again", path=str(path)) from error
    except (ValueError, csv.Error) as error:
        raise DataError(f"{error}: pass a folder that `write_csv` made", path=str(path), line=line) from error


def _read_entity(row: Mapping[str, str]) -> Entity:
    return Entity(row["key"], row["name"], tuple(_list(row["types"])), tuple(_list(row["aliases"])))


def _read_edge(row: Mapping[str, str], sources: dict[int, list[Source]]) -> Edge:
    qualifiers, is_value = json.loads(row["qualifiers"]), json.loads(row["is_value"].lower())
    if not isinstance(qualifiers, dict) or not isinstance(is_value, bool):
        raise ValueError(f"qualifiers {row['qualifiers']!r:.80} or is_value {row['is_value']!r:.80} is of no use")
    names = (row["subject"], row["predicate"], row["object"])
    return Edge(*names, is_value, row["object_type"], qualifiers, tuple(sources.pop(int(row["edge"]), ())))


def _read_source(row: Mapping[str, str]) -> tuple[int, Source]:
    spans = tuple((int(start), int(end)) for start, end in _list(row["evidence"]))
    source = Source(
        text=row["text"],
        row=row["row"] or None,
        evidence=spans,
        subject=row["subject"],
        object=row["object"],
        text_score=_score(row["text_score"]),
        pair_score=_score(row["pair_score"]),
        probability=_score(row["probability"]),
        row_metadata=row.get("row_metadata", ""),
        triple_metadata=row.get("triple_metadata", ""),
    )
    return int(row["edge"]), source


def _score(cell: str) -> float | None:
    return float(cell) if cell else None


def _list(cell: str) -> list[Any]:
    value = json.loads(cell)
    if not isinstance(value, list):
        raise ValueError(f"expected a JSON list, got {cell!r:.80}")
    return value


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the limit of 131,072 characters a cell, which the csv module has for the whole process."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
