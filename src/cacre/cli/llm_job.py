"""What `extract`, `generate` and `run` have in common: options to objects, a progress bar, a summary."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Protocol, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cacre.cli.llm_options import AskOptions, JobOptions, PayOptions
from cacre.cli.one_line import one_line
from cacre.cli.replaced_triples import warn_of_replaced
from cacre.data import Row
from cacre.errors import ConfigError
from cacre.extraction.file_job import FileJob, JobFiles
from cacre.extraction.job import JobState, Work
from cacre.extraction.job_input import JobInput
from cacre.extraction.pricing import JobEstimate
from cacre.extraction.prompts import load_prompt
from cacre.extraction.settings import ExtractionSettings, parse_settings
from cacre.files import is_standard_output
from cacre.llm import (
    LLM,
    CachedLLM,
    Meter,
    OpenAIClient,
    Prices,
    RateLimits,
    RetryPolicy,
    api_key,
    load_provider,
)
from cacre.schema import load_schema


class Asks(Protocol):
    """What asks an LLM for a job: an extractor, a generator, or the agents."""

    @property
    def reference(self) -> str:
        """Which prompts are asked."""
        ...

    async def aestimate(self, rows: Iterable[Row], cache: CachedLLM | None) -> JobEstimate:
        """Count what a job would ask; nothing is sent."""
        ...


Source = TypeVar("Source", bound=Asks)
_GO_ON = "Run the same command again to go on."


class LLMJob:
    """One call of a command that asks an LLM.

    Args:
        name: The command.
        files: Input and outputs.
        ask: Whom to ask and what.
        pay: How fast and for how much.
        job: What becomes of earlier work.

    Raises:
        ConfigError: An option is unknown, contradicts another, or is missing.
    """

    def __init__(self, name: str, files: JobFiles, ask: AskOptions, pay: PayOptions, job: JobOptions) -> None:
        self.name, self.files, self._pay, self._job = name, replace(files, command=name), pay, job
        self.provider = load_provider(ask.provider, ask.base_url)
        self.settings = extraction_settings(ask, self.provider.default_model)
        self.schema = load_schema(ask.schema)
        self.prices = prices_of(pay)
        self.meter = Meter(self.prices, pay.max_requests, pay.max_cost)
        self._cache = pay.cache or files.cache
        files.check_apart(self._cache)

    def start(
        self,
        make_source: Callable[[LLM], Source],
        make_work: Callable[[Source], Work],
        fingerprint: Mapping[str, Any] | None = None,
    ) -> JobState | None:
        """Do the job and write its outputs; with `--dry-run` only say what it would take.

        Args:
            make_source: Makes what asks the LLM.
            make_work: Makes what is done with each row.
            fingerprint: What the rows depend on besides the questions.

        Returns:
            How the job went; None after a dry run.

        Raises:
            typer.Exit: The job was stopped before all rows were done.
            CacreError: The input, an option or the provider cannot be used.
        """
        client = self._client()
        source = make_source(client)  # before any file is made: can the options be used at all?
        if self._pay.dry_run:
            asyncio.run(self._estimate(client, source))
            return None
        identity: dict[str, Any] = {"command": self.name, "base_url": client.base_url, "prompt": source.reference}
        identity |= {"settings": self.settings.model_dump(mode="json"), "schema": self.schema.to_json()}
        if self.settings.gleanings:
            identity["gleaning"] = load_prompt("glean", self.settings.language).reference
        with FileJob(self.files, {**identity, **(fingerprint or {})}, self._job.resume, self._job.limit) as job:
            self._warn_of_replaced(job.input)  # before anything is paid for
            if job.store.started_over:
                typer.echo("the options have changed since the stop: all rows are done anew, from the cache", err=True)
            try:
                asyncio.run(self._work_off(job, client, lambda llm: make_work(make_source(llm))))
            except asyncio.CancelledError:
                typer.echo(f"error: stopped at once: texts in work were given up. {_GO_ON}", err=True)
                raise typer.Exit(1) from None
            self._finish(job)
            return job.state

    def _warn_of_replaced(self, rows: JobInput) -> None:
        if self.name != "generate":  # which writes its lists beside the triples
            warn_of_replaced(rows.with_triples)

    def _client(self) -> OpenAIClient:
        silent = self._pay.offline or self._pay.dry_run
        return OpenAIClient(
            self.provider,
            api_key=None if silent else api_key(self.provider),
            limits=RateLimits(self._pay.concurrency, self._pay.requests_per_minute, self._pay.tokens_per_minute),
            retry=RetryPolicy(attempts=self._pay.attempts, timeout=self._pay.timeout),
            meter=self.meter,
        )

    async def _estimate(self, client: OpenAIClient, source: Asks) -> None:
        # A dry run leaves nothing behind: neither a record nor a cache where there is none.
        cache = CachedLLM(client, self._cache, offline=True) if self._cache.is_file() else None
        try:
            with JobInput(self.files.source, self.files.on_error, self._job.limit) as rows:
                self._warn_of_replaced(rows)
                lines = (await source.aestimate(rows.rows(), cache)).lines(self.prices)
        finally:
            await (cache or client).aclose()
        for line in lines:
            typer.echo(line)

    async def _work_off(self, job: FileJob, client: OpenAIClient, make_work: Callable[[LLM], Work]) -> None:
        async with CachedLLM(client, self._cache, offline=self._pay.offline, meter=self.meter) as llm:
            with _bar(self.name, self.files, job.total, self.meter) as watcher:
                # Twice the concurrency, so that requests wait for a place and no place for a request.
                width = 2 * self._pay.concurrency
                await job.work_off(make_work(llm), width=width, watcher=watcher, notice=_say_interrupted)

    def _finish(self, job: FileJob) -> None:
        state, stopped = job.state, job.state.stopped_by
        earlier = f", {state.resumed} of them in earlier runs" if state.resumed else ""
        typer.echo(f"{state.done} of {job.total} texts done{earlier}; {state.failed} failed", err=True)
        for line in self.meter.lines():
            typer.echo(line, err=True)
        entries = self._write(job)
        if entries:
            typer.echo(f"what could not be used: {self.files.errors} ({entries} entries)", err=True)
        if stopped is not None:
            typer.echo(f"error: stopped: {one_line(str(stopped))}; so far: {self._so_far(job)}. {_GO_ON}", err=True)
            raise typer.Exit(1)
        if state.unanswered:
            typer.echo(f"{state.unanswered} texts got no answer: run the same command again to ask them anew", err=True)

    def _so_far(self, job: FileJob) -> str:
        """Where the rows of a job that was stopped are."""
        places = list(filter(None, self.files.partial))
        if len(places) < len(self.files.partial) and len(job.store):
            places.append(f"{self.files.record} (open streams and pipes get their rows when all are done)")
        return ", ".join(places) or "nothing"

    def _write(self, job: FileJob) -> int:
        try:
            return job.write()
        except BrokenPipeError:
            raise  # the reader of our output has gone; Typer ends quietly
        except OSError as error:
            stopped = job.state.stopped_by
            first = f"stopped: {one_line(str(stopped))}; and what is done" if stopped is not None else "what is done"
            reason = f"{first} is kept in {job.files.record}, but {error}"
            typer.echo(f"error: {reason}. {_GO_ON}", err=True)
            raise typer.Exit(1) from error


def _say_interrupted() -> None:
    typer.echo("stopping: waiting for the texts in work; interrupt again to give them up", err=True)


def extraction_settings(ask: AskOptions, default_model: str | None) -> ExtractionSettings:
    """The settings that the options say.

    Raises:
        ConfigError: No model is named and the provider has none, or a value is not allowed.
    """
    model = ask.llm or default_model
    if not model:
        raise ConfigError(f"--provider {ask.provider} has no model of its own: name one with --llm")
    values = {key: value for key, value in asdict(ask).items() if key in ExtractionSettings.model_fields}
    return parse_settings(**{**values, "llm": model})


def prices_of(pay: PayOptions) -> Prices | None:
    """What tokens cost, if the user said so.

    Raises:
        ConfigError: One price is given without the other, so that a limit on the cost would not hold.
    """
    prompt, completion = pay.price_prompt, pay.price_completion
    if prompt is None and completion is None:
        return None
    if prompt is None or completion is None:
        given, lacking = ("prompt", "completion") if completion is None else ("completion", "prompt")
        raise ConfigError(f"--price-{given} without --price-{lacking}: give both, 0 for tokens that cost nothing")
    return Prices(prompt, completion)


class _Bar:
    def __init__(self, progress: Progress, task: TaskID, meter: Meter) -> None:
        self._progress, self._task, self._meter, self._failed = progress, task, meter, 0

    def row_done(self, *, failed: bool, resumed: bool) -> None:
        """Show one more row, and what was spent by now."""
        self._failed += failed
        now = self._meter.totals()
        speed = self._progress.tasks[self._task].speed
        spent = f"{speed or 0:.1f}/s, {now.prompt_tokens + now.completion_tokens} tokens"
        if self._meter.priced:
            spent += f", cost {now.cost:.4f}"
        self._progress.update(self._task, advance=1, failed=self._failed, spent=spent)


@contextmanager
def _bar(name: str, files: JobFiles, total: int, meter: Meter) -> Iterator[_Bar | None]:
    """A bar on a terminal's stderr, unless rows go to the same terminal."""
    if not sys.stderr.isatty() or (is_standard_output(files.outlets[0].path) and sys.stdout.isatty()):
        yield None
        return
    columns = (
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TextColumn("{task.fields[spent]}"),
        TimeElapsedColumn(),
    )
    # Left alone, rich would take over stdout as well and send our data to the terminal.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False) as progress:
        yield _Bar(progress, progress.add_task(name, total=total, failed=0, spent=""), meter)
