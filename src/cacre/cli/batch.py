"""`cacre batch`: candidate rows of many files -> verdicts, by many workers, each row exactly once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cacre.cli.check_options import SchemaCheckOptions
from cacre.cli.filter import OnError
from cacre.cli.option_groups import with_groups
from cacre.cli.voided_guarantee import warn_of_voided
from cacre.extras import needs_extra
from cacre.inference.folder import DEFAULT_MODEL, find_folder, read_folder

if TYPE_CHECKING:
    from cacre.batch.cluster import Progress as BatchProgress
    from cacre.batch.ledger import Counts

_NOTICE_SECONDS = 30.0
_MEGABYTE = 1024 * 1024


class PartFormats(StrEnum):
    """How the output is written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True)
class WorkOptions:
    """Who works, and in what portions."""

    ray_address: Annotated[
        str | None, typer.Option(help="A Ray cluster, such as auto; by default Ray is started on this machine.")
    ] = None
    concurrency: Annotated[int | None, typer.Option(min=1, help="Workers, a CPU each; as many as CPUs by default.")] = (
        None
    )
    unit_size: Annotated[int, typer.Option(min=1, help="Bytes of input in a unit of work.")] = 4 * _MEGABYTE
    batch_rows: Annotated[int, typer.Option(min=1, help="Rows that a worker judges at once.")] = 64


@with_groups
def batch_command(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="Candidate rows in JSONL or Parquet: files, folders, globs, URLs; last the folder for the verdicts.",
        ),
    ],
    checks: SchemaCheckOptions,
    work: WorkOptions,
    model: Annotated[
        str, typer.Option(help="Name of a bundled model, or a model folder that all workers see.")
    ] = DEFAULT_MODEL,
    format: Annotated[PartFormats, typer.Option("--format", help="How the verdicts are written.")] = PartFormats.JSONL,
    on_error: Annotated[
        OnError, typer.Option(help="skip: list a bad row in errors/ and go on; raise: stop at it.")
    ] = OnError.SKIP,
) -> None:
    """Judge the triples of many files with many workers. Run again to go on after a stop: nothing is done twice."""
    if len(paths) < 2:
        raise typer.BadParameter("give one or more inputs, and last the output folder", param_hint="INPUT... OUTPUT")
    *inputs, output = paths
    with needs_extra("batch"):
        from cacre.batch.cluster import Workers
        from cacre.batch.judging import summary_of
        from cacre.batch.parts import ERRORS
        from cacre.batch.pipeline import BatchJob, run_batch
    job = BatchJob(
        *(tuple(inputs), output, model, checks.rules(), format.value, work.unit_size, work.batch_rows),
        strict=on_error is OnError.RAISE,
    )
    warn_of_voided(read_folder(find_folder(model)), job.rules)
    try:
        with unit_progress() as watch:
            counts = run_batch(job, Workers(work.ray_address, work.concurrency), watch)
    except KeyboardInterrupt:
        typer.echo(f"interrupted: what is done stays in {output}; run the same command again to go on", err=True)
        raise typer.Exit(1) from None
    for line in summary_of(counts).lines():
        typer.echo(line, err=True)
    if counts.get(ERRORS):
        typer.echo(f"{counts[ERRORS]} rows or files could not be used, listed in {output}/{ERRORS}", err=True)


@contextmanager
def unit_progress(name: str = "batch") -> Iterator[Callable[[BatchProgress], None]]:
    """A bar where stderr is a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TextColumn("units, {task.fields[rows]} rows"))
    # Left alone, rich would take over stdout as well.
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task(name, total=None, rows=0)
        yield lambda now: bar.update(task, completed=now.done, total=now.units, rows=_rows(now.counts))


class _Lines:
    """Progress for a log: a line at the start, and one each half minute."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, now: BatchProgress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _NOTICE_SECONDS
        resumed = f" ({now.resumed} by earlier runs)" if now.resumed else ""
        typer.echo(f"{now.done} of {now.units} units done{resumed}, {_rows(now.counts)} rows", err=True)


def _rows(counts: Counts) -> int:
    return counts.get("rows", 0)
