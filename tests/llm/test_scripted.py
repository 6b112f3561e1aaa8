import asyncio
import doctest
import subprocess
import sys

import pytest

import cacre.llm
from cacre.errors import ConfigError, MissingExtraError
from cacre.llm import ChatAnswer, ChatRequest, Message, ScriptedLLM, Usage, scripted


def ask(content: str) -> ChatRequest:
    return ChatRequest((Message("system", "你是助手。"), Message("user", content)), model="test")


def test_the_example_in_the_docstring_works():
    outcome = doctest.testmod(scripted)
    assert outcome.attempted >= 8
    assert outcome.failed == 0


def test_replies_of_every_kind_in_order():
    whole = ChatAnswer("half", "m", "length", Usage(1, 2))

    async def main() -> None:
        async with ScriptedLLM("《长夜》", whole) as llm:
            llm.enqueue(ConnectionError("gone"), "last")
            assert llm.pending == 4
            assert await llm.chat(ask("一")) == ChatAnswer("《长夜》", "test", "stop", Usage(4, 2, estimated=True))
            assert await llm.chat(ask("二")) is whole
            with pytest.raises(ConnectionError, match="gone"):
                await llm.chat(ask("三"))
            assert (await llm.chat(ask("四"))).content == "last"
            assert llm.pending == 0
            assert llm.history == [ask(content) for content in "一二三四"]

    asyncio.run(main())


def test_concurrent_requests_get_replies_in_the_order_they_came():
    async def main() -> list[str]:
        llm = ScriptedLLM(*"abc")
        return [answer.content for answer in await asyncio.gather(*(llm.chat(ask(name)) for name in "xyz"))]

    assert asyncio.run(main()) == ["a", "b", "c"]


def test_running_out_says_what_was_asked_and_how_many_were_queued():
    async def main() -> None:
        llm = ScriptedLLM("only one")
        await llm.chat(ask("first"))
        with pytest.raises(AssertionError, match=r"request 2 has no reply: 1 were queued.*'second question") as caught:
            await llm.chat(ask("second question" + "很长" * 1000))
        assert len(str(caught.value)) < 250
        assert len(llm.history) == 2

    asyncio.run(main())


def test_a_function_answers_and_may_give_an_exception():
    async def main() -> None:
        llm = ScriptedLLM(answer=lambda request: ValueError("no") if "bad" in request.messages[-1].content else "yes")
        assert (await llm.chat(ask("good"))).content == "yes"
        with pytest.raises(ValueError, match="no"):
            await llm.chat(ask("bad"))

    asyncio.run(main())


def test_replies_and_a_function_exclude_each_other():
    with pytest.raises(ConfigError, match="1 replies and a function"):
        ScriptedLLM("x", answer=lambda request: "y")
    with pytest.raises(ConfigError, match="never be used"):
        ScriptedLLM(answer=lambda request: "y").enqueue("x")


def test_importing_what_tests_need_loads_no_client_library():
    script = (
        "import sys, cacre.llm; from cacre.llm import CachedLLM, ChatRequest, Meter, ScriptedLLM; "
        "heavy = {'openai', 'aiohttp', 'aiolimiter', 'tenacity', 'json_repair', 'torch', 'numpy'} & set(sys.modules); "
        "raise SystemExit(f'loaded {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_missing_client_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiolimiter", None)
    monkeypatch.delitem(sys.modules, "cacre.llm.limits", raising=False)
    with pytest.raises(MissingExtraError, match=r"cacre\[llm\]"):
        _ = cacre.llm.RateLimits


@pytest.mark.parametrize("name", cacre.llm.__all__)
def test_every_public_name_can_be_imported(name):
    assert getattr(cacre.llm, name).__name__ == name


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = cacre.llm.Nothing
