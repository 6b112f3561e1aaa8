"""The gate, in an event loop whose clock only moves while everybody waits, so that times are exact."""

import asyncio
import selectors
from collections.abc import Coroutine
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import ConfigError
from cacre.llm import RateLimits
from cacre.llm.limits import Gate


class PatientSelector(selectors.DefaultSelector):
    """Moves the clock instead of waiting, and by a microsecond each turn, because no clock stands still."""

    now = 0.0

    def select(self, timeout: float | None = None):
        if timeout is None:
            raise AssertionError("everybody waits for ever")
        self.now += max(0.0, timeout) + 1e-6
        return super().select(0)


class PatientLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._patient = PatientSelector()
        super().__init__(self._patient)

    def time(self) -> float:
        return self._patient.now


def run(main: Coroutine) -> object:
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Seconds since the loop began, without the microseconds of its turns."""
    return round(asyncio.get_running_loop().time(), 2)


def entry_times(limits: RateLimits, tokens: list[int], held: float = 0.0) -> list[float]:
    """When each of many requests that come at once enters; each stays for `held` seconds."""

    async def main() -> list[float]:
        gate, times = Gate(limits), [-1.0] * len(tokens)

        async def enter(index: int) -> None:
            async with gate.slot(tokens[index]):
                times[index] = now()
                await asyncio.sleep(held)

        await asyncio.gather(*(enter(index) for index in range(len(tokens))))
        return times

    return run(main())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("concurrency", 0),
        ("concurrency", 2.5),
        ("requests_per_minute", 0),
        ("requests_per_minute", float("nan")),
        ("tokens_per_minute", -1.0),
        ("tokens_per_minute", float("inf")),
    ],
)
def test_limits_that_are_no_positive_numbers_are_refused(field, value):
    with pytest.raises(ConfigError, match=f"{field} is {value}"):
        RateLimits(**{field: value})


def test_without_rates_all_enter_at_once():
    assert entry_times(RateLimits(concurrency=50), [1000] * 50) == [0.0] * 50


def test_concurrency_is_never_exceeded_and_always_used():
    assert entry_times(RateLimits(concurrency=3), [1] * 7, held=2.0) == [0.0] * 3 + [2.0] * 3 + [4.0]


def test_requests_are_paced_and_no_minute_bursts():
    times = entry_times(RateLimits(concurrency=1000, requests_per_minute=600), [1] * 100)
    assert times == sorted(times)
    assert sum(time == 0.0 for time in times) == 10  # one second's worth
    assert times[-1] == 9.0


def test_slow_rates_let_one_request_in_at_a_time():
    times = entry_times(RateLimits(concurrency=1000, requests_per_minute=3), [1] * 4)
    assert times == [0.0, 20.0, 40.0, 60.0]


def test_tokens_are_limited_whatever_the_size_of_a_request():
    times = entry_times(RateLimits(concurrency=10, tokens_per_minute=6000), [100, 50, 250, 3000, 0, 100])
    assert times == [0.0, 0.5, 3.0, 33.0, 33.0, 34.0]


def test_a_request_above_a_whole_minute_of_tokens_waits_a_minute_and_enters():
    assert entry_times(RateLimits(tokens_per_minute=60), [10**9, 1]) == [59.0, 60.0]


@settings(max_examples=50)
@given(
    tokens=st.lists(st.integers(0, 500), min_size=1, max_size=20),
    per_minute=st.floats(20, 2000),
    concurrency=st.integers(1, 5),
)
def test_no_more_tokens_leave_than_the_rate_and_one_burst_allow(tokens, per_minute, concurrency):
    times = entry_times(RateLimits(concurrency=concurrency, tokens_per_minute=per_minute), tokens)
    asked = [min(count, per_minute) for count in tokens]
    burst = max(1.0, per_minute / 60)
    assert times == sorted(times)
    for first in range(len(times)):
        for last in range(first, len(times)):
            # The first one may have drawn most of its tokens before it entered.
            within = sum(asked[first + 1 : last + 1])
            assert within <= burst + (times[last] - times[first] + 0.02) * per_minute / 60


def test_tokens_beyond_the_estimate_delay_the_next_request_and_not_the_caller():
    async def main() -> None:
        gate = Gate(RateLimits(tokens_per_minute=60))
        async with gate.slot(1):
            pass
        await gate.settle(estimated=1, used=11)
        assert now() == 0.0
        async with gate.slot(1):
            assert now() == 11.0
        await gate.settle(estimated=1, used=0)
        async with gate.slot(1):
            assert now() == 12.0

    run(main())


def test_a_pause_concerns_those_who_wait_already_and_the_longest_one_holds():
    async def main() -> None:
        gate, entered = Gate(RateLimits(requests_per_minute=60)), []

        async def enter() -> None:
            async with gate.slot(1):
                entered.append(now())

        waiting = [asyncio.create_task(enter()) for _ in range(3)]
        await asyncio.sleep(0.5)
        gate.hold(10.0)
        gate.hold(2.0)
        gate.hold(float("nan"))
        await asyncio.sleep(5.0)
        gate.hold(7.0)
        await asyncio.gather(*waiting)
        # The second one had its turn when the pause began; after it they are paced again.
        assert entered == [0.0, 12.5, 12.5]

    run(main())


def test_a_cancelled_wait_gives_its_place_to_the_next():
    async def main() -> None:
        gate = Gate(RateLimits(concurrency=1, tokens_per_minute=60))
        async with gate.slot(1):
            pass

        async def enter(tokens: int) -> float:
            async with gate.slot(tokens):
                return now()

        big, small = asyncio.create_task(enter(50)), asyncio.create_task(enter(1))
        await asyncio.sleep(0.5)
        big.cancel()
        with suppress(asyncio.CancelledError):
            await big
        assert await small == 1.0

    run(main())


def test_a_failing_request_leaves_its_place():
    async def main() -> None:
        gate = Gate(RateLimits(concurrency=1))
        for _ in range(3):
            with pytest.raises(ConnectionError):
                async with gate.slot(1):
                    raise ConnectionError

    run(main())


def test_a_gate_serves_one_event_loop_after_the_other():
    gate = Gate(RateLimits(concurrency=1, requests_per_minute=6000, tokens_per_minute=60000))

    async def enter() -> None:
        async with gate.slot(10):
            await asyncio.sleep(0.001)

    async def main() -> None:
        await asyncio.gather(*(enter() for _ in range(3)))

    for _ in range(2):
        asyncio.run(main())
