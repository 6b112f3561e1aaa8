"""What the summary of `filter` and `run` says of predicates that the schema lacks."""

from __future__ import annotations

import shlex

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


def _short(name: str) -> str:
    plain = one_line(name)
    return plain if len(plain) <= _WIDTH else f"{plain[: _WIDTH - 1]}…"
