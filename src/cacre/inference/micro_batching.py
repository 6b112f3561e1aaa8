"""Many callers, one verifier: what arrives while a batch is judged makes up the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from cacre.errors import ConfigError
from cacre.inference.verifier import Verifier, as_pair
from cacre.types import Candidate, Triple, Verdict

MAX_BATCH_TRIPLES = 500
"""Triples after which a batch ends: about a second on one CPU, which all who come meanwhile have to wait."""


class Waiting(NamedTuple):
    """A text with its candidates, whom the verdicts are for, and the number of triples judged before it comes next."""

    text: str
    candidates: list[Candidate]
    future: asyncio.Future[list[Verdict]]
    turn: int


class MicroBatcher:
    """Gathers texts from concurrent callers of one event loop and judges them in batches, in a thread.

    No verdict depends on what it is judged together with, so batching changes nothing but the speed. Who asks about
    many texts at the same time takes turns with all others.

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
        self._waiting: list[Waiting] = []
        self._judged = 0
        self._task: asyncio.Task[None] | None = None
        self.judging: asyncio.Future[list[list[Verdict]]] | None = None

    async def verify(self, text: str, candidates: Sequence[Candidate | Triple], before: int = 0) -> list[Verdict]:
        """Judge the candidates of one text; one verdict per candidate, in their order.

        Args:
            text: The text.
            candidates: Its candidates.
            before: How many triples the same caller asks about ahead of these. The text comes after all who come until
                so many have been judged.

        Raises:
            DataError: The text or a candidate is malformed, or there are too many; no other caller is concerned.
        """
        text, checked = as_pair(text, candidates)
        if not checked:
            return []
        future: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        self._add(Waiting(text, checked, future, self._judged + before))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work_off())
        return await future

    def _add(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)

    def _next_batch(self) -> list[Waiting]:
        """Take from the queue what is judged next; none if nobody waits any more."""
        # A future is done if its caller has gone. Of one turn, who came first is first.
        waiting = sorted((one for one in self._waiting if not one.future.done()), key=lambda one: one.turn)
        ends = accumulate(len(one.candidates) for one in waiting[: self._max_rows])
        count = sum(end <= self._max_triples for end in ends) or min(1, len(waiting))
        self._waiting = waiting[count:]
        return waiting[:count]

    async def _work_off(self) -> None:
        while batch := self._next_batch():
            pairs = [(one.text, one.candidates) for one in batch]
            self.judging = asyncio.ensure_future(asyncio.to_thread(self._verifier.verify_many, pairs))
            try:
                judged = await self.judging
            except Exception as error:  # whatever it is, each caller must hear of it
                for one in batch:
                    if not one.future.done():
                        one.future.set_exception(error)
                continue
            finally:
                self._judged += sum(len(one.candidates) for one in batch)
            for one, verdicts in zip(batch, judged, strict=True):
                if not one.future.done():
                    one.future.set_result(verdicts)
