"""The files that `cacre evaluate` compares, and what a user is told of how they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from cacre.evaluation.duie_scorer import Spo
from cacre.evaluation.scored_rows import ScoredFile, Side, canonical_predicates, read_scored_file
from cacre.schema import load_schema


def reader(schema: str | None) -> Callable[[Path, Side], dict[str, list[Spo]]]:
    """Reads the rows of a file and says what was done to them; with a schema, its names replace synonyms."""
    relations = None if schema is None else load_schema(schema)

    def read(path: Path, side: Side) -> dict[str, list[Spo]]:
        file = read_scored_file(path, side)
        for line in _reading_lines(file, path):
            typer.echo(line, err=True)
        if relations is None:
            return file.rows
        renamed, changed = canonical_predicates(file.rows, relations)
        typer.echo(f"{changed} predicates of {path} were synonyms and are taken for the schema's names", err=True)
        return renamed

    return read


def _reading_lines(file: ScoredFile, path: Path) -> Iterator[str]:
    if file.repeated:
        yield f"{file.repeated} rows of {path} repeat the text of another: rows of one text are scored together"
    if file.by_anchors:
        yield f"{file.by_anchors} rows of {path} have no gold: their anchors were taken for it"
    if left_out := file.judged_wrong + file.unjudged:
        yield (
            f"{left_out} triples of {path} are no gold by their labels: {file.judged_wrong} wrong, {file.unjudged} not "
            "judged"
        )
