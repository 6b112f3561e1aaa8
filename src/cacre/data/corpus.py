"""Training data from many files and folders, contrastive or annotated, as one list of examples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from cacre.data.annotation import to_annotation
from cacre.data.conversion import to_example
from cacre.data.fields import DEFAULT_LIMITS, Limits
from cacre.data.jsonl import ErrorsFile, SeenIds, first_line, read_rows
from cacre.data.rows import Kind, Row
from cacre.errors import DataError
from cacre.schema import Schema
from cacre.types import Example

_NO_DATA = (".errors.jsonl", ".partial.jsonl")
"""What other commands leave beside data: rows that failed, and what a stopped job had by then."""


def load_examples(
    paths: str | Path | Iterable[str | Path],
    *,
    schema: Schema | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    errors: ErrorsFile | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Example]:
    """Read contrastive rows, and annotated rows such as DuIE's; ids must be unique across all files.

    What a file holds is told by its first row. The positives of an annotated text are the schema's paraphrases, and
    training corrupts its triples; negatives of its own (`hard`) are the triples that a label calls wrong. What else is
    right in it is told by `Annotation`.

    Args:
        paths: Files, `-` (contrastive), or folders, of which every `*.jsonl` is read in the order of names, save
            `*.errors.jsonl` and `*.partial.jsonl`.
        schema: Makes the paraphrases of annotated rows; needed for those only.
        on_error: Whether a bad row ends the reading or is left out.
        errors: Where rows left out are written.
        limits: What a row may be at most.

    Raises:
        ConfigError: `on_error` is unknown.
        DataError: A file cannot be read, a folder has no such file, or, with `raise`, a row cannot be used.
    """
    seen = SeenIds()
    named = [paths] if isinstance(paths, str | Path) else paths
    examples = []
    for file in (file for path in named for file in _files(path)):
        kind = _kind(file, limits)
        rows = read_rows(file, kind, on_error=on_error, errors=errors, limits=limits, seen=seen)
        examples += [to_example(row) if kind == "contrastive" else _annotated(row, schema) for row in rows]
    return examples


def _annotated(row: Row, schema: Schema | None) -> Example:
    if schema is None:
        raise DataError(
            "annotated rows need a schema, whose paraphrases are their positives", path=row.path, line=row.line
        )
    annotation = to_annotation(row)
    text, anchors = annotation.text, annotation.text.triples
    positives = tuple(schema.paraphrase(anchor) or anchor for anchor in anchors)
    # What somebody has called right is never made a negative, though the annotation may lack it.
    gold = tuple(dict.fromkeys((*anchors, *annotation.right)))
    return Example(text.text, anchors, positives, (), annotation.wrong, id=text.id, gold=gold)


def _kind(file: str | Path, limits: Limits) -> Kind:
    """What the first row of a file is; a row that cannot be told is left to the contrastive reader's error."""
    if str(file) == "-" or not Path(file).is_file():
        return "contrastive"
    first = first_line(file, limits)
    return "duie" if b'"anchors"' not in first and (b'"spo_list"' in first or b'"triples"' in first) else "contrastive"


def _files(path: str | Path) -> list[str | Path]:
    if str(path) == "-" or not Path(path).is_dir():
        return [path]
    files = sorted(file for file in Path(path).glob("*.jsonl") if not file.name.endswith(_NO_DATA))
    if not files:
        raise DataError("the folder has no *.jsonl file", path=str(path))
    return [*files]
