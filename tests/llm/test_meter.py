import asyncio
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import BudgetError, ConfigError
from cacre.llm import Meter, Prices, Usage


def within_seconds(main):
    """Run, but fail rather than hang."""

    async def limited():
        async with asyncio.timeout(10):
            return await main

    return asyncio.run(limited())


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_prices_must_be_finite_and_not_negative(price):
    with pytest.raises(ConfigError, match=f"completion tokens is {price}.*--price-completion"):
        Prices(completion=price)


def test_prices_are_per_million_tokens():
    assert Prices(prompt=2.0, completion=8.0).cost(Usage(1_000_000, 500_000)) == 6.0


@pytest.mark.parametrize("prices", [None, Prices()])
def test_a_limit_on_cost_needs_prices(prices):
    with pytest.raises(ConfigError, match=r"--max-cost is 3.*--price-prompt and --price-completion"):
        Meter(prices, max_cost=3.0)


@pytest.mark.parametrize("limits", [{"max_requests": -1}, {"max_requests": 1.5}, {"max_cost": float("nan")}])
def test_limits_must_be_numbers_of_zero_or_more(limits):
    name, value = next(iter(limits.items()))
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')} is {value}"):
        Meter(Prices(1.0), **limits)


@given(
    usages=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=50),
    prices=st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)),
)
def test_the_cost_is_that_of_the_token_totals_to_the_unit(usages, prices):
    prompt, completion = (price / 1000 for price in prices)  # prices with three decimals
    meter = Meter(Prices(prompt, completion))

    async def main() -> None:
        for asked, answered in usages:
            meter.settle(await meter.reserve(asked, answered + 1), Usage(asked, answered))

    asyncio.run(main())
    asked, answered = sum(usage[0] for usage in usages), sum(usage[1] for usage in usages)
    exact = Decimal(asked * prices[0] + answered * prices[1]) / 10**9
    totals = meter.totals()
    assert (totals.prompt_tokens, totals.completion_tokens, totals.cost) == (asked, answered, float(exact))


def test_many_small_costs_add_up_without_drift():
    meter = Meter(Prices(prompt=0.1, completion=0.3), max_cost=1.0)

    async def main() -> None:
        for _ in range(20_000):
            meter.settle(await meter.reserve(1, 1), Usage(1, 1))

    asyncio.run(main())
    assert meter.totals().cost == 0.008


def test_everything_is_counted_apart():
    meter = Meter(Prices(prompt=1.0, completion=10.0))

    async def main() -> None:
        meter.settle(await meter.reserve(10, 100), Usage(9, 20))
        meter.settle(await meter.reserve(10, 100), Usage(11, 30, estimated=True))
        meter.settle(await meter.reserve(10, 100), None)
        await meter.reserve(10, 100)

    asyncio.run(main())
    meter.cached(Usage(7, 8))
    for cause in ("429", "429", "timeout"):
        meter.retried(cause)
    meter.fell_back("json_schema")
    meter.failed("UnavailableError")
    totals = meter.totals()
    assert (totals.requests, totals.in_flight, totals.answers, totals.cached) == (4, 1, 2, 1)
    assert (totals.prompt_tokens, totals.completion_tokens, totals.estimated_usages) == (20, 50, 1)
    assert (totals.cached_prompt_tokens, totals.cached_completion_tokens) == (7, 8)
    assert totals.cost == 0.00052
    assert totals.retries == {"429": 2, "timeout": 1}
    assert totals.fallbacks == {"json_schema": 1}
    assert totals.failures == {"UnavailableError": 1}
    meter.retried("429")
    assert totals.retries["429"] == 2, "a snapshot must not change"


def test_lines_tell_a_person():
    meter = Meter(Prices(prompt=1.0, completion=10.0), max_requests=5000, max_cost=2.5)

    async def main() -> None:
        meter.settle(await meter.reserve(1200, 100), Usage(1200, 30, estimated=True))

    asyncio.run(main())
    meter.retried("timeout")
    meter.retried("429")
    assert meter.lines() == [
        "requests: 1 sent of at most 5,000, 1 answered; from the cache: 0",
        "tokens: 1,200 of questions, 30 of answers (estimated for 1 answers)",
        "cost: 0.0015 of at most 2.5",
        "retries: 429 1, timeout 1",
    ]
    assert Meter().lines()[2] == "cost: unknown, no prices were given"


