"""How fast requests may leave: concurrency, requests a minute, tokens a minute, and pauses that a server asks for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

from cacre.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits that one client keeps to.

    Args:
        concurrency: Requests that may be on their way at once.
        requests_per_minute: Requests that may leave in a minute; None for no limit.
        tokens_per_minute: Tokens, of questions and answers, that may be asked for in a minute; None for no limit.

    Raises:
        ConfigError: A limit is not a positive number.
    """

    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.concurrency, int) or self.concurrency < 1:
            raise ConfigError(f"concurrency is {self.concurrency!r}: expected a whole number of 1 or more")
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value!r}: expected a number above 0; leave it out for no limit")


class Gate:
    """What every request of a client passes before it is sent.

    Requests leave in the order they came, evenly: a burst is at most one second's worth of a limit, and at least one
    request. A gate may be made outside an event loop and used in one loop after the other, in one at a time; each loop
    starts with empty buckets, while tokens owed and pauses carry over.

    Args:
        limits: The limits to keep to.
    """

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self._state: _LoopState | None = None
        self._owed = 0.0
        self._held_until = -math.inf

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[None]:
        """Wait until a request may be sent, and hold one of the concurrent places for as long as the block runs.

        Args:
            tokens: Estimated tokens of question and answer. A request that asks for more than a whole minute's limit
                waits as if it asked for just that much.
        """
        state = self._in_running_loop()
        async with state.places:
            async with state.turn:
                if state.requests is not None:
                    await state.requests.acquire()
                if state.tokens is not None:
                    await self._draw(state.tokens, tokens)
                await self._wait_while_held()
            yield

    async def settle(self, estimated: int, used: int) -> None:
        """Report what a request used: tokens beyond the estimate are taken from the limit before later requests.

        Never waits. Tokens below the estimate are not given back, because servers count what was asked for.

        Args:
            estimated: The tokens that `slot` was given.
            used: The tokens that the server counted.
        """
        if self.limits.tokens_per_minute is not None:
            self._owed += max(0, used - estimated)

    def hold(self, seconds: float) -> None:
        """Let nobody enter for a while, because the server asked for a pause; a longer pause stays as it is.

        Call it inside the event loop.

        Args:
            seconds: Length of the pause from now.
        """
        if seconds > 0:
            self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)

    def _in_running_loop(self) -> _LoopState:
        loop = asyncio.get_running_loop()
        if self._state is None or self._state.loop is not loop:
            self._state = _LoopState(loop, self.limits)
        return self._state

    async def _wait_while_held(self) -> None:
        # After the buckets, because a pause may begin while one waits for them; only one request waits here, and those
        # behind it have drawn nothing yet, so that they are paced afterwards. In a loop, because pauses may grow.
        while (seconds := self._held_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(seconds)

    async def _draw(self, bucket: AsyncLimiter, tokens: int) -> None:
        # In pieces, because the bucket refuses amounts above its size.
        while self._owed > 0:
            piece = min(self._owed, bucket.max_rate)
            await bucket.acquire(piece)
            self._owed -= piece
        left = min(float(tokens), self.limits.tokens_per_minute or 0.0)
        while left > 0:
            piece = min(left, bucket.max_rate)
            await bucket.acquire(piece)
            left -= piece


class _LoopState:
    """What is bound to one event loop; only the one whose turn it is waits for the buckets, so that all go in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: RateLimits) -> None:
        self.loop = loop
        self.places = asyncio.Semaphore(limits.concurrency)
        self.turn = asyncio.Lock()
        self.requests = _bucket(limits.requests_per_minute)
        self.tokens = _bucket(limits.tokens_per_minute)


def _bucket(per_minute: float | None) -> AsyncLimiter | None:
    if per_minute is None:
        return None
    per_second = per_minute / 60
    size = max(1.0, per_second)
    return AsyncLimiter(size, size / per_second)
