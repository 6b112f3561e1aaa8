"""What `extract` and `run` do with `--extractor`: a trained extractor in place of an LLM."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cacre.baselines.extractors import Extractor, load_extractor
from cacre.baselines.extractors.assembling import candidate_item
from cacre.cli.filter import FilterPaths
from cacre.cli.llm_options import JobOptions
from cacre.cli.option_groups import was_given
from cacre.cli.replaced_triples import warn_of_replaced
from cacre.data import ErrorsFile, Row, bare, check_some_usable, dump_row, read_rows, verdict_row
from cacre.errors import ConfigError
from cacre.extraction.run_summary import RunSummary, kept_part, rejected_part
from cacre.files import atomic_writer, is_standard_output
from cacre.inference import Verifier
from cacre.types import Candidate

STANDARD = "-"
_CHUNK = 64
"""Texts given to the extractor at once."""
_OWN = ("limit", "on_error")


@dataclass(frozen=True)
class ExtractorOptions:
    """A trained extractor in place of an LLM."""

    extractor: Annotated[
        str | None,
        typer.Option(help="A bundled extractor (mini-zh), or the folder of one: it answers in place of an LLM."),
    ] = None
    extractor_threshold: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.99,
            help="Least probability of each of its decisions; by default as fitted. Lower finds more, right and wrong.",
        ),
    ] = None

    def load(self, threads: int | None = None) -> Extractor | None:
        """The extractor; None where there is none, so that an LLM is to be asked.

        Raises:
            ConfigError: There is a threshold without an extractor, or one that is no probability.
            ModelError: The folder is none, or damaged.
        """
        if self.extractor is not None:
            return load_extractor(self.extractor, threads=threads, threshold=self.extractor_threshold)
        if self.extractor_threshold is not None:
            raise ConfigError("--extractor-threshold: an LLM has none: name an extractor with --extractor")
        return None

    def origin(self, extractor: Extractor) -> dict[str, Any]:
        """What each row says of where its triples come from."""
        threshold = {} if self.extractor_threshold is None else {"threshold": self.extractor_threshold}
        return {"extractor": extractor.name, "name": self.extractor, **threshold}


def refuse_llm_options(context: typer.Context, *groups: type, also: Sequence[str] = ()) -> None:
    """Refuse options that only mean something to an LLM, at whatever value they were given.

    Args:
        context: The call of the command.
        groups: Its option groups.
        also: Parameters of the command itself that only an LLM needs.

    Raises:
        ConfigError: One of them was given.
    """
    names = [field.name for group in groups for field in fields(group) if field.name not in _OWN]
    # What was given cannot be told from its value, which may be the default.
    given = [f"--{name.replace('_', '-')}" for name in (*names, *also) if was_given(context, name)]
    if given:
        raise ConfigError(
            f"{', '.join(given)}: an extractor asks no LLM and has its own schema: leave out these, or --extractor"
        )


def run_extractor(
    extractor: Extractor,
    origin: Mapping[str, Any],
    paths: FilterPaths,
    job: JobOptions,
    verifier: Verifier | None = None,
) -> None:
    """Extract from a file of text rows and, with a verifier, keep what it supports.

    The outputs appear when all rows are done; an error before leaves none.

    Args:
        extractor: Any extractor.
        origin: What the rows say of it.
        paths: What to read and write.
        job: Which rows, and what becomes of bad ones.
        verifier: Judges the candidates; None writes them as they are.

    Raises:
        CacreError: A row or a model cannot be used, or there are no rows.
        OSError: An output cannot be written.
    """
    paths.check()
    summary, rows, triples, replaced = RunSummary(), 0, 0, 0
    with ExitStack() as stack:
        errors = stack.enter_context(ErrorsFile(paths.errors)) if job.on_error == "skip" else None
        texts = islice(read_rows(paths.source, "texts", on_error=job.on_error, errors=errors), job.limit)
        sinks = [stack.enter_context(_sink(path)) for path in (paths.kept, paths.rejected, paths.everything)]
        advance = stack.enter_context(_bar(paths))
        while chunk := list(islice(texts, _CHUNK)):
            replaced += sum(bool(row.raw.get("triples")) for row in chunk)
            found = extractor.extract([row.content.text for row in chunk])
            for row in _rows(origin, chunk, found, verifier):
                rows, triples = rows + 1, triples + len(row["triples"])
                parts = (row, None, None) if verifier is None else _parts(summary, row)
                for sink, part in zip(sinks, parts, strict=True):
                    if sink is not None and part is not None:
                        sink.write(dump_row(part))
                advance()
        check_some_usable(rows, paths.source, errors)
    warn_of_replaced(replaced)
    for line in [f"{rows} texts, {triples} triples"] if verifier is None else summary.lines():
        typer.echo(line, err=True)
    if errors is not None and errors.count:
        typer.echo(f"{errors.count} rows skipped, listed in {paths.errors}", err=True)


def _rows(
    origin: Mapping[str, Any], chunk: list[Row], found: list[list[Candidate]], verifier: Verifier | None
) -> Iterator[dict[str, Any]]:
    """The rows with their candidates, judged if there is a verifier."""
    drafts = [
        {
            **bare(row.raw),
            "triples": [candidate_item(candidate) for candidate in candidates],
            "extraction": dict(origin),
        }
        for row, candidates in zip(chunk, found, strict=True)
    ]
    if verifier is None:
        yield from drafts
        return
    verdicts = verifier.verify_many([(r.content.text, candidates) for r, candidates in zip(chunk, found, strict=True)])
    yield from (verdict_row(draft, judged) for draft, judged in zip(drafts, verdicts, strict=True))


def _parts(summary: RunSummary, row: dict[str, Any]) -> tuple[Any, Any, Any]:
    summary.seen(row)
    return kept_part(row), rejected_part(row), row


@contextmanager
def _sink(path: str | None) -> Iterator[Any]:
    if path is None:
        yield None
    elif path == STANDARD:
        yield sys.stdout
    else:
        with atomic_writer(path) as stream:
            yield stream


@contextmanager
def _bar(paths: FilterPaths) -> Iterator[Any]:
    """A bar on a terminal's stderr, unless rows go to the same terminal; yields what to call after each row."""
    if not sys.stderr.isatty() or (is_standard_output(paths.kept) and sys.stdout.isatty()):
        yield lambda: None
        return
    columns = (TextColumn("extract"), BarColumn(), MofNCompleteColumn(), TextColumn("texts"), TimeElapsedColumn())
    total = None
    if Path(paths.source).is_file():
        with Path(paths.source).open("rb") as stream:
            total = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    # Left alone, rich would take over stdout as well.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task("extract", total=total)
        yield lambda: bar.advance(task)
