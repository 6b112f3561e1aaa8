"""`cacre filter`: candidate rows -> what the text supports, and what it does not and why."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cacre.cli.check_options import SchemaCheckOptions
from cacre.cli.option_groups import with_groups
from cacre.cli.unknown_predicates import new_relation_lines, unknown_lines
from cacre.cli.voided_guarantee import warn_of_voided
from cacre.data import (
    ErrorsFile,
    Row,
    check_some_usable,
    dump_row,
    errors_path,
    part_of,
    read_rows,
    to_candidates,
    verdict_row,
)
from cacre.errors import CacreError
from cacre.files import atomic_writer, is_special, is_standard_output
from cacre.inference import FilterSummary, Verifier, filter_rows, load_verifier
from cacre.inference.folder import DEFAULT_MODEL
from cacre.types import Candidate, Verdict

STANDARD = "-"


class OnError(StrEnum):
    """What becomes of a row that cannot be used."""

    RAISE = "raise"
    SKIP = "skip"


@dataclass(frozen=True)
class FilterPaths:
    """The files of one run; `-` is standard input or output.

    Args:
        source: Candidate rows.
        kept: Rows with their supported triples only.
        rejected: Rows with their rejected triples only, those without any left out; None writes none.
        everything: Rows with all their triples; None writes none.
        command: Who reads and writes them.
    """

    source: str
    kept: str
    rejected: str | None
    everything: str | None
    command: str = "filter"

    @property
    def errors(self) -> Path:
        """Where skipped rows are written: beside the first output that is a file, else beside the input."""
        return errors_path(self.command, self.source, (self.kept, self.rejected, self.everything))

    def check(self) -> None:
        """Refuse to write a file that is read, or to write one twice.

        Raises:
            typer.BadParameter: Two of the paths are the same file.
        """
        outputs = [path for path in (self.kept, self.rejected, self.everything) if path is not None]
        if sum(map(is_standard_output, outputs)) > 1:
            raise typer.BadParameter("only one of the outputs can be standard output: give files for the others")
        files = [Path(p).resolve() for p in (self.source, *outputs) if p != STANDARD and not is_special(p)]
        if twice := [path for path, count in Counter(files).items() if count > 1]:
            raise typer.BadParameter(f"{twice[0]} is named twice: input and outputs must be different files")
        if self.errors.resolve() in files:
            reason = f"{self.errors} is where rows that cannot be used are listed: give input and outputs other names"
            raise typer.BadParameter(reason)


@with_groups
def filter_command(
    source: Annotated[str, typer.Argument(metavar="IN.jsonl|-", help="Candidate rows; - is standard input.")],
    checks: SchemaCheckOptions,
    output: Annotated[str, typer.Option("-o", "--output", help="Rows with supported triples; - is stdout.")] = STANDARD,
    rejected: Annotated[str | None, typer.Option(help="Rows with rejected triples and the reasons.")] = None,
    everything: Annotated[str | None, typer.Option("--all", help="Every triple with scores and verdict.")] = None,
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a model folder.")] = DEFAULT_MODEL,
    on_error: Annotated[
        OnError, typer.Option(help="raise: stop at a bad row; skip: list it in *.errors.jsonl and go on.")
    ] = OnError.RAISE,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all by default.")] = None,
    batch_rows: Annotated[int, typer.Option(min=1, help="Rows judged at once.")] = 64,
) -> None:
    """Judge the triples of each row: which does the text support?"""
    paths = FilterPaths(source, output, rejected, everything)
    paths.check()
    with one_line_errors():
        verifier = load_verifier(model, threads=threads, rules=checks.rules())
        warn_of_voided(verifier, verifier.rules)
        summary, skipped = filter_files(verifier, paths, on_error, batch_rows)
    source_of_schema = checks.schema or (None if model == DEFAULT_MODEL else model)
    schema = verifier.rules.schema or verifier.schema
    unknown = unknown_lines(summary.unknown, schema, source_of_schema)
    for line in (*summary.lines(), *unknown, *new_relation_lines(verifier.new_relations, schema, model)):
        typer.echo(line, err=True)
    if skipped:
        typer.echo(f"{skipped} rows skipped, listed in {paths.errors}", err=True)


def filter_files(
    verifier: Verifier, paths: FilterPaths, on_error: OnError, batch_rows: int
) -> tuple[FilterSummary, int]:
    """Judge a file row by row; the outputs appear when all rows are judged, and an error before leaves none.

    Args:
        verifier: Any verifier.
        paths: What to read and write.
        on_error: What becomes of bad rows.
        batch_rows: Rows judged at once.

    Returns:
        The counts, and how many rows were skipped.

    Raises:
        CacreError: The input or the model cannot be used.
        OSError: An output cannot be written.
    """
    summary = FilterSummary()
    with ExitStack() as stack:
        errors = stack.enter_context(ErrorsFile(paths.errors)) if on_error is OnError.SKIP else None
        kept, rejected, everything = (_sink(stack, path) for path in (paths.kept, paths.rejected, paths.everything))
        advance = stack.enter_context(_progress(paths))
        rows = read_rows(paths.source, "candidates", on_error=on_error.value, errors=errors)
        for row, verdicts in _judged(verifier, rows, batch_rows):
            summary.add(verdicts)
            judged = verdict_row(row.raw, verdicts)
            _write(everything, judged)
            _write(kept, part_of(judged, "supported"))
            losers = part_of(judged, "rejected")
            if losers["triples"]:
                _write(rejected, losers)
            advance()
        check_some_usable(summary.rows, paths.source, errors)
    return summary, errors.count if errors else 0


def _judged(verifier: Verifier, rows: Iterator[Row], chunk: int) -> Iterator[tuple[Row, list[Verdict]]]:
    """Pair each row with its verdicts; the rows of one chunk wait in memory for theirs."""
    waiting: deque[Row] = deque()

    def pairs() -> Iterator[tuple[str, tuple[Candidate, ...]]]:
        for row in rows:
            waiting.append(row)
            content = to_candidates(row)
            yield content.text, content.candidates

    for verdicts in filter_rows(verifier, pairs(), chunk):
        yield waiting.popleft(), verdicts


def _sink(stack: ExitStack, path: str | None) -> TextIO | None:
    if path is None:
        return None
    if path == STANDARD:
        return stack.enter_context(nullcontext(sys.stdout))
    return stack.enter_context(atomic_writer(path))


def _write(sink: TextIO | None, row: dict[str, Any]) -> None:
    if sink is not None:
        sink.write(dump_row(row))


@contextmanager
def _progress(paths: FilterPaths) -> Iterator[Any]:
    """A bar on a terminal's stderr, unless rows go to the same terminal; yields what to call after each row."""
    if not sys.stderr.isatty() or (is_standard_output(paths.kept) and sys.stdout.isatty()):
        yield lambda: None
        return
    columns = (TextColumn("filter"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeElapsedColumn())
    # Left alone, rich would take over stdout as well and send our data to the terminal.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("filter", total=_count_lines(paths.source))
        yield lambda: bar.advance(task)


def _count_lines(path: str) -> int | None:
    if not Path(path).is_file():  # standard input, or an error that reading will report
        return None
    with Path(path).open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors of the input, the model or the disk into one line on stderr and exit code 1."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has gone; Typer ends quietly
    except (CacreError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
