"""Workers that share limits: together they keep to them, whoever is lost; no Ray here."""

import asyncio
import time

import pytest
from llm_workers import CountingServer, NearLink, shared_client

from cacre.batch.allowance import Allowance, Message, Spending
from cacre.batch.leases import Leases
from cacre.errors import BudgetError, CacreError
from cacre.llm import ChatRequest, Prices, RateLimits
from cacre.llm import Message as Turn
from cacre.llm.chat import Usage
from cacre.llm.usage import prompt_estimate
from llm_server import Reply, error


def questions(count, start=0):
    return [ChatRequest((Turn("user", f"问题{number}"),), "m", max_tokens=50) for number in range(start, start + count)]


def ask_from_two_workers(server, allowance, count, limits):
    """What becomes of `count` requests of each of two workers."""

    async def ask_all():
        clients = [shared_client(server, allowance, name, limits) for name in ("one", "two")]
        asked = [client.chat(one) for i, client in enumerate(clients, 1) for one in questions(count, 100 * i)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        for client in clients:
            await client._gate._leases.rest()
            await client.aclose()
        return outcomes

    return asyncio.run(ask_all())


def test_the_places_are_those_of_all_workers_together():
    limits = RateLimits(concurrency=3)
    allowance = Allowance(limits, Spending())
    with CountingServer() as server:
        outcomes = ask_from_two_workers(server, allowance, 12, limits)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert server.count == 24
    assert server.most <= 3
    assert allowance.meter.totals().answers == 24
    assert (allowance.meter.totals().prompt_tokens, allowance.meter.totals().completion_tokens) == tuple(server.tokens)


def test_the_rates_are_those_of_all_workers_together():
    """Fifteen requests a second, of which a second's worth may leave at once."""
    limits, start = RateLimits(64, requests_per_minute=900), time.monotonic()
    with CountingServer(0) as server:
        ask_from_two_workers(server, Allowance(limits, Spending()), 20, limits)
    assert server.count == 40
    assert all(number < 15 + 15 * (call.time - start) + 1 for number, call in enumerate(server.calls))


def test_tokens_that_an_answer_had_beyond_its_estimate_are_taken_from_the_limit_of_all():
    limits = RateLimits(1, tokens_per_minute=60_000)
    allowance = Allowance(limits, Spending())
    with CountingServer(0, lambda body, number: Reply(usage=(40, 20))) as server:
        ask_from_two_workers(server, allowance, 1, limits)
    # Of the first answer they were taken before the second request left.
    assert allowance._gate._owed == 60 - prompt_estimate(questions(1, 100)[0])


def test_no_request_leaves_beyond_the_limit_on_requests():
    limits = RateLimits(concurrency=4)
    allowance = Allowance(limits, Spending(max_requests=10))
    with CountingServer() as server:
        outcomes = ask_from_two_workers(server, allowance, 12, limits)
    assert server.count == 10
    assert sum(isinstance(outcome, BudgetError) for outcome in outcomes) == 14


def test_no_more_is_spent_than_the_limit_on_cost_and_no_place_is_lost():
    limits, prices = RateLimits(concurrency=4), Prices(1000, 1000)
    allowance = Allowance(limits, Spending(prices, max_cost=0.5))
    with CountingServer(reply=lambda body, number: Reply(usage=(9, 40))) as server:
        outcomes = ask_from_two_workers(server, allowance, 12, limits)
    spent = prices.cost(Usage(*server.tokens))
    assert 0.3 < spent <= 0.5
    assert spent == allowance.meter.totals().cost
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)} == {BudgetError}


def test_a_pause_that_one_worker_is_asked_for_is_one_for_all():
    limits = RateLimits(concurrency=1)
    allowance = Allowance(limits, Spending())
    refused = error(429, headers={"retry-after": "0.4"})
    with CountingServer(0, lambda body, number: refused if number == 0 else Reply()) as server:
        ask_from_two_workers(server, allowance, 2, limits)
    first, *later = server.calls
    assert all(call.time - first.time >= 0.4 for call in later)
    assert allowance.meter.totals().retries == {"429": 1}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def wants(allowance, name, *messages):
    await allowance.tell(name, messages)
    answers = await allowance.collect(name) or ()
    return sorted((answer.number, answer.refusal and answer.refusal[0]) for answer in answers)


def test_what_a_lost_worker_holds_is_given_back_and_its_requests_count_in_full():
    clock = Clock()
    allowance = Allowance(RateLimits(concurrency=2), Spending(Prices(1, 1), max_cost=1.0), 0.2, clock)

    async def lose_one():
        held = [Message("reserve", n, (100_000, 200_000)) for n in (1, 2)] + [Message("enter", n, (1,)) for n in (3, 4)]
        assert await wants(allowance, "one", *held) == [(n, None) for n in (1, 2, 3, 4)]
        assert await wants(allowance, "two", Message("enter", 1, (1,))) == []
        clock.now = 0.15
        assert await allowance.collect("two") == []
        clock.now = 0.3  # the second is still heard of, the first is not
        answers = await allowance.collect("two") or await allowance.collect("two")
        assert [answer.number for answer in answers] == [1]
        assert allowance.meter.totals().cost == pytest.approx(0.6)
        assert await wants(allowance, "two", Message("reserve", 2, (500_000, 0))) == [(2, "BudgetError")]
        await allowance.tell("one", [Message("settle", 1, (Usage(1, 1),)), Message("leave", 3)])  # too late
        assert allowance.meter.totals().cost == pytest.approx(0.6)
        lines = await allowance.close(0)
        assert "lost with their workers: 2 requests, counted with the most they can cost" in lines

    asyncio.run(lose_one())


def test_a_worker_that_only_was_slow_says_again_what_it_wants():
    clock = Clock()
    allowance = Allowance(RateLimits(concurrency=1), Spending(), 0.2, clock)

    async def be_slow():
        assert await wants(allowance, "other", Message("enter", 1, (1,))) == [(1, None)]
        slow = Leases(NearLink(allowance, "slow"))
        waiting = asyncio.create_task(slow.want("enter", 1))
        await asyncio.sleep(0.01)
        allowance._workers["slow"].seen = -1.0
        await allowance.tell("other", [])
        assert "slow" not in allowance._workers
        await allowance.tell("other", [Message("leave", 1)])
        await waiting
        assert list(allowance._workers["slow"].places)

    asyncio.run(be_slow())


def test_a_job_that_stops_lets_nothing_leave_and_waits_for_what_is_on_its_way():
    allowance = Allowance(RateLimits(concurrency=1), Spending())

    async def stop():
        assert await wants(allowance, "one", Message("enter", 1, (1,))) == [(1, None)]
        await allowance.tell("one", [Message("enter", 2, (1,))])
        closing = asyncio.create_task(allowance.close(10))
        await asyncio.sleep(0.1)
        assert not closing.done()
        refused = [(2, "CacreError"), (3, "CacreError")]
        assert await wants(allowance, "one", Message("reserve", 3, (1, 1))) in (refused, refused[:1])
        await allowance.tell("one", [Message("leave", 1)])
        await closing

    asyncio.run(stop())


def test_who_cannot_reach_the_limits_waits_for_nothing():
    class Cut:
        async def tell(self, messages):
            raise CacreError("the process that holds the limits is lost")

        async def collect(self):
            raise AssertionError("nothing was wanted")

    with pytest.raises(CacreError, match="is lost"):
        asyncio.run(Leases(Cut()).want("enter", 1))