def test_each_reservation_is_settled_once():
    meter, other = Meter(), Meter()

    async def main() -> None:
        reservation = await meter.reserve(1, 1)
        with pytest.raises(ValueError, match="not open"):
            other.settle(reservation, None)
        meter.settle(reservation, None)
        with pytest.raises(ValueError, match="settle each one once"):
            meter.settle(reservation, None)

    asyncio.run(main())


def test_the_limit_on_requests_counts_those_in_flight_and_does_not_wait():
    meter = Meter(max_requests=2)

    async def main() -> None:
        await meter.reserve(1, 1)
        meter.settle(await meter.reserve(1, 1), None)
        with pytest.raises(BudgetError, match=r"may send 2 requests.*--max-requests"):
            await meter.reserve(1, 1)

    within_seconds(main())
    assert meter.totals().requests == 2


def test_a_request_that_never_fits_is_refused_with_numbers():
    meter = Meter(Prices(prompt=1.0, completion=1.0), max_cost=0.001)

    async def main() -> None:
        meter.settle(await meter.reserve(500, 500), Usage(500, 100))
        with pytest.raises(BudgetError, match=r"0\.001: 0\.000600 is spent.*0\.000401.*--max-cost") as caught:
            await meter.reserve(201, 200)
        with pytest.raises(BudgetError, match=str(caught.value)[:40]):
            await meter.reserve(1, 1)  # this one would fit, but the job has stopped

    within_seconds(main())


def test_a_budget_can_be_spent_to_its_last_unit():
    meter = Meter(Prices(prompt=0.1, completion=0.2), max_cost=0.0000003)
    within_seconds(meter.reserve(1, 1))
    assert meter.totals().requests == 1


def test_a_request_waits_for_the_worst_case_of_others_and_then_fits():
    meter = Meter(Prices(prompt=1e6), max_cost=100)

    async def main() -> None:
        first = await meter.reserve(60, 0)
        second = asyncio.create_task(meter.reserve(60, 0))
        third = asyncio.create_task(meter.reserve(10, 0))
        await let_others_run()
        assert not second.done()
        assert not third.done(), "a small request must not overtake, or big ones would wait for ever"
        meter.settle(first, Usage(30, 0))
        await asyncio.gather(second, third)

    within_seconds(main())
    assert meter.totals().in_flight == 2


def test_all_that_wait_are_refused_once_one_is():
    meter = Meter(Prices(prompt=1e6), max_cost=100)

    async def main() -> list[object]:
        first = await meter.reserve(60, 0)
        waiting = [asyncio.create_task(meter.reserve(tokens, 0)) for tokens in (50, 1, 1)]
        await let_others_run()
        meter.settle(first, Usage(60, 0))
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(outcome) for outcome in within_seconds(main())] == [BudgetError] * 3


@pytest.mark.parametrize("cancelled", [0, 1])
def test_a_cancelled_wait_holds_nobody_up(cancelled):
    meter = Meter(Prices(prompt=1e6), max_cost=100)

    async def main() -> None:
        first = await meter.reserve(90, 0)
        waiting = [asyncio.create_task(meter.reserve(50, 0)) for _ in range(3)]
        await let_others_run()
        waiting.pop(cancelled).cancel()
        await let_others_run()
        meter.settle(first, Usage(0, 0))
        await asyncio.gather(*waiting)

    within_seconds(main())
    assert meter.totals().in_flight == 2


def test_a_meter_serves_one_event_loop_after_the_other():
    meter = Meter(Prices(prompt=1e6), max_cost=1000)

    async def send() -> None:
        reservation = await meter.reserve(600, 0)
        await asyncio.sleep(0)
        meter.settle(reservation, Usage(1, 0))

    async def main() -> None:
        await asyncio.gather(*(send() for _ in range(5)))

    for _ in range(2):
        within_seconds(main())
    assert meter.totals().cost == 10.0


@settings(max_examples=100)
@given(
    requests=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 3), st.booleans()), min_size=1, max_size=25
    ),
    max_cost=st.integers(0, 300),
)
def test_the_limit_on_cost_is_never_exceeded_and_nobody_hangs(requests, max_cost):
    meter = Meter(Prices(prompt=1e6, completion=2e6), max_cost=max_cost)

    async def send(asked: int, answered: int, turns: int, fails: bool) -> None:
        with suppress(BudgetError):
            reservation = await meter.reserve(asked, answered)
            for _ in range(turns):
                await asyncio.sleep(0)
            meter.settle(reservation, None if fails else Usage(asked, answered // 2))
            assert meter.totals().cost <= max_cost

    async def main() -> None:
        await asyncio.gather(*(send(*request) for request in requests))

    within_seconds(main())
    assert meter.totals().in_flight == 0
