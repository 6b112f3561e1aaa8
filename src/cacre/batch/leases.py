"""A worker's side of the limits that it shares: a meter, a gate and a client that ask for leave elsewhere.

What is wanted and given back goes out in as few calls as there is time for: while one is on its way, the next gathers.
So of the requests of a worker a few share a call, and none is asked leave for before it is needed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from cacre import errors
from cacre.batch.allowance import Answer, Message, Told, Want
from cacre.errors import CacreError
from cacre.llm.chat import Usage
from cacre.llm.client import OpenAIClient
from cacre.llm.limits import Gate, RateLimits
from cacre.llm.meter import Meter, Reservation
from cacre.llm.providers import Provider
from cacre.llm.retry import RetryPolicy

_UNUSED: dict[Told, tuple[Told, tuple[Any, ...]]] = {"reserve": ("settle", (None,)), "enter": ("leave", ())}
"""How what was given leave for, and is not wanted any more, is given back."""


class Link(Protocol):
    """The way from one worker to the `Allowance`. What it raises ends the job."""

    def tell(self, messages: Sequence[Message]) -> Awaitable[None]:
        """As `Allowance.tell`."""
        ...

    def collect(self) -> Awaitable[list[Answer] | None]:
        """As `Allowance.collect`."""
        ...


class Leases:
    """What one worker has leave for. Used in one event loop, which may rest meanwhile.

    Args:
        link: The way to the limits of the job.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._numbers = itertools.count(1)
        self._wanted: dict[int, tuple[Message, asyncio.Future[None]]] = {}
        self._held: set[int] = set()
        self._outbox: list[Message] = []
        self._sending: asyncio.Task[None] | None = None
        self._collecting: asyncio.Task[None] | None = None

    async def want(self, what: Want, *arguments: int) -> int:
        """Wait for leave.

        Args:
            what: What for.
            arguments: As the message takes them.

        Returns:
            The number to give it back under.

        Raises:
            BudgetError: A limit on requests or cost is reached.
            CacreError: The job is being stopped, or the limits cannot be reached.
        """
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        message = Message(what, number, arguments)
        self._wanted[number] = message, future
        self._post(message)
        if self._collecting is None or self._collecting.done():
            self._collecting = asyncio.create_task(self._collect())
        await future
        return number

    def give_back(self, message: Message) -> None:
        """Give back what `want` gave; the message says how it ended."""
        self._held.discard(message.number)
        self._post(message)

    def say(self, message: Message) -> None:
        """Say something that takes no answer."""
        self._post(message)

    async def rest(self) -> None:
        """Wait until all that was said has arrived, and be silent until something is wanted again."""
        self._post(Message("rest"))
        await self._all_sent()
        if self._collecting is not None:
            await self._collecting

    async def _all_sent(self) -> None:
        if self._sending is not None:
            await self._sending

    def _post(self, message: Message) -> None:
        self._outbox.append(message)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._outbox:
                messages, self._outbox = self._outbox, []
                await self._link.tell(messages)
        except CacreError as error:
            self._fail(error)

    async def _collect(self) -> None:
        try:
            while self._wanted or self._held:
                await self._all_sent()
                answers = await self._link.collect()
                if answers is None:  # this worker was too slow to tell that it lives
                    self._held.clear()
                    for message, _ in self._wanted.values():
                        self._post(message)
                for answer in answers or ():
                    self._heed(answer)
        except CacreError as error:
            self._fail(error)

    def _heed(self, answer: Answer) -> None:
        message, future = self._wanted.pop(answer.number, (None, None))
        if message is None or future is None:
            return
        if answer.refusal is not None:
            kind, reason = answer.refusal
            if not future.done():
                future.set_exception(getattr(errors, kind, CacreError)(reason))
        elif future.done():  # nobody waits for it any more
            what, arguments = _UNUSED[message.what]
            self._post(Message(what, message.number, arguments))
        else:
            self._held.add(answer.number)
            future.set_result(None)

    def _fail(self, error: CacreError) -> None:
        wanted, self._wanted = self._wanted, {}
        self._held.clear()
        for _, future in wanted.values():
            if not future.done():
                future.set_exception(type(error)(*error.args))


class SharedMeter(Meter):
    """A meter whose counts and limits are those of the whole job; its own stay at nothing.

    Args:
        leases: Where leave comes from.
    """

    def __init__(self, leases: Leases) -> None:
        super().__init__()
        self._leases = leases
        self._given: dict[Reservation, int] = {}

    async def reserve(self, prompt_tokens: int, max_completion_tokens: int) -> Reservation:
        """As `Meter.reserve`, of the whole job."""
        number = await self._leases.want("reserve", prompt_tokens, max_completion_tokens)
        reservation = Reservation(prompt_tokens, max_completion_tokens)
        self._given[reservation] = number
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """As `Meter.settle`."""
        self._leases.give_back(Message("settle", self._given.pop(reservation), (usage,)))

    def cached(self, usage: Usage) -> None:
        """As `Meter.cached`."""
        self._leases.say(Message("count", 0, ("cached", usage)))

    def retried(self, cause: str) -> None:
        """As `Meter.retried`."""
        self._leases.say(Message("count", 0, ("retried", cause)))

    def fell_back(self, what: str) -> None:
        """As `Meter.fell_back`."""
        self._leases.say(Message("count", 0, ("fell_back", what)))

    def failed(self, kind: str) -> None:
        """As `Meter.failed`."""
        self._leases.say(Message("count", 0, ("failed", kind)))


class SharedGate(Gate):
    """A gate through which all workers of a job pass.

    Args:
        limits: The limits of the job.
        leases: Where leave comes from.
    """

    def __init__(self, limits: RateLimits, leases: Leases) -> None:
        super().__init__(limits)
        self._leases = leases

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[None]:
        """As `Gate.slot`, of the whole job."""
        number = await self._leases.want("enter", tokens)
        try:
            yield
        finally:
            self._leases.give_back(Message("leave", number))

    async def settle(self, estimated: int, used: int) -> None:
        """As `Gate.settle`."""
        if self.limits.tokens_per_minute is not None and used > estimated:
            self._leases.say(Message("owe", 0, (estimated, used)))

    def hold(self, seconds: float) -> None:
        """As `Gate.hold`: a pause that one worker is asked for is one for all."""
        self._leases.say(Message("hold", 0, (seconds,)))


class SharedClient(OpenAIClient):
    """A client that keeps, together with those of other workers, to the limits of a job.

    Args:
        provider: The server.
        api_key: Its API key; None if it needs none.
        limits: The limits of the job.
        retry: How often and how patiently a request is tried.
        leases: Where leave comes from.
    """

    def __init__(
        self, provider: Provider, *, api_key: str | None, limits: RateLimits, retry: RetryPolicy, leases: Leases
    ) -> None:
        super().__init__(provider, api_key=api_key, limits=limits, retry=retry, meter=SharedMeter(leases))
        self._gate: Gate = SharedGate(limits, leases)
