"""Working off a stream of rows with an LLM: bounded, resumable, and stopped cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from cacre.data import Row
from cacre.errors import CacheMissError, CacreError, LLMError, UnavailableError
from cacre.extraction.failures import JOB_ENDS, raw_of
from cacre.extraction.job_store import JobStore, Outcome

Work = Callable[[Row], Awaitable[Outcome]]
"""What is done with one row. An `LLMError` concerns the row alone, unless it is one of `JOB_ENDS`; any other
`CacreError` ends the job."""
UNAVAILABLE_ROWS = 20
"""So many rows without an answer one after the other, and no row with one between them, end the job."""
_BREATH = 256


class Watcher(Protocol):
    """Is told of each row as it ends; a progress bar."""

    def row_done(self, *, failed: bool, resumed: bool) -> None:
        """One row has ended: failed or not, in this run or an earlier one."""
        ...


@dataclass
class JobState:
    """How far a job is.

    Args:
        done: Rows with an outcome, those of earlier runs among them.
        resumed: Rows that an earlier run had finished.
        failed: Rows that failed in this run.
        unanswered: Those of them that another run may do better.
        stopped_by: What ended the job early; None if nothing did.
    """

    done: int = 0
    resumed: int = 0
    failed: int = 0
    unanswered: int = 0
    stopped_by: BaseException | None = None
    _unavailable: int = field(default=0, repr=False)
    _last: LLMError | None = field(default=None, repr=False)

    def stop(self, cause: BaseException) -> None:
        """Take no further row; rows in work end first. The first cause counts."""
        self.stopped_by = self.stopped_by or cause


async def work_off(
    rows: Iterator[Row], work: Work, store: JobStore, state: JobState, *, width: int, watcher: Watcher | None = None
) -> None:
    """Work off all rows that the store does not have yet, `width` at a time.

    Rows are read as they are needed, so that memory does not grow with the input.

    Args:
        rows: The rows, in the order of the input.
        work: What to do with each.
        store: Where outcomes go, each as soon as it is there.
        state: Counts as they go; `state.stop` from elsewhere ends the job after the rows in work.
        width: Rows worked on at once.
        watcher: Told of each row.

    Raises:
        BaseExceptionGroup: What `work` raises besides `CacreError`, after the other rows in work were cancelled.
    """
    numbered = enumerate(rows)
    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(_worker(numbered, work, store, state, width, watcher))
    if state.done == state.failed == state._unavailable > 0:
        state.stop(UnavailableError(f"no text got an answer; the last: {state._last}"))


async def _worker(
    numbered: Iterator[tuple[int, Row]],
    work: Work,
    store: JobStore,
    state: JobState,
    width: int,
    watcher: Watcher | None,
) -> None:
    while state.stopped_by is None:
        try:
            position, row = next(numbered)  # shared by all workers: each takes the next row that is left
            with _named_if_nested(row):
                resumed = store.finished(position, row.raw)
            outcome = None if resumed else await _outcome(row, work, state, width)
            if outcome is not None:
                with _named_if_nested(row):
                    store.put(position, row.raw, outcome)
        except StopIteration:
            return
        except CacreError as error:  # no key, no money, no disk: no row can pass
            state.stop(error)
            return
        _count(outcome, state, watcher)
        if position % _BREATH == 0:  # finished rows pass without waiting for anything: let signals and others in
            await asyncio.sleep(0)


@contextmanager
def _named_if_nested(row: Row) -> Iterator[None]:
    try:
        yield
    except RecursionError as error:  # it could be read, but not everywhere is as much of the stack left
        raise row.error("the JSON is nested too deeply: flatten what the row holds besides its text") from error


def _count(outcome: Outcome | None, state: JobState, watcher: Watcher | None) -> None:
    """Count a row that is done; None stands for one that an earlier run had finished."""
    failed = outcome is not None and outcome.row is None
    state.done += 1
    state.resumed += outcome is None
    state.failed += failed
    state.unanswered += outcome is not None and failed and outcome.again
    if watcher is not None:
        watcher.row_done(failed=failed, resumed=outcome is None)


async def _outcome(row: Row, work: Work, state: JobState, width: int) -> Outcome:
    try:
        outcome = await work(row)
    except JOB_ENDS:
        raise
    except LLMError as error:
        _count_unavailable(state, error, width)
        return failure(row, error)
    state._unavailable = 0
    return outcome


def failure(row: Row, error: LLMError) -> Outcome:
    """The outcome of a row without any usable answer."""
    return Outcome(None, (error_entry(row, str(error), raw=raw_of(error)),), again=isinstance(error, _MAY_PASS_LATER))


def error_entry(row: Row, reason: str, *, raw: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """An entry of the errors file for a row: where it stands, why it failed, and the answer as it came."""
    entry = {"path": row.path, "line": row.line, "id": row.content.id, "reason": reason, "field": "answer", "raw": raw}
    return {**entry, **more}


_MAY_PASS_LATER = (UnavailableError, CacheMissError)


def _count_unavailable(state: JobState, error: LLMError, width: int) -> None:
    state._unavailable = state._unavailable + 1 if isinstance(error, UnavailableError) else 0
    state._last = error
    if state._unavailable >= max(UNAVAILABLE_ROWS, 2 * width):
        state.stop(UnavailableError(f"{state._unavailable} rows in a row got no answer; the last: {error}"))
