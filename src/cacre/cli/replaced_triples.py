"""The warning about texts that bring triples of their own, which extraction replaces."""

from __future__ import annotations

import typer


def warn_of_replaced(rows: int) -> None:
    """Say on stderr, in one line, that the triples of so many rows are not looked at; nothing where there are none."""
    if rows:
        typer.echo(
            f"warning: {rows} rows have triples already, which are not looked at and give way to those found now: "
            "cacre filter  judges those of a file",
            err=True,
        )
