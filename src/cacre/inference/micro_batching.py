"""Many callers, one verifier: what arrives while a batch is judged makes up the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from cacre.errors import ConfigError
from cacre.inference.verifier import Verifier, as_pair
from cacre.types import Candidate, Triple, Verdict

_Waiting = tuple[tuple[str, list[Candidate]], asyncio.Future[list[Verdict]]]


class MicroBatcher:
    """Gathers texts from concurrent callers of one event loop and judges them in batches, in a thread.

    No verdict depends on what it is judged together with, so batching changes nothing but the speed.

    Args:
        verifier: Judges the batches.
        max_rows: Most texts in one batch.

    Attributes:
        judging: The batch that a thread works on, or worked on last; None before the first. Callers that go away do
            not stop the thread.

    Raises:
        ConfigError: `max_rows` is below 1.
    """

    def __init__(self, verifier: Verifier, max_rows: int = 64) -> None:
        if max_rows < 1:
            raise ConfigError(f"max_rows must be at least 1, got {max_rows}")
        self._verifier, self._max_rows = verifier, max_rows
        self._waiting: deque[_Waiting] = deque()
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
        self._waiting.append((pair, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work_off())
        return await future

    async def _work_off(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._max_rows, len(self._waiting)))]
            batch = [(pair, future) for pair, future in batch if not future.done()]
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
