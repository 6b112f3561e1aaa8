"""What the cache answers, and when it asks."""

import asyncio
from contextlib import suppress

import pytest

from cacre.errors import CacheMissError, CacreError, ConfigError, UnavailableError
from cacre.llm import CachedLLM, ChatAnswer, ChatRequest, Message, Meter, ScriptedLLM, Usage
from cacre.llm.chat import TokenLogprob


def ask(content: str = "谁导演了《长夜》？", **fields) -> ChatRequest:
    return ChatRequest((Message("user", content),), model="test", **fields)


def echo() -> ScriptedLLM:
    return ScriptedLLM(answer=lambda request: request.messages[-1].content)


def within_seconds(main):
    """Run, but fail rather than hang."""

    async def limited():
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(limited())


class SlowLLM:
    """Holds every request until it is let go, then answers, fails or gives nothing as told."""

    base_url = "slow://"

    def __init__(self, *outcomes) -> None:
        self.outcomes, self.calls, self.go = list(outcomes), 0, asyncio.Event()

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        self.calls += 1
        outcome = self.outcomes.pop(0)
        await self.go.wait()
        if isinstance(outcome, Exception):
            raise outcome
        return ChatAnswer(outcome, request.model, "stop", Usage(3, 4))

    async def aclose(self) -> None:
        pass


def test_an_answer_is_paid_for_once_and_comes_back_whole(tmp_path):
    answer = ChatAnswer(
        '{"triples": [["长夜", "导演", "李默"]]}\n\x00😀',
        "test-2",
        "length",
        Usage(12, 34, estimated=True),
        (TokenLogprob("{", -0.1), TokenLogprob("长", float("-inf")), TokenLogprob("\ud83d", 0.0)),
    )
    path, meter = tmp_path / "new" / "cache.sqlite", Meter()

    async def main() -> None:
        async with CachedLLM(ScriptedLLM(answer), path, meter=meter) as llm:
            assert llm.lookup(ask()) is None
            assert await llm.chat(ask()) == answer
            assert (await llm.chat(ask())).cached
        async with CachedLLM(ScriptedLLM(), path, meter=meter) as llm:
            again = await llm.chat(ask())
            assert again.cached
            assert again == llm.lookup(ask())
            assert (again.content, again.model, again.finish_reason) == (answer.content, "test-2", "length")
            assert (again.usage, again.logprobs) == (answer.usage, answer.logprobs)
            assert len(llm) == 1

    asyncio.run(main())
    totals = meter.totals()
    assert (totals.cached, totals.cached_prompt_tokens, totals.cached_completion_tokens) == (2, 24, 68)
    assert (totals.requests, totals.answers, totals.cost) == (0, 0, 0.0)


def test_requests_that_differ_are_asked_apart(tmp_path):
    requests = [ask(), ask("别的"), ask(sample=1), ask(temperature=0.5), ask(logprobs=True), ask(extra_body={"a": 1})]

    async def main() -> None:
        inner = echo()
        async with CachedLLM(inner, tmp_path / "c") as llm:
            for request in requests * 2:
                await llm.chat(request)
            assert len(inner.history) == len(llm) == len(requests)

    asyncio.run(main())


def test_answers_of_another_server_are_not_used(tmp_path):
    async def main() -> None:
        async with CachedLLM(echo(), tmp_path / "c") as llm:
            await llm.chat(ask())
        other = SlowLLM("other")
        other.go.set()
        async with CachedLLM(other, tmp_path / "c") as llm:
            assert llm.base_url == "slow://"
            assert (await llm.chat(ask())).content == "other"

    asyncio.run(main())


def test_empty_answers_are_not_kept_and_cut_off_ones_are(tmp_path):
    async def main() -> None:
        inner = ScriptedLLM("", " \n", ChatAnswer("half", "m", "length", Usage(1, 1)))
        async with CachedLLM(inner, tmp_path / "c") as llm:
            assert [(await llm.chat(ask())).content for _ in range(4)] == ["", " \n", "half", "half"]
            assert inner.pending == 0

    asyncio.run(main())


def test_errors_are_not_kept(tmp_path):
    async def main() -> None:
        async with CachedLLM(ScriptedLLM(UnavailableError("busy"), "good"), tmp_path / "c") as llm:
            with pytest.raises(UnavailableError):
                await llm.chat(ask())
            assert (await llm.chat(ask())).content == "good"

    asyncio.run(main())


