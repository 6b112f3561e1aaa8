"""`cacre graph`: verdict rows -> a knowledge graph, for databases, libraries and spreadsheets."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cacre.cli.filter import OnError
from cacre.cli.graph_export import NEEDS, Export, FormatOptions, Formats, Neo4jOptions
from cacre.cli.graph_readings import reading_lines
from cacre.cli.option_groups import with_groups
from cacre.data import ErrorsFile, check_some_usable, dump_row, read_rows
from cacre.errors import DataError
from cacre.extras import needs_extra
from cacre.graph import Graph, GraphCollector, MergeSettings
from cacre.graph.metadata import LONGEST_KEY, LONGEST_TOGETHER
from cacre.schema import load_schema

_NAMED = 5
"""Names of left out keys that are said."""


DEFAULT_SCHEMA = "open"


@dataclass(frozen=True)
class MergeOptions:
    """What enters the graph, and what counts as the same."""

    schema: Annotated[
        str | None,
        typer.Option(help=f"Relation schema of the rows: duie, open, or a file; {DEFAULT_SCHEMA} by default."),
    ] = None
    min_probability: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Leave out triples that are less probable.")
    ] = 0.0
    merge_aliases: Annotated[
        bool, typer.Option("--merge-aliases", help="Make one entity of what the texts call aliases of each other.")
    ] = False
    keep_inverses: Annotated[
        bool, typer.Option("--keep-inverses", help="Do not collapse an edge with its inverse (丈夫, 妻子).")
    ] = False

    def settings(self) -> MergeSettings:
        """The same as settings."""
        return MergeSettings(self.min_probability, self.merge_aliases, self.keep_inverses)


@with_groups
def graph_command(
    source: Annotated[str, typer.Argument(metavar="KEPT.jsonl|-", help="What `cacre filter` wrote; - is stdin.")],
    to: Annotated[Formats, typer.Option("--to", help="Format.")],
    merge: MergeOptions,
    options: FormatOptions,
    neo4j: Neo4jOptions,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="File, - for stdout; a folder for csv, parquet and neo4j-admin."),
    ] = None,
    on_error: Annotated[
        OnError, typer.Option(help="raise: stop at a bad row; skip: list it in *.errors.jsonl and go on.")
    ] = OnError.RAISE,
) -> None:
    """Merge supported triples into a graph with evidence on each edge, and write it in a format of your choice."""
    export = Export(to, output, options, neo4j)
    export.check(source)
    with needs_extra("graph"):
        import_module("opencc")
        if to in NEEDS:
            import_module(NEEDS[to])
    schema = load_schema(merge.schema or DEFAULT_SCHEMA)
    collector = GraphCollector(schema, merge.settings())
    skipped = collect_file(collector, source, export.errors(source) if on_error is OnError.SKIP else None)
    graph = collector.graph()
    where = export.run(graph)
    _summarise(collector, graph)
    for line in reading_lines(collector.counts.read, schema.name, given=merge.schema is not None):
        typer.echo(line, err=True)
    typer.echo(where, err=True)
    if skipped:
        typer.echo(f"{skipped} rows skipped, listed in {export.errors(source)}", err=True)


def collect_file(collector: GraphCollector, source: str, errors_path: Path | None) -> int:
    """Add the rows of a file to a collector.

    Args:
        collector: Where they go.
        source: Verdict rows, `-` for standard input.
        errors_path: Where rows that cannot be used are listed; None stops at the first.

    Returns:
        How many rows were skipped.

    Raises:
        DataError: The file cannot be read or has no rows; without `errors_path`, a row cannot be used; with it, all
            were skipped.
        OSError: The list cannot be written.
    """
    if errors_path is None:
        for row in read_rows(source, "texts"):
            collector.add(row)
        check_some_usable(collector.counts.rows, source)
        return 0
    with ErrorsFile(errors_path) as errors:
        # Read as texts, so that the collector can say what a row without verdicts needs.
        for row in read_rows(source, "texts", on_error="skip", errors=errors):
            try:
                collector.add(row)
            except DataError as error:
                errors.add(error, dump_row(row.raw).rstrip("\n"))
        check_some_usable(collector.counts.rows, source, errors)
        return errors.count


def _summarise(collector: GraphCollector, graph: Graph) -> None:
    counts = collector.counts
    left_out = _listed(
        (counts.rejected, "rejected"), (counts.labelled_wrong, "labelled wrong"), (counts.improbable, "improbable")
    )
    changed = _listed((counts.merged, "merged"), (counts.read.turned, "turned"))
    typer.echo(
        f"{counts.rows} rows: {counts.triples} supported triples{left_out and f' ({left_out} left out)'}", err=True
    )
    typer.echo(
        f"{len(graph.entities)} entities, {len(graph.edges)} edges{changed and f' ({changed} triples)'}", err=True
    )
    if counts.left_out:
        names = ", ".join(map(repr, sorted(counts.left_out)[:_NAMED])) + (
            ", ..." if len(counts.left_out) > _NAMED else ""
        )
        typer.echo(
            f"{counts.left_out.total()} further keys left out, too long for a graph ({LONGEST_KEY} characters a key, "
            f"{LONGEST_TOGETHER} together): {names}",
            err=True,
        )


def _listed(*counts: tuple[int, str]) -> str:
    """The counts that are not zero."""
    return ", ".join(f"{count} {what}" for count, what in counts if count)
