"""Contrastive data from many files and folders, as one list of examples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from cacre.data.conversion import to_example
from cacre.data.fields import DEFAULT_LIMITS, Limits
from cacre.data.jsonl import ErrorsFile, SeenIds, read_rows
from cacre.errors import DataError
from cacre.types import Example


def load_examples(
    paths: str | Path | Iterable[str | Path],
    *,
    on_error: Literal["raise", "skip"] = "raise",
    errors: ErrorsFile | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Example]:
    """Read contrastive rows; ids must be unique across all files.

    Args:
        paths: Files, `-`, or folders, of which every `*.jsonl` is read in the order of names, save `*.errors.jsonl`.
        on_error: Whether a bad row ends the reading or is left out.
        errors: Where rows left out are written.
        limits: What a row may be at most.

    Raises:
        ConfigError: `on_error` is unknown.
        DataError: A file cannot be read, a folder has no such file, or, with `raise`, a row cannot be used.
    """
    seen = SeenIds()
    named = [paths] if isinstance(paths, str | Path) else paths
    return [
        to_example(row)
        for path in named
        for file in _files(path)
        for row in read_rows(file, "contrastive", on_error=on_error, errors=errors, limits=limits, seen=seen)
    ]


def _files(path: str | Path) -> list[str | Path]:
    if str(path) == "-" or not Path(path).is_dir():
        return [path]
    files = sorted(file for file in Path(path).glob("*.jsonl") if not file.name.endswith(".errors.jsonl"))
    if not files:
        raise DataError("the folder has no *.jsonl file", path=str(path))
    return [*files]