def test_offline_replays_and_never_asks(tmp_path):
    path = tmp_path / "c"

    async def main() -> None:
        async with CachedLLM(echo(), path) as llm:
            await llm.chat(ask())
        inner = echo()
        async with CachedLLM(inner, path, offline=True) as llm:
            assert (await llm.chat(ask())).cached
            with pytest.raises(CacheMissError, match=rf"{path}.*--offline was given"):
                await llm.chat(ask("something new"))
        assert inner.history == []

    asyncio.run(main())


def test_offline_without_a_file_is_refused_and_creates_none(tmp_path):
    with pytest.raises(ConfigError, match="absent: no such cache, and --offline"):
        CachedLLM(echo(), tmp_path / "absent", offline=True)
    assert list(tmp_path.iterdir()) == []


def test_equal_requests_at_the_same_time_are_sent_once(tmp_path):
    meter = Meter()

    async def main() -> None:
        inner = SlowLLM("one", "two")
        async with CachedLLM(inner, tmp_path / "c", meter=meter) as llm:
            tasks = [asyncio.create_task(llm.chat(ask(name))) for name in ("a", "a", "a", "b")]
            await asyncio.sleep(0)
            inner.go.set()
            answers = await asyncio.gather(*tasks)
            assert [answer.content for answer in answers] == ["one", "one", "one", "two"]
            assert [answer.cached for answer in answers] == [False, True, True, False]
            assert inner.calls == 2

    within_seconds(main())
    assert meter.totals().cached == 2


def test_those_who_wait_get_the_error_of_the_one_that_was_sent(tmp_path):
    async def main() -> None:
        inner = SlowLLM(UnavailableError("busy"))
        async with CachedLLM(inner, tmp_path / "c") as llm:
            tasks = [asyncio.create_task(llm.chat(ask())) for _ in range(3)]
            await asyncio.sleep(0)
            inner.go.set()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [str(outcome) for outcome in outcomes] == ["busy"] * 3
            assert inner.calls == 1

    within_seconds(main())


@pytest.mark.parametrize("cancelled", [0, 1])
def test_a_cancelled_request_leaves_the_others_an_answer(tmp_path, cancelled):
    async def main() -> None:
        inner = SlowLLM("one", "two")
        async with CachedLLM(inner, tmp_path / "c") as llm:
            tasks = [asyncio.create_task(llm.chat(ask())) for _ in range(4)]
            await asyncio.sleep(0)
            gone = tasks.pop(cancelled)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            inner.go.set()
            answers = await asyncio.gather(*tasks)
            # The one that was sent was cancelled: one of those who waited sends it again.
            assert {answer.content for answer in answers} == {"two" if cancelled == 0 else "one"}
            assert inner.calls == (2 if cancelled == 0 else 1)

    within_seconds(main())


def test_a_mistake_inside_the_llm_leaves_the_others_an_answer(tmp_path):
    async def main() -> None:
        inner = SlowLLM(ZeroDivisionError("mistake"), "good")
        async with CachedLLM(inner, tmp_path / "c") as llm:
            tasks = [asyncio.create_task(llm.chat(ask())) for _ in range(3)]
            await asyncio.sleep(0)
            inner.go.set()
            first, *others = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(first, ZeroDivisionError)
            assert [answer.content for answer in others] == ["good", "good"]

    within_seconds(main())


def test_closing_twice_is_fine_and_using_it_then_is_not(tmp_path):
    class Closing(SlowLLM):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    async def main() -> None:
        inner = Closing()
        llm = CachedLLM(inner, tmp_path / "c")
        await llm.aclose()
        await llm.aclose()
        assert inner.closed == 1
        for use in (lambda: len(llm), lambda: llm.lookup(ask())):
            with pytest.raises(CacreError, match="this cache was closed"):
                use()
        with pytest.raises(CacreError, match="this cache was closed"):
            await llm.chat(ask())

    asyncio.run(main())


def test_a_cache_may_be_used_in_one_event_loop_after_the_other(tmp_path):
    llm = CachedLLM(echo(), tmp_path / "c")

    async def main() -> None:
        await asyncio.gather(*(llm.chat(ask()) for _ in range(3)))

    for _ in range(2):
        asyncio.run(main())
    assert len(llm) == 1
    asyncio.run(llm.aclose())
