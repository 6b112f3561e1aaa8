"""Units of work on Ray Data: they go out to workers that are set up once each, and only counts come back.

The only file that knows Ray. It knows neither verifiers nor LLMs: what is done with a unit is handed in.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import FrameType
from typing import Any, Protocol

import ray
import ray.data

from cacre.batch.failures import full_disk_named, raised, told
from cacre.batch.ledger import Counts, Ledger
from cacre.batch.units import DIGITS, InputFile, Unit, plan_units
from cacre.errors import CacreError, ConfigError

MAX_ATTEMPTS = 4
"""So many workers lost over one unit end the job: it would kill the next one too."""
_MAX_TASKS = 2000
_STORE_BYTES = 80 * 1024 * 1024


class UnitWork(Protocol):
    """What is done with units."""

    def do(self, unit: Unit) -> Counts:
        """Do a unit and commit it; gives its counts.

        Raises:
            CacreError: The job must stop.
            OSError: The same; for a full disk with advice.
        """
        ...


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Args:
        address: A Ray cluster, as `ray.init` takes it; None starts Ray on this machine for the time of the job.
        count: Workers, each with a CPU of its own; None takes as many as there are CPUs.
    """

    address: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Args:
        units: Units of the job.
        done: Units that are done.
        resumed: Those of them that earlier runs had done.
        counts: Counts of the units that are done.
    """

    units: int
    done: int
    resumed: int
    counts: Counts


@contextmanager
def _nothing_shared() -> Iterator[Sequence[Any]]:
    yield ()


@dataclass(frozen=True)
class UnitJob:
    """A job over the units of some files.

    Args:
        files: The input.
        unit_bytes: Size of a unit, in bytes of input.
        options: What the output depends on besides the input, as JSON values.
        ledger: The record of the job in its output.
        set_up: Makes what does the units; called once in each worker, so that it must be possible to pickle it.
        shared: What all workers share, such as a handle of an actor: opened in the driver while Ray is up and workers
            are at work; `set_up` gets it as arguments.
        clear_up: Called in the driver when no worker is at work any more, also after an error, and before the job
            counts as done; what it does must be possible to do again.
    """

    files: Sequence[InputFile]
    unit_bytes: int
    options: Mapping[str, Any]
    ledger: Ledger
    set_up: Callable[..., UnitWork]
    shared: Callable[[], AbstractContextManager[Sequence[Any]]] = _nothing_shared
    clear_up: Callable[[], None] = lambda: None


def run_units(job: UnitJob, workers: Workers, watch: Callable[[Progress], None] = lambda _: None) -> Counts:
    """Do all units, each exactly once, and go on with what an earlier run has left.

    Args:
        job: What to do.
        workers: Who does it.
        watch: Told how far it is, at the start and after each unit.

    Returns:
        The counts of all units together.

    Raises:
        ConfigError: The output belongs to another job or is being written, is around the input, or there is no such
            Ray cluster.
        CacreError: A worker cannot go on, such as on a full disk; what is committed stays.
        OSError: The output cannot be read or written.
    """
    _check_apart(job)
    with full_disk_named(job.ledger.folder.url), job.ledger.opened(job.files, job.options):
        finished = job.ledger.finished()
        if finished is not None:
            return finished
        units = _planned(job)
        done = job.ledger.all_committed()
        totals: Counter[str] = Counter()
        for counts in done.values():
            totals.update(counts)
        watch(Progress(len(units), len(done), len(done), totals))
        pending = [unit for unit in units if unit.index not in done]
        try:
            with closing(_results(job, pending, workers)) as results:  # Ray ends before the lock is given back
                for number, counts in enumerate(results, start=len(done) + 1):
                    totals.update(counts)
                    watch(Progress(len(units), number, len(done), totals))
        finally:
            job.clear_up()
        return job.ledger.finish()


class UnitWorker:
    """What a Ray actor runs. An error while it is set up is told with the first unit.

    Args:
        set_up: Makes what does the units.
        ledger: The record of the job.
        run: Name of this run.
    """

    def __init__(self, set_up: Callable[[], UnitWork], ledger: Ledger, run: str) -> None:
        self._ledger, self._run = ledger, run
        self._work: UnitWork | None = None
        try:
            self._work = set_up()
        except Exception as error:  # told with the first unit, where Ray would show the end of an actor
            self._error = error

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """Do units.

        Args:
            batch: A column `unit` of units as JSON.

        Returns:
            Columns `counts` and `failure`, one row for each unit: its counts, or why the job must stop, as JSON.
        """
        results = [self._result(Unit(**json.loads(unit))) for unit in batch["unit"]]
        return {"counts": [counts for counts, _ in results], "failure": [failure for _, failure in results]}

    def _result(self, unit: Unit) -> tuple[str, str]:
        try:
            return json.dumps(dict(self._counts(unit))), ""
        except Exception as error:  # of whatever kind: Ray would show a traceback, which says nothing of the unit
            return "", told(unit, error)

    def _counts(self, unit: Unit) -> Counts:
        if self._work is None:
            raise self._error
        done = self._ledger.committed(unit)
        if done is not None:  # the worker was lost after it, but before it could say so
            return done
        if self._ledger.begin(unit, self._run) >= MAX_ATTEMPTS:
            raise CacreError(
                f"{MAX_ATTEMPTS} workers were lost over {unit.path} [{unit.start}, {unit.stop}), it may be for want of "
                "memory: run again with fewer workers (--concurrency), or into a new output with a smaller --unit-size"
            )
        return self._work.do(unit)


def _check_apart(job: UnitJob) -> None:
    output = f"{job.ledger.folder.url}/"
    inside = next((file.path for file in job.files if file.path.startswith(output)), None)
    if inside is not None:
        raise ConfigError(f"the input {inside} is in the output folder: name an output outside of the input")


def _planned(job: UnitJob) -> list[Unit]:
    """The units, with the names that they have had so far: earlier versions gave all names five digits."""
    units = plan_units(job.files, job.unit_bytes)
    if units and units[0].digits > DIGITS and job.ledger.digits() == DIGITS:
        return [replace(unit, digits=DIGITS) for unit in units]
    return units


def _results(job: UnitJob, pending: list[Unit], workers: Workers) -> Generator[Counts]:
    """The counts of units as they are done. Ray starts a lost worker anew and gives its units out again."""
    if not pending:
        return
    with _ray_running(workers), _terminable(), job.shared() as shared:
        count = min(len(pending), workers.count or int(ray.cluster_resources().get("CPU", 1)))
        items = [{"unit": json.dumps(asdict(unit))} for unit in pending]
        results = ray.data.from_items(items, override_num_blocks=min(len(items), _MAX_TASKS)).map_batches(
            UnitWorker,
            fn_constructor_args=(partial(job.set_up, *shared), job.ledger, uuid.uuid4().hex),
            batch_size=1,
            num_cpus=1,
            # One unit at a time: one that waits at a busy worker could be another's.
            compute=ray.data.ActorPoolStrategy(size=max(count, 1), max_tasks_in_flight_per_actor=1),
        )
        for result in results.iter_rows():
            if result["failure"]:
                raise raised(result["failure"])
            yield json.loads(result["counts"])


@contextmanager
def _ray_running(workers: Workers) -> Iterator[None]:
    """Ray for the time of the block, unless the program has it running already."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Below that, Ray warns on stderr of how Ray Data starts actors, which nobody can change.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"address": workers.address, "log_to_driver": False, "logging_level": logging.ERROR}
    if workers.address is None:
        options |= {"address": "local", "include_dashboard": False, "object_store_memory": _STORE_BYTES}
        options["num_cpus"] = workers.count or _usable_cpus()
    try:
        ray.init(**options)
    except Exception as error:  # Ray raises a bare one where a node takes too long to start
        raise ConfigError(f"Ray does not answer at {workers.address or 'this machine'}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the job as Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
