"""Room for waiting requests, and the batches that they are judged in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from cacre.inference import Verifier
from cacre.inference.micro_batching import MAX_BATCH_TRIPLES, MicroBatcher, Waiting
from cacre.service.errors import RefusalError
from cacre.service.metrics import Metrics
from cacre.types import Candidate, Triple, Verdict

Result = TypeVar("Result")


class CountedVerifier:
    """A verifier whose batches are counted.

    A verifier gives each text, to the bit, what it gets when it is judged alone, so that its batches need no care here.
    """

    def __init__(self, verifier: Verifier, metrics: Metrics) -> None:
        self._verifier, self._metrics = verifier, metrics

    def verify(self, text: str, candidates: Sequence[Candidate | Triple]) -> list[Verdict]:
        """Judge the candidates of one text."""
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]]) -> list[list[Verdict]]:
        """Judge several texts at once."""
        self._metrics.batch(len(pairs), sum(len(candidates) for _, candidates in pairs))
        return self._verifier.verify_many(pairs)


class PatientBatcher(MicroBatcher):
    """A micro-batcher that, when idle, waits a moment for more texts; under load batches fill without waiting.

    Args:
        verifier: Judges the batches.
        max_rows: Most texts in one batch.
        max_wait: Seconds that the first text waits at most for others.
        max_triples: Most triples in one batch; a single text may have more.
    """

    def __init__(
        self, verifier: Verifier, max_rows: int, max_wait: float, max_triples: int = MAX_BATCH_TRIPLES
    ) -> None:
        super().__init__(verifier, max_rows, max_triples)
        self._max_wait, self._full = max_wait, asyncio.Event()

    def _add(self, waiting: Waiting) -> None:
        super()._add(waiting)
        if self._is_full():
            self._full.set()

    def _is_full(self) -> bool:
        """Whether a batch is waiting, which longer waiting would not make larger."""
        # Many rows are enough, so that only few are ever counted.
        return len(self._waiting) >= self._max_rows or self._max_triples <= sum(
            len(one.candidates) for one in self._waiting
        )

    async def _work_off(self) -> None:
        if self._max_wait > 0 and not self._is_full():
            self._full.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._max_wait):
                    await self._full.wait()
        await super()._work_off()


class Room:
    """A bound on what all requests together may hold, such as waiting rows.

    Args:
        what: Its name, for messages.
        limit: The bound.
        retry_after: Seconds that those who find no room are asked to wait.
    """

    def __init__(self, what: str, limit: int, retry_after: int) -> None:
        self.what, self.limit, self.taken = what, limit, 0
        self._retry_after = retry_after

    def take(self, amount: int) -> None:
        """Take some of the room, to be given back later.

        Raises:
            RefusalError: There is not that much left (503).
        """
        if self.taken + amount > self.limit:
            raise RefusalError(
                503,
                "overloaded",
                f"no room for {amount} more {self.what}: {self.taken} of at most {self.limit} are held; try again "
                f"in {self._retry_after} s",
                retry_after=self._retry_after,
            )
        self.taken += amount

    def give_back(self, amount: int) -> None:
        """Give back what was taken."""
        self.taken -= amount

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Take room for the time of a block.

        Raises:
            RefusalError: There is not that much left (503).
        """
        self.take(amount)
        try:
            yield
        finally:
            self.give_back(amount)


@dataclass
class Work:
    """What is done in some room.

    Args:
        thread: The end of what a thread does for it; None where no thread does anything.
    """

    thread: asyncio.Future[Any] | None = None


@contextmanager
def working_in(*wanted: tuple[Room, int]) -> Iterator[Work]:
    """Take room for the time of a block and, if the block is cut off, until its thread is done as well.

    A thread cannot be stopped. Were its room given back while it works, new requests would be let in that nobody gets
    to.

    Raises:
        RefusalError: There is not that much left (503).
    """
    work = Work()
    with ExitStack() as stack:
        for room, amount in wanted:
            stack.enter_context(room.hold(amount))
        try:
            yield work
        except BaseException:
            if work.thread is not None and not work.thread.done():
                work.thread.add_done_callback(partial(_left, stack.pop_all()))
            raise


def _left(kept: ExitStack, thread: asyncio.Future[Any]) -> None:
    kept.close()
    if not thread.cancelled():
        thread.exception()  # nobody waits for it, and asyncio would log its message


async def together(works: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do works at the same time; after the first error, which is raised, or a cancellation none of them runs on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
