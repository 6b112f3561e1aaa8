"""Texts of several domains, each annotated under a small schema of its own, so that relations are many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cacre.data.corpus import load_examples
from cacre.errors import DataError
from cacre.schema import Schema, load_schema
from cacre.types import Example

SCHEMA = "schema.json"


@dataclass(frozen=True)
class Domain:
    """The texts of one domain.

    Args:
        name: Name of its folder.
        schema: The relations that the texts are annotated with, and that their wrong triples are of.
        examples: The texts.
    """

    name: str
    schema: Schema
    examples: tuple[Example, ...]


def load_domains(folder: str | Path) -> list[Domain]:
    """Read a folder that has a folder for each domain, of `schema.json` and one or more `*.jsonl`.

    Args:
        folder: The folder; what else lies in it is left alone.

    Returns:
        The domains, by name.

    Raises:
        DataError: There is none, one has no rows, or a row cannot be used.
        SchemaError: A schema cannot be read.
    """
    found = sorted(path.parent for path in Path(folder).glob(f"*/{SCHEMA}"))
    if not found:
        raise DataError(
            f"no folder in it has a {SCHEMA} and rows (DIR/NAME/{SCHEMA}, DIR/NAME/*.jsonl)", path=str(folder)
        )
    domains = []
    for path in found:
        schema = load_schema(str(path / SCHEMA))
        domains.append(Domain(path.name, schema, tuple(load_examples(path, schema=schema))))
    return domains
