"""The limits of a job in one place: what workers are given leave for, and what comes back when they are lost.

One `Allowance` serves all workers, in a process of its own; it knows no Ray. Leave for money and leave for a place
among the requests on their way are asked for in messages, several in a call, and are leases: a worker that is not heard
of for a while loses them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from cacre.errors import CacreError
from cacre.llm.chat import Usage
from cacre.llm.limits import Gate, RateLimits
from cacre.llm.meter import Meter, Prices, Reservation

LEASE_SECONDS = 30.0
"""Seconds without a sign of life after which a worker counts as lost."""
Want = Literal["reserve", "enter"]
Told = Literal["reserve", "enter", "settle", "leave", "owe", "hold", "count", "rest"]


@dataclass(frozen=True, slots=True)
class Message:
    """What a worker says.

    Args:
        what: `reserve` money or `enter` a place, which are answered; `settle` money, `leave` a place; tokens that it
            does `owe`; `hold` everybody, because the server asked for a pause; `count` something; `rest`, because
            nothing more is waited for.
        number: The worker's own number of what it wants or gives back.
        arguments: As the method of that name of `Meter` or `Gate` takes them.
    """

    what: Told
    number: int = 0
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to something wanted.

    Args:
        number: The worker's own number.
        refusal: Name of an error class and its message; None if leave is given.
    """

    number: int
    refusal: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """How much a job may send and cost; as `Meter` takes it."""

    prices: Prices | None = None
    max_requests: int | None = None
    max_cost: float | None = None

    def meter(self) -> Meter:
        """A meter with these limits.

        Raises:
            ConfigError: They contradict each other.
        """
        return Meter(self.prices, self.max_requests, self.max_cost)


@dataclass
class _Worker:
    seen: float
    waiting: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    money: dict[int, Reservation] = field(default_factory=dict)
    places: dict[int, AsyncExitStack] = field(default_factory=dict)
    ready: list[Answer] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, answer: Answer) -> None:
        self.ready.append(answer)
        self.news.set()


class Allowance:
    """Keeps all workers of a job together to one set of limits.

    A lease whose worker is lost is given back: its place at once, its money as spent with the worst case, since the
    server may charge for what nobody has read. So the limits hold whatever is killed. Used in one event loop.

    Args:
        limits: How fast requests may leave, all workers together.
        spending: How much they may send and cost, all workers together.
        lease_seconds: So long after its last sign of life a worker counts as lost.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        limits: RateLimits,
        spending: Spending,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter, self._gate = spending.meter(), Gate(limits)
        self._lease_seconds, self._clock = lease_seconds, clock
        self._workers: dict[str, _Worker] = {}
        self._closed = False
        self._lost = 0

    async def tell(self, name: str, messages: Sequence[Message]) -> None:
        """Heed what a worker says; answers are there for `collect` as soon as there are any.

        Args:
            name: The worker.
            messages: In the order in which they are heeded.
        """
        await self._give_back_lost()
        worker = self._workers.setdefault(name, _Worker(self._clock()))
        worker.seen = self._clock()
        for message in messages:
            await self._heed(worker, message)

    async def collect(self, name: str) -> list[Answer] | None:
        """Wait for answers to a worker, for a part of the time of a lease: also a sign of life.

        Args:
            name: The worker.

        Returns:
            The answers, if any; None if it counts as lost, so that it has to say again what it wants.
        """
        worker = self._workers.get(name)
        if worker is None:
            return None
        worker.seen = self._clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lease_seconds / 4):
                await worker.news.wait()
        if self._workers.get(name) is not worker:
            return None
        worker.seen = self._clock()
        await self._give_back_lost()
        answers, worker.ready = worker.ready, []
        worker.news.clear()
        return answers

    async def close(self, patience: float) -> list[str]:
        """Let nothing more leave, and wait for what is on its way, so that paid answers are not thrown away.

        Args:
            patience: Seconds; so long it waits at most.

        Returns:
            Where the job stands, in a few lines for a person.
        """
        self._closed = True
        for worker in self._workers.values():
            for task in worker.waiting.values():
                task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while any(worker.places for worker in self._workers.values()):
                    await asyncio.sleep(0.05)
                    await self._give_back_lost()
        lost = [f"lost with their workers: {self._lost:,} requests, counted with the most they can cost"]
        return [*self.meter.lines(), *(lost if self._lost else [])]

    async def _heed(self, worker: _Worker, message: Message) -> None:
        match message.what, message.arguments:
            case ("reserve" | "enter") as want, _:
                self._admit(worker, want, message)
            case "settle", (usage,):
                if (reservation := worker.money.pop(message.number, None)) is not None:
                    self.meter.settle(reservation, usage)
            case "leave", _:
                if (place := worker.places.pop(message.number, None)) is not None:
                    await place.aclose()
            case "owe", (estimated, used):
                await self._gate.settle(estimated, used)
            case "hold", (seconds,):
                self._gate.hold(seconds)
            case "rest", _:
                worker.news.set()
            case "count", ("cached" | "retried" | "fell_back" | "failed" as what, of):
                getattr(self.meter, what)(of)

    def _admit(self, worker: _Worker, want: Want, message: Message) -> None:
        number = message.number
        if number in worker.waiting or number in worker.money or number in worker.places:
            return  # said again by a worker that counted as lost meanwhile
        worker.waiting[number] = asyncio.create_task(self._answer(worker, want, message))

    async def _answer(self, worker: _Worker, want: Want, message: Message) -> None:
        try:
            if self._closed:
                raise asyncio.CancelledError
            if want == "reserve":
                worker.money[message.number] = await self.meter.reserve(*message.arguments)
            else:
                async with AsyncExitStack() as stack:
                    await stack.enter_async_context(self._gate.slot(*message.arguments))
                    worker.places[message.number] = stack.pop_all()
            worker.answer(Answer(message.number))
        except CacreError as error:
            worker.answer(Answer(message.number, (type(error).__name__, str(error))))
        except asyncio.CancelledError:
            if self._closed:  # else the worker is lost, or will say it again
                worker.answer(Answer(message.number, (CacreError.__name__, "the job is being stopped")))
        finally:
            worker.waiting.pop(message.number, None)

    async def _give_back_lost(self) -> None:
        now = self._clock()
        for name, worker in list(self._workers.items()):
            if now - worker.seen <= self._lease_seconds:
                continue
            del self._workers[name]
            worker.news.set()
            for task in worker.waiting.values():
                task.cancel()
            for reservation in worker.money.values():
                most = Usage(reservation.prompt_tokens, reservation.completion_tokens, estimated=True)
                self.meter.settle(reservation, most)
                self._lost += 1
            for place in worker.places.values():
                await place.aclose()
