"""What `batch-extract` and `batch-generate` have in common: options to a job, progress, a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cacre.cli.batch import unit_progress
from cacre.cli.filter import OnError
from cacre.cli.llm_options import MONEY, PACE, AskOptions, PayOptions
from cacre.extras import needs_extra

if TYPE_CHECKING:
    from cacre.batch.asking import Asking
    from cacre.batch.llm_pipeline import LLMBatchJob
    from cacre.batch.parts import PartFormat
    from cacre.extraction.settings import ExtractionSettings

TextPaths = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT... OUTPUT",
        help="Text rows in JSONL or Parquet: files, folders, globs, URLs; last the folder for what comes of them.",
    ),
]
BadRows = Annotated[OnError, typer.Option(help="skip: list a bad row in errors/ and go on; raise: stop at it.")]


@dataclass(frozen=True)
class UnitOptions:
    """Who works, and in what portions."""

    ray_address: Annotated[
        str | None, typer.Option(help="A Ray cluster, such as auto; by default Ray is started on this machine.")
    ] = None
    workers: Annotated[int | None, typer.Option(min=1, help="Workers, a CPU each; as many as CPUs by default.")] = None
    unit_size: Annotated[int, typer.Option(min=1, help="Bytes of input in a unit of work.")] = 256 * 1024


@dataclass(frozen=True)
class SharedPayOptions(PayOptions):
    """How fast, and for how much, all workers together."""

    concurrency: Annotated[
        int, typer.Option(min=1, max=10_000, help="Requests at once, of all workers together.", rich_help_panel=PACE)
    ] = 8
    cache: Annotated[
        Path | None,
        typer.Option(help="File of paid answers; OUTPUT/_cache/answers.sqlite by default.", rich_help_panel=MONEY),
    ] = None


def settings_of(ask: AskOptions) -> ExtractionSettings:
    """The settings that options say.

    Raises:
        ConfigError: An option is unknown, contradicts another, or is missing.
    """
    with needs_extra("llm"):
        from cacre.cli.llm_job import extraction_settings
        from cacre.llm import load_provider
    return extraction_settings(ask, load_provider(ask.provider, ask.base_url).default_model)


@dataclass(frozen=True)
class LLMBatch:
    """One call of a command.

    Args:
        name: The command.
        paths: Inputs, and last the output.
        ask: Whom to ask and what.
        pay: How fast and for how much.
        units: Who works, and in what portions.
        on_error: What becomes of a row that cannot be used.
        format: How the output is written.
    """

    name: str
    paths: Sequence[str]
    ask: AskOptions
    pay: SharedPayOptions
    units: UnitOptions
    on_error: OnError
    format: PartFormat = "jsonl"

    def run(self, asking: Asking) -> None:
        """Do the job; with `--dry-run` only say what it would take.

        Raises:
            typer.BadParameter: There is no output.
            typer.Exit: The job was interrupted.
            CacreError: The job cannot be done, or stops.
        """
        if len(self.paths) < 2:
            raise typer.BadParameter(
                "give one or more inputs, and last the output folder", param_hint="INPUT... OUTPUT"
            )
        with needs_extra("batch"):
            from cacre.batch.cluster import Workers
            from cacre.batch.llm_pipeline import run_llm_batch
            from cacre.batch.parts import ERRORS
        job = self._job(asking)
        if self.pay.dry_run:
            _say(job.estimate().lines(job.spending.prices), err=False)
            return
        try:
            with unit_progress(self.name) as watch:
                counts = run_llm_batch(job, Workers(self.units.ray_address, self.units.workers), watch, _say)
        except KeyboardInterrupt:
            typer.echo(
                f"interrupted: what is done stays in {job.output}; run the same command again to go on", err=True
            )
            raise typer.Exit(1) from None
        _say(asking.lines(counts))
        if counts.get(ERRORS):
            _say([f"{counts[ERRORS]} entries on what could not be used: {job.output}/{ERRORS}"])

    def _job(self, asking: Asking) -> LLMBatchJob:
        from cacre.batch.allowance import Spending
        from cacre.batch.llm_pipeline import LLMBatchJob
        from cacre.cli.llm_job import prices_of
        from cacre.llm import RateLimits, RetryPolicy, load_provider

        *inputs, output = self.paths
        pay = self.pay
        return LLMBatchJob(
            *(tuple(inputs), output, asking, load_provider(self.ask.provider, self.ask.base_url)),
            limits=RateLimits(pay.concurrency, pay.requests_per_minute, pay.tokens_per_minute),
            spending=Spending(prices_of(pay), pay.max_requests, pay.max_cost),
            retry=RetryPolicy(attempts=pay.attempts, timeout=pay.timeout),
            format=self.format,
            unit_bytes=self.units.unit_size,
            strict=self.on_error is OnError.RAISE,
            cache=pay.cache,
            offline=pay.offline,
        )


def _say(lines: Sequence[str], err: bool = True) -> None:
    for line in lines:
        typer.echo(line, err=err)
