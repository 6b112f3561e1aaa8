"""What the summary of `filter` and `run` says of predicates that the schema lacks, and of relations new to it."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

from cacre.cli.one_line import one_line
from cacre.inference.unknown_predicates import UnknownPredicates
from cacre.schema import Schema

_SHOWN = 5
_WIDTH = 30


def unknown_lines(unknown: UnknownPredicates, schema: Schema, source: str | None) -> list[str]:
    """The most frequent unknown predicates and where to look up the known ones; nothing where all are known.

    Args:
        unknown: The counts.
        schema: What was checked against.
        source: What `cacre schema` takes to list it; None for the bundled model's.
    """
    if not unknown.counts:
        return []
    shown = [f"{_short(name)} ({count})" for name, count in unknown.counts.most_common(_SHOWN)]
    left = len(unknown.counts) - len(shown)
    more = f" and {left} more" if left else ""
    command = shlex.join(["cacre", "schema", *([source] if source else [])])
    return [
        f"not in schema {schema.name!r}: {', '.join(shown)}{more}",
        f"hint: {one_line(command)}  lists its relations; --no-schema-checks turns the check off",
    ]


def new_relation_lines(new: Collection[str], schema: Schema, model: str) -> list[str]:
    """That a model has not learned relations of the schema it is asked to judge by; nothing where it has.

    Args:
        new: Names of these relations.
        schema: What was checked against.
        model: Name or folder of the model.
    """
    if not new:
        return []
    names = [_short(relation.name) for relation in schema if relation.name in new]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    learned = one_line(Path(model).name)
    return [
        f"new to {learned}: {len(names)} of the {len(schema)} relations of {schema.name!r} ({', '.join(names[:_SHOWN])}"
        f"{more}); it judges them by the schema's words alone",
        "hint: with labelled rows, cacre calibrate fits thresholds to them, cacre train --from lets it learn",
    ]


def _short(name: str) -> str:
    plain = one_line(name)
    return plain if len(plain) <= _WIDTH else f"{plain[: _WIDTH - 1]}…"
