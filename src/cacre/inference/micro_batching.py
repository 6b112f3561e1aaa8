"""Many callers, one verifier: what arrives while a batch is judged makes up the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from cacre.errors import ConfigError
from cacre.inference.verifier import Verifier, as_pair
from cacre.types import Candidate, Triple, Verdict

MAX_BATCH_TRIPLES = 500
"""Triples after which a batch ends: about a second on one CPU, which all who come meanwhile have to wait."""
Waiting = tuple[tuple[str, list[Candidate]], asyncio.Future[list[Verdict]]]
"""A text with its candidates, and whom the verdicts are for."""


class MicroBatcher:
    """Gathers texts from concurrent callers of one event loop and judges them in batches, in a thread.

    No verdict depends on what it is judged together with, so batching changes nothing but the speed.

    Args:
        verifier: Judges the batches.
        max_rows: Most texts in one batch.
        max_triples: Most triples in one batch; a single text may have more.

    Attributes:
        judging: The batch that a thread works on, or worked on last; None before the first. Callers that go away do
            not stop the thread.

    Raises:
        ConfigError: `max_rows` or `max_triples` is below 1.
    """

    def __init__(self, verifier: Verifier, max_rows: int = 64, max_triples: int = MAX_BATCH_TRIPLES) -> None:
        for name, value in (("max_rows", max_rows), ("max_triples", max_triples)):
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        self._verifier, self._max_rows, self._max_triples = verifier, max_rows, max_triples
        self._waiting: deque[Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self.judging: asyncio.Future[list[list[Verdict]]] | None = None

    async def verify(self, text: str, candidates: Sequence[Candidate | Triple]) -> list[Verdict]:
        """Judge the candidates of one text; one verdict per candidate, in their order.

        Raises:
            DataError: The text or a candidate is malformed, or there are too many; no other caller is concerned.
        """
        pair = as_pair(text, candidates)
        if not pair[1]:
            return []
        future: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        self._add((pair, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work_off())
        return await future

    def _add(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)

    def _next_batch(self) -> list[Waiting]:
        """Take from the queue what is judged next; none if nobody waits any more."""
        batch: list[Waiting] = []
        triples = 0
        while self._waiting and len(batch) < self._max_rows:
            (_, candidates), future = self._waiting[0]
            if not future.done():  # else its caller has gone
                triples += len(candidates)
                if batch and triples > self._max_triples:
                    break
                batch.append(self._waiting[0])
            self._waiting.popleft()
        return batch

    async def _work_off(self) -> None:
        while batch := self._next_batch():
            pairs = [pair for pair, _ in batch]
            self.judging = asyncio.ensure_future(asyncio.to_thread(self._verifier.verify_many, pairs))
            try:
                judged = await self.judging
            except Exception as error:  # whatever it is, each caller must hear of it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), verdicts in zip(batch, judged, strict=True):
                if not future.done():
                    future.set_result(verdicts)
