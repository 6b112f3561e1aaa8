"""`cacre schema`: which relations a schema has, and how they are said."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cacre.errors import SchemaError
from cacre.inference.folder import DEFAULT_MODEL, bundled_models
from cacre.schema import RelationType, Schema, load_schema
from cacre.schema.loading import BUILT_IN

_FILE = "schema.json"
_COLUMNS = ("relation", "subject", "object", "synonyms", "inverses")


def schema_command(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE",
            help="duie, open, a schema file, or a bundled model or a model folder for its own; the bundled model's by "
            "default.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All there is, as a schema file; --schema takes it.")] = False,
) -> None:
    """List the relations of a schema, their types and words; a table on a terminal, else tabs under a header line."""
    schema = find_schema(source or DEFAULT_MODEL)
    if as_json:
        sys.stdout.write(json.dumps(schema.to_json(), ensure_ascii=False, indent=1) + "\n")
    elif sys.stdout.isatty():
        print_table(Console(highlight=False), schema)
    else:
        sys.stdout.writelines("\t".join(cells) + "\n" for cells in (_COLUMNS, *map(_cells, schema)))


def find_schema(source: str) -> Schema:
    """A schema by its name, by its file, or by a folder that holds one.

    Args:
        source: A built-in schema, a bundled model, a model's or an extractor's folder, or a schema file.

    Raises:
        SchemaError: There is none; the message says what is allowed.
    """
    if source in BUILT_IN:
        return load_schema(source)
    path = bundled_models().get(source, Path(source))
    if not path.is_dir():
        return load_schema(source)
    if not (path / _FILE).is_file():
        raise SchemaError(
            f"{source}: a folder without {_FILE}: give a model folder, a schema file, or one of {', '.join(BUILT_IN)}"
        )
    return load_schema(path / _FILE)


def print_table(console: Console, schema: Schema) -> None:
    """The schema as a table for a person.

    Args:
        console: Where to.
        schema: What to show.
    """
    table = Table(title=f"{schema.name}: {len(schema)} relations")
    for number, column in enumerate(_COLUMNS):
        # The name is what gets copied.
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for relation in schema:
        table.add_row(*map(Text, _cells(relation)))
    console.print(table)


def _cells(relation: RelationType) -> tuple[str, ...]:
    words = (", ".join(words) for words in (relation.synonyms, relation.inverses))
    cells = (relation.name, relation.subject_type, relation.object_type, *words)
    # A tab or a line break in a name would make two of one.
    return tuple(" ".join(cell.split()) for cell in cells)
