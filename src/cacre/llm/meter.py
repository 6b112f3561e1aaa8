"""What a job has sent, used and spent, and the hard limits on it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from cacre.errors import BudgetError, ConfigError
from cacre.llm.chat import Usage


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in any currency, per million tokens.

    Args:
        prompt: Price of a million tokens of questions.
        completion: Price of a million tokens of answers.

    Raises:
        ConfigError: A price is negative or not finite.
    """

    prompt: float = 0.0
    completion: float = 0.0

    def __post_init__(self) -> None:
        for name in ("prompt", "completion"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(
                    f"price of {name} tokens is {value!r}: expected 0 or more, per million tokens (--price-{name})"
                )

    def cost(self, usage: Usage) -> float:
        """What the tokens of an answer, or of many answers added up, cost."""
        return float(self.exact_cost(usage.prompt_tokens, usage.completion_tokens))

    def exact_cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """What so many tokens cost, exactly: a price counts as the decimal number that it was written as."""
        prompt = Decimal(str(float(self.prompt))) * prompt_tokens
        completion = Decimal(str(float(self.completion))) * completion_tokens
        return (prompt + completion).scaleb(-6)


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """The worst case of one request in flight; `Meter.settle` takes it back once.

    Args:
        prompt_tokens: Most tokens of the question.
        completion_tokens: Most tokens of the answer.
    """

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Where a job stands.

    Args:
        requests: Requests sent, tries counted one by one, those in flight included.
        in_flight: Requests that have not been settled.
        answers: Answers that came from the server.
        cached: Answers that came from the cache.
        retries: Tries after the first, by cause.
        fallbacks: Features that a server refused, by name.
        failures: Requests given up, by kind.
        prompt_tokens: Tokens of the questions that were answered by the server.
        completion_tokens: Tokens of those answers.
        cached_prompt_tokens: Tokens of the questions that were answered by the cache.
        cached_completion_tokens: Tokens of those answers.
        estimated_usages: Answers of the server whose tokens had to be estimated.
        cost: Cost of the server's answers in the currency of the prices; 0 without prices.
    """

    requests: int
    in_flight: int
    answers: int
    cached: int
    retries: Mapping[str, int]
    fallbacks: Mapping[str, int]
    failures: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    cached_prompt_tokens: int
    cached_completion_tokens: int
    estimated_usages: int
    cost: float


class Meter:
    """Counts requests, tokens and cost, and lets no request leave that could exceed a limit.

    The limits are hard: a request that is in flight counts with its worst case until it is settled. Tokens are counted
    as integers and priced as totals, so that the cost has no rounding errors of its own. May be made outside an event
    loop and used in one loop after the other, in one at a time.

    Args:
        prices: Prices of tokens; None if unknown.
        max_requests: Most requests to send, tries counted one by one; None for no limit, 0 for none at all.
        max_cost: Most to spend, in the currency of the prices; None for no limit.

    Raises:
        ConfigError: A limit is negative, or `max_cost` comes without prices.
    """

    def __init__(
        self, prices: Prices | None = None, max_requests: int | None = None, max_cost: float | None = None
    ) -> None:
        if max_requests is not None and (not isinstance(max_requests, int) or max_requests < 0):
            raise ConfigError(f"--max-requests is {max_requests!r}: expected a whole number of 0 or more")
        if max_cost is not None and not (math.isfinite(max_cost) and max_cost >= 0):
            raise ConfigError(f"--max-cost is {max_cost!r}: expected a number of 0 or more")
        self.prices = prices or Prices()
        self.priced = self.prices != Prices()
        if max_cost is not None and not self.priced:
            raise ConfigError(
                f"--max-cost is {max_cost:g}, but without prices no cost is known: "
                "give --price-prompt and --price-completion, per million tokens, or limit the job with --max-requests"
            )
        self.max_requests, self.max_cost = max_requests, max_cost
        self._open: set[Reservation] = set()
        self._counts: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()
        self._fallbacks: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._exhausted: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()

    async def reserve(self, prompt_tokens: int, max_completion_tokens: int) -> Reservation:
        """Count a request that is about to be sent.

        A request that does not fit only because of the worst case of others in flight waits until they are settled;
        requests pass in the order they came.

        Args:
            prompt_tokens: Most tokens that the question can have.
            max_completion_tokens: Most tokens that the answer can have.

        Returns:
            What `settle` has to be given once the request is over, however it ended.

        Raises:
            BudgetError: The request does not fit into what is left of a limit; so will say every later call.
        """
        reservation = Reservation(prompt_tokens, max_completion_tokens)
        self._enter_running_loop()
        async with self._turn:
            while (problem := self._exhausted or self._obstacle(reservation)) is not None:
                if self._exhausted or not self._may_fit_later():
                    self._exhausted = problem
                    raise BudgetError(problem)
                self._settled.clear()
                await self._settled.wait()
            self._open.add(reservation)
            self._counts["requests"] += 1
            self._counts["reserved_prompt"] += prompt_tokens
            self._counts["reserved_completion"] += max_completion_tokens
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Replace the worst case of a request by what it used.

        Args:
            reservation: What `reserve` gave.
            usage: Tokens used; None if the request brought no answer, which counts as a request but costs nothing.

        Raises:
            ValueError: The reservation was settled before or is of another meter.
        """
        if reservation not in self._open:
            raise ValueError("this reservation is not open: settle each one once, with the meter that gave it")
        self._open.remove(reservation)
        self._counts["reserved_prompt"] -= reservation.prompt_tokens
        self._counts["reserved_completion"] -= reservation.completion_tokens
        if usage is not None:
            self._counts["answers"] += 1
            self._counts["prompt_tokens"] += usage.prompt_tokens
            self._counts["completion_tokens"] += usage.completion_tokens
            self._counts["estimated_usages"] += usage.estimated
        self._settled.set()

    def cached(self, usage: Usage) -> None:
        """Count an answer that came from the cache and costs nothing."""
        self._counts["cached"] += 1
        self._counts["cached_prompt_tokens"] += usage.prompt_tokens
        self._counts["cached_completion_tokens"] += usage.completion_tokens

    def retried(self, cause: str) -> None:
        """Count one more try of a request, by its cause, such as `429`."""
        self._retries[cause] += 1

    def fell_back(self, what: str) -> None:
        """Count a feature that the server refused, such as `json_schema`."""
        self._fallbacks[what] += 1

    def failed(self, kind: str) -> None:
        """Count a request that was given up, by its kind, such as `UnavailableError`."""
        self._failures[kind] += 1

    def totals(self) -> Totals:
        """Where the job stands: a snapshot that does not change any more."""
        count = self._counts
        return Totals(
            requests=count["requests"],
            in_flight=len(self._open),
            answers=count["answers"],
            cached=count["cached"],
            retries=MappingProxyType(dict(self._retries)),
            fallbacks=MappingProxyType(dict(self._fallbacks)),
            failures=MappingProxyType(dict(self._failures)),
            prompt_tokens=count["prompt_tokens"],
            completion_tokens=count["completion_tokens"],
            cached_prompt_tokens=count["cached_prompt_tokens"],
            cached_completion_tokens=count["cached_completion_tokens"],
            estimated_usages=count["estimated_usages"],
            cost=float(self._spent()),
        )

    def lines(self) -> list[str]:
        """Where the job stands, in a few lines for a person."""
        now = self.totals()
        lines = [
            f"requests: {now.requests:,} sent{_of(self.max_requests)}, {now.answers:,} answered; "
            f"from the cache: {now.cached:,}",
            f"tokens: {now.prompt_tokens:,} of questions, {now.completion_tokens:,} of answers"
            + (f" (estimated for {now.estimated_usages:,} answers)" if now.estimated_usages else ""),
            f"cost: {now.cost:,.4f}{_of(self.max_cost)}" if self.priced else "cost: unknown, no prices were given",
        ]
        for name, counts in (("retries", now.retries), ("fallbacks", now.fallbacks), ("failures", now.failures)):
            if counts:
                lines.append(f"{name}: " + ", ".join(f"{key} {counts[key]:,}" for key in sorted(counts)))
        return lines

    def _enter_running_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._turn, self._settled = loop, asyncio.Lock(), asyncio.Event()

    def _spent(self) -> Decimal:
        return self.prices.exact_cost(self._counts["prompt_tokens"], self._counts["completion_tokens"])

    def _may_fit_later(self) -> bool:
        return bool(self._open) and (self.max_requests is None or self._counts["requests"] < self.max_requests)

    def _obstacle(self, request: Reservation) -> str | None:
        if self.max_requests is not None and self._counts["requests"] >= self.max_requests:
            return (
                f"the job may send {self.max_requests:,} requests, and so many were sent: raise --max-requests to go on"
            )
        if self.max_cost is None:
            return None
        worst = self.prices.exact_cost(request.prompt_tokens, request.completion_tokens)
        spent, count = self._spent(), self._counts
        reserved = self.prices.exact_cost(count["reserved_prompt"], count["reserved_completion"])
        if spent + reserved + worst <= Decimal(str(float(self.max_cost))):
            return None
        return (
            f"the job may cost {self.max_cost:g}: {spent:.6f} is spent, and the next request, with up to "
            f"{request.prompt_tokens:,} tokens of question and {request.completion_tokens:,} of answer, "
            f"may cost {worst:.6f}: raise --max-cost to go on"
        )


def _of(limit: float | None) -> str:
    return "" if limit is None else f" of at most {limit:,}"
