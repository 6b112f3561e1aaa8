"""A job over a file: check the input, work it off, and write the outputs when all rows have one."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from cacre.data import ErrorsFile, check_some_usable, dump_row, errors_path
from cacre.errors import ConfigError, DataError
from cacre.extraction.job import JobState, Watcher, Work, work_off
from cacre.extraction.job_input import STANDARD, JobInput
from cacre.extraction.job_store import JobStore, Outcome
from cacre.files import atomic_writer, is_special, is_standard_output

Choose = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""What of a finished row goes into an output; None for nothing."""


def whole(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row as it is."""
    return row


@dataclass(frozen=True, slots=True)
class Outlet:
    """One output of a job.

    Args:
        path: The file, `-` for standard output.
        choose: What of each row goes into it.
    """

    path: str
    choose: Choose = whole


@dataclass(frozen=True)
class JobFiles:
    """The files of one job.

    Args:
        source: Text rows; `-` is standard input.
        outlets: The outputs, the main one first.
        on_error: What becomes of input rows that cannot be used.
        command: Who reads and writes them.

    Raises:
        ConfigError: Two of the paths are the same file, an output is a folder, or two are standard output.
    """

    source: str
    outlets: tuple[Outlet, ...]
    on_error: Literal["raise", "skip"] = "raise"
    command: str = "job"

    def __post_init__(self) -> None:
        outputs = [outlet.path for outlet in self.outlets]
        if sum(map(is_standard_output, outputs)) > 1:
            raise ConfigError("only one of the outputs can be standard output (-): give files for the others")
        for path in outputs:
            if Path(path).is_dir():
                raise ConfigError(f"the output {path} is a folder: name a file in it")
        named = [path for path in map(_resolved, self._all_paths()) if path is not None]
        for resolved in named:
            if named.count(resolved) > 1:
                raise ConfigError(f"{resolved} is named twice: input, outputs and what is kept beside them must differ")

    def _all_paths(self) -> list[str]:
        outputs = [outlet.path for outlet in self.outlets]
        partial = [path for path in self.partial if path is not None]
        return [self.source, *outputs, *partial, str(self.errors), str(self.record)]

    def check_apart(self, path: str | Path) -> None:
        """Refuse a further file, such as a cache, that is one of the job's own.

        Raises:
            ConfigError: It is.
        """
        resolved = _resolved(str(path))
        if resolved is not None and resolved in map(_resolved, self._all_paths()):
            raise ConfigError(f"{path} is a file of this job already: name another one for the cache of answers")

    @property
    def base(self) -> Path:
        """What the files beside the outputs are named after: the first output or input that is a file."""
        paths = [*(outlet.path for outlet in self.outlets), self.source]
        named = [path for path in paths if path != STANDARD and not is_special(path)]
        return Path(named[0] if named else "stdin.jsonl")

    @property
    def errors(self) -> Path:
        """Rows and answers that could not be used."""
        return errors_path(self.command, self.source, [outlet.path for outlet in self.outlets])

    @property
    def record(self) -> Path:
        """The rows finished so far; gone when the outputs are written."""
        return self.base.with_suffix(".job.sqlite")

    @property
    def cache(self) -> Path:
        """The answers paid for, by default."""
        return self.base.with_suffix(".cache.sqlite")

    @property
    def partial(self) -> tuple[str | None, ...]:
        """Where the rows of a job that was stopped early go, an output each.

        None where the output is an open stream or a pipe: what is in it cannot be taken back, and would be there twice
        when the job has gone on. The record keeps these rows.
        """
        return tuple(_partial(outlet.path) for outlet in self.outlets)


def _is_file(path: str) -> bool:
    return path != STANDARD and not is_special(path)


def _resolved(path: str) -> str | None:
    """The file behind a path; None for what may be named more than once, such as /dev/null."""
    return str(Path(path).resolve()) if _is_file(path) else None


def _partial(path: str) -> str | None:
    return path.removesuffix(".jsonl") + ".partial.jsonl" if _is_file(path) else None


@dataclass
class FileJob:
    """A job over the rows of a file. A context manager; leaving it keeps the record of finished rows.

    Args:
        files: Input and outputs.
        fingerprint: Everything that the rows depend on besides the input.
        resume: Go on with the rows that an earlier run has finished.
        limit: Only the first so many rows; None for all.

    Raises:
        DataError: The input cannot be read or, unless such rows are skipped, holds a row that cannot be used.
        ConfigError: What stands at the record's path is none.
    """

    files: JobFiles
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = True
    limit: int | None = None

    def __enter__(self) -> FileJob:
        with ExitStack() as stack:
            self.input = stack.enter_context(JobInput(self.files.source, self.files.on_error, self.limit))
            self.total = self.input.total
            self.store = stack.enter_context(JobStore(self.files.record, self.fingerprint))
            if not self.resume:
                self.store.clear()
            self.state, self._written = JobState(), False
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._written and not len(self.store):
            self.store.remove()  # nothing to go on with
        self._stack.close()

    async def work_off(
        self, work: Work, *, width: int, watcher: Watcher | None = None, notice: Callable[[], None] | None = None
    ) -> None:
        """Work off all rows; the first interrupt lets the rows in work end, the second one does not.

        Args:
            work: What to do with each row.
            width: Rows worked on at once.
            watcher: Told of each row.
            notice: Called at the first interrupt.

        Raises:
            CancelledError: At the second interrupt.
        """
        with _interrupts(self.state, notice):
            await work_off(self.input.rows(), work, self.store, self.state, width=width, watcher=watcher)
        if self.state.stopped_by is None and self.state.done != self.total:
            self.state.stop(
                DataError(
                    f"the input had {self.total} rows at the start and has {self.state.done} now: let nothing write to "
                    "it meanwhile",
                    path=self.files.source,
                )
            )

    def write(self) -> int:
        """Write the outputs, or the partial outputs of a job that was stopped early; of such a job no open stream.

        Returns:
            How many entries the errors file has; without any there is no such file.

        Raises:
            DataError: The input has no rows, or all were skipped; the errors file lists them.
            OSError: An output cannot be written; the record of finished rows stays.
        """
        stopped = self.state.stopped_by is not None
        count = self._write(self.files.partial if stopped else [outlet.path for outlet in self.files.outlets])
        if not stopped:
            for path in filter(None, self.files.partial):
                Path(path).unlink(missing_ok=True)
            self.store.remove()
            self._written = True
        return count

    def _write(self, paths: Sequence[str | None]) -> int:
        with ExitStack() as stack:
            errors = stack.enter_context(ErrorsFile(self.files.errors))
            chosen = [outlet.choose for outlet in self.files.outlets]
            sinks = [(stack.enter_context(_sink(path)), choose) for path, choose in zip(paths, chosen, strict=True)]
            self.input.list_bad_rows(errors)
            check_some_usable(self.total, self.files.source, errors)
            for outcome in self._outcomes():
                for entry in outcome.errors:
                    errors.add_entry({**entry, "path": self.files.source})
                if outcome.row is not None:
                    _distribute(outcome.row, sinks)
        return errors.count

    def _outcomes(self) -> Iterator[Outcome]:
        """What the outputs are made of; a job that was stopped has not seen all rows, which may be others by now."""
        if self.state.stopped_by is None:
            return self.store.outcomes(self.total)
        return self.store.outcomes_of(row.raw for row in self.input.rows())


def _distribute(row: Mapping[str, Any], sinks: Sequence[tuple[TextIO | None, Choose]]) -> None:
    for stream, choose in sinks:
        chosen = choose(row)  # which may count rows, also where nothing is written
        if chosen is not None and stream is not None:
            stream.write(dump_row(chosen))


@contextmanager
def _sink(path: str | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    if path == STANDARD:
        # Python would write in the encoding of the terminal, which need not know Chinese.
        sys.stdout.flush()
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
        try:
            yield stream
            stream.flush()
        finally:
            stream.detach()
        return
    with atomic_writer(path) as file:
        yield file


@contextmanager
def _interrupts(state: JobState, notice: Callable[[], None] | None) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the job after the rows in work, and the second of them at once."""
    loop, task, signals = asyncio.get_running_loop(), asyncio.current_task(), 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals > 1 and task is not None:
            task.cancel()
        elif notice is not None:
            notice()
        state.stop(KeyboardInterrupt("interrupted"))

    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not in a thread, not on Windows
            loop.add_signal_handler(number, on_signal)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
