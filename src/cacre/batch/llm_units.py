"""Asking an LLM about the texts of one unit: read, ask about some at once, write in order, commit."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from typing import Any

from cacre.batch.asking import Asking
from cacre.batch.layered import LayeredCache
from cacre.batch.leases import Leases
from cacre.batch.ledger import Counts, Ledger
from cacre.batch.parts import ERRORS, PartFormat, UnitParts
from cacre.batch.reading import Record, read_unit
from cacre.batch.shards import PaidAnswers
from cacre.batch.units import Unit
from cacre.data import Row, parse_row
from cacre.errors import DataError, LLMError, UnavailableError
from cacre.extraction.failures import JOB_ENDS
from cacre.extraction.job import UNAVAILABLE_ROWS, Work, failure
from cacre.extraction.job_store import Outcome
from cacre.llm import OpenAIClient

_SAID_BY_RECORD = frozenset(["path", "line"])
"""Where a row stands, as a file that is read from its beginning has it."""


@dataclass(frozen=True)
class AskingRules:
    """How the texts of a unit are worked off.

    Args:
        format: How parts are written.
        width: Texts worked on at once.
        strict: Whether a row that cannot be used is an error, instead of an entry of the dataset `errors`.
        offline: Never ask: answers come from caches alone.
    """

    format: PartFormat = "jsonl"
    width: int = 16
    strict: bool = False
    offline: bool = False


@dataclass(frozen=True)
class _Done:
    """What became of one record.

    Args:
        record: The record.
        outcome: Its row and entries of the dataset `errors`.
        failure: Why the LLM has brought no row.
    """

    record: Record
    outcome: Outcome
    failure: LLMError | None = None


class LLMUnitWork:
    """Asks about the texts of units, one unit after the other, in an event loop of its own.

    Args:
        asking: What is asked.
        ledger: Where units are committed.
        answers: Where paid answers are.
        client: The LLM; closed with this.
        leases: What the client has leave for.
        rules: How units are worked off.

    Raises:
        CacreError: The cache of all answers cannot be used.
        OSError: It cannot be read.
    """

    def __init__(
        self,
        asking: Asking,
        ledger: Ledger,
        answers: PaidAnswers,
        client: OpenAIClient,
        leases: Leases,
        rules: AskingRules,
    ) -> None:
        self._asking, self._ledger, self._answers, self._rules = asking, ledger, answers, rules
        self._client, self._leases = client, leases
        self._unavailable = 0
        self._files = ExitStack()
        merged = self._files.enter_context(answers.merged())
        self._cache = LayeredCache(client, client.meter, merged, rules.offline)
        self._runner = asyncio.Runner()

    def do(self, unit: Unit) -> Counts:
        """Ask about the texts of a unit and commit it.

        Returns:
            How many rows, entries in `errors` and texts that failed it has, and what its rows hold.

        Raises:
            LLMError: No further request can pass, or no text gets an answer; the unit is not committed.
            DataError: With `strict`, a row cannot be used; the unit is not committed.
            CacreError: The job must stop.
            OSError: The input cannot be read, or the output not be written.
        """
        counts = self._runner.run(self._do(unit))
        self._ledger.commit(unit, counts)
        return counts

    def close(self) -> None:
        """Close the LLM and the caches."""
        self._runner.run(self._cache.aclose())
        self._runner.run(self._client.aclose())
        self._runner.close()
        self._files.close()

    async def _do(self, unit: Unit) -> Counts:
        counts: Counter[str] = Counter(rows=0, failed=0)
        try:
            with self._answers.shard(unit) as shard:
                async with self._cache.around(shard) as llm:
                    work = self._asking.work(llm)
                    with UnitParts(self._ledger.folder, unit, self._rules.format) as parts:
                        async with aclosing(self._in_order(read_unit(unit), work)) as all_done:
                            await self._write(all_done, parts, counts)
        finally:
            await self._leases.rest()
        return {**counts, ERRORS: parts.counts[ERRORS]}

    async def _write(self, all_done: AsyncIterator[_Done], parts: UnitParts, counts: Counter[str]) -> None:
        answered, last = False, None
        async for done in all_done:
            self._write_one(done, parts, counts)
            answered = answered or done.outcome.row is not None
            if isinstance(done.failure, UnavailableError):
                self._unavailable, last = self._unavailable + 1, done.failure
            else:
                self._unavailable = 0
            if self._unavailable >= max(UNAVAILABLE_ROWS, 2 * self._rules.width):
                raise UnavailableError(f"{self._unavailable} texts in a row got no answer; the last: {last}")
        if last is not None and not answered:  # a commit would give these texts up for good
            raise UnavailableError(f"no text of a unit got an answer; the last: {last}")

    def _write_one(self, done: _Done, parts: UnitParts, counts: Counter[str]) -> None:
        for entry in done.outcome.errors:
            parts.add_error(entry)
        row = done.outcome.row
        if row is None:
            counts["failed"] += done.failure is not None
            return
        try:
            encoded = parts.encode(row)
        except DataError as error:
            parts.add_error(done.record.error_entry(error.reason, error.field))
            return
        parts.add(self._asking.dataset, encoded)
        counts["rows"] += 1
        counts.update(self._asking.counted(row))

    async def _in_order(self, records: Iterable[Record], work: Work) -> AsyncGenerator[_Done]:
        """What becomes of the records, in their order; so many of them are worked on or wait for their turn."""
        tasks: deque[asyncio.Task[_Done]] = deque()
        try:
            for record in records:
                if len(tasks) >= self._rules.width:
                    yield await tasks.popleft()
                tasks.append(asyncio.create_task(self._outcome(record, work)))
            while tasks:
                yield await tasks.popleft()
        finally:
            # Those in work end, so that what they have paid for is kept.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _outcome(self, record: Record, work: Work) -> _Done:
        try:
            row = text_row(record)
        except DataError as error:
            if self._rules.strict:
                raise DataError(error.reason, path=record.place, field=error.field) from error
            return _Done(record, Outcome(None, (record.error_entry(error.reason, error.field),)))
        failed = None
        try:
            outcome = await work(row)
        except JOB_ENDS:
            raise
        except LLMError as error:
            outcome, failed = failure(row, error), error
        entries = tuple(_placed(entry, record) for entry in outcome.errors)
        return _Done(record, Outcome(outcome.row, entries), failed)


def text_row(record: Record) -> Row:
    """The text row of a record.

    Raises:
        DataError: It is none.
    """
    if record.raw is None:
        raise record.error or DataError("cannot be read")
    return Row(record.path, 1, record.raw, parse_row(record.raw, "texts"))


def _placed(entry: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """An entry about an answer, with the place of its row as the errors of a unit give it, and the answer as `raw`."""
    rest = {name: value for name, value in entry.items() if name not in _SAID_BY_RECORD}
    return {**record.error_entry(entry["reason"], entry["field"]), **rest}
