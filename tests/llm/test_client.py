"""The client against a server on loopback, over real HTTP, with the real SDK: every way in which an LLM can fail."""

import asyncio
import json
from dataclasses import replace

import pytest

from cacre.errors import AccessError, ConfigError, RequestRefusedError, UnavailableError
from cacre.llm.chat import ChatRequest, Message, TokenLogprob, Usage
from cacre.llm.client import LONGEST_BODY, OpenAIClient
from cacre.llm.limits import RateLimits
from cacre.llm.meter import Meter
from cacre.llm.providers import load_provider
from cacre.llm.retry import RetryPolicy
from llm_server import LLMServer, Reply, error

QUICK = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.02, timeout=5.0)
KEY = "sk-not-a-real-key"
QUESTION = ChatRequest(
    (Message("system", "抽取三元组，输出 json。"), Message("user", "林知远执导了《雾中渡》。")), "model-a"
)
RICH = ChatRequest(
    QUESTION.messages, "model-a", answer_format="json_schema", json_schema={"type": "object"}, logprobs=True, seed=7
)


def ask(server, *requests, provider="custom", retry=QUICK, meter=None, concurrency=8, key=KEY):
    """Ask all at once; gives the answers, or raises the first error, and the totals of the meter."""
    meter = meter or Meter()

    async def run():
        limits = RateLimits(concurrency=concurrency)
        there = load_provider(provider, server.base_url)
        client = OpenAIClient(there, api_key=key, retry=retry, meter=meter, limits=limits)
        async with client:
            return await asyncio.gather(*(client.chat(request) for request in requests))

    return asyncio.run(run()), meter.totals()


def fail(kind, script, request=QUESTION, **options):
    """Ask what must fail; gives the message, the totals, and the server's calls."""
    meter = Meter()
    with LLMServer(script) as server:
        with pytest.raises(kind) as caught:
            ask(server, request, meter=meter, **options)
        assert KEY not in str(caught.value)
        return str(caught.value), meter.totals(), server.calls


def test_a_good_answer_comes_as_it_is():
    with LLMServer([Reply("好的", usage=(30, 4), model="model-a-0324", finish_reason="length")]) as server:
        (answer,), totals = ask(server, QUESTION)
    assert (answer.content, answer.model, answer.finish_reason) == ("好的", "model-a-0324", "length")
    assert answer.usage == Usage(30, 4) and answer.logprobs is None and not answer.cached
    assert (totals.requests, totals.answers, totals.retries) == (1, 1, {})
    call = server.calls[0]
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body["messages"][1] == {"role": "user", "content": "林知远执导了《雾中渡》。"}
    assert (call.body["model"], call.body["max_tokens"], call.body["temperature"]) == ("model-a", 2048, 0.0)


def test_the_body_holds_what_is_asked_for_and_extra_keys_win():
    with LLMServer() as server:
        ask(server, replace(RICH, extra_body={"seed": 8}))
    body = server.calls[0].body
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert (body["logprobs"], body["seed"]) == (True, 8)


def test_what_the_sdk_finds_in_the_environment_goes_to_no_server(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-of-another-server")
    with LLMServer() as server:
        ask(server, QUESTION, key=None)
    assert "sk-of-another-server" not in str(server.calls[0].headers)
    assert "authorization" not in server.calls[0].headers


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "check the key"),
        (error(403, "not for you"), "check the key"),
        (error(402, "Insufficient Balance"), "top up"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "top up"),
        (error(404, "no such page"), "base URL"),
        (error(404, "The model does not exist", code="model_not_found"), "name of the model"),
        (error(400, "Model Not Exist"), "name of the model"),
        (
            Reply(status=301, body=b"", headers={"location": "https://elsewhere.example/v1"}),
            "https://elsewhere.example",
        ),
    ],
)
def test_what_no_request_can_pass_ends_at_once(reply, expected):
    message, totals, calls = fail(AccessError, reply)
    assert expected in message and str(reply.status) in message and "custom (127.0.0.1:" in message
    assert len(calls) == totals.requests == 1 and totals.failures == {"AccessError": 1}


def test_a_refused_key_is_traced_to_its_variable(monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    message, _, _ = fail(AccessError, error(401, "no"), provider="deepseek")
    assert "came from DEEPSEEK_API_KEY" in message
    monkeypatch.delenv("DEEPSEEK_API_KEY")
    assert "the argument api_key" in fail(AccessError, error(401, "no"), provider="deepseek")[0]
    assert "CACRE_API_KEY" in fail(AccessError, error(401, "no"), key=None)[0]


def test_a_refused_request_is_not_sent_again_and_its_message_is_shortened():
    message, totals, _ = fail(RequestRefusedError, error(413, "too long " * 200))
    assert "413" in message and len(message) < 400
    assert totals.requests == 1 and totals.failures == {"RequestRefusedError": 1}


def test_a_refused_text_costs_nothing_more():
    message, totals, _ = fail(RequestRefusedError, error(400, "Content Exists Risk"), request=RICH)
    assert "Content Exists Risk" in message
    assert totals.requests == 1 and not totals.fallbacks


@pytest.mark.parametrize(
    "said",
    [
        'The model requires moderation on its maker\'s side. Your input was flagged for "violence".',
        "Request blocked by content policy",
        "Input data may contain inappropriate content.",
        "输入内容包含敏感信息，请修改后重试",
        "内容审核未通过",
        "提示词违规",
    ],
)
def test_a_403_about_one_text_does_not_end_the_job(said):
    message, totals, _ = fail(RequestRefusedError, error(403, said))
    assert "answered 403" in message and "check the key" not in message
    assert totals.requests == 1 and totals.failures == {"RequestRefusedError": 1}


@pytest.mark.parametrize(
    "said",
    [
        "Your account was flagged for a breach of our content policy",
        "您的账号因发布违规内容已被停用",
        "This key has no permission for the moderation models",
        "Content-Type not accepted",
        "余额不足",
    ],
)
def test_a_403_about_key_or_account_ends_it_whatever_else_it_speaks_of(said):
    assert "check the key" in fail(AccessError, error(403, said))[0]


@pytest.mark.parametrize("said", ["输入文本含有敏感词", "Your prompt was flagged by moderation"])
def test_a_400_about_the_text_is_not_tried_with_fewer_features(said):
    _, totals, _ = fail(RequestRefusedError, error(400, said), request=RICH)
    assert totals.requests == 1 and not totals.fallbacks


def refuse(*words):
    """A server that knows none of these words in a body; says which as long as it is asked."""

    def script(body, number):
        found = [word for word in words if word in json.dumps(body)]
        return error(400, f"Unknown parameter: {found[0]}") if found else Reply("好")

    return script


@pytest.mark.parametrize(
    ("words", "fallbacks"),
    [
        (["json_schema"], {"json_schema": 1}),
        (["response_format"], {"json_schema": 1, "json_object": 1}),
        (["logprobs"], {"logprobs": 1}),
        (["seed"], {"seed": 1}),
        (["temperature"], {"temperature": 1}),
        (["logprobs", "response_format", "seed"], {"logprobs": 1, "json_schema": 1, "json_object": 1, "seed": 1}),
    ],
)
def test_a_named_feature_is_dropped_once_and_for_all(words, fallbacks):
    with LLMServer(refuse(*words)) as server:
        meter = Meter()

        async def run():
            async with OpenAIClient(load_provider("custom", server.base_url), api_key=KEY, meter=meter) as client:
                return [(await client.chat(RICH)).content for _ in range(3)]

        assert asyncio.run(run()) == ["好"] * 3
    totals = meter.totals()
    assert totals.fallbacks == fallbacks and not totals.retries
    assert totals.requests == server.count == 3 + sum(fallbacks.values())


def test_the_thinking_switch_is_set_and_can_be_dropped():
    with LLMServer(refuse("thinking")) as server:
        _, totals = ask(server, QUESTION, provider="deepseek")
    assert server.calls[0].body["thinking"] == {"type": "disabled"} and "thinking" not in server.calls[1].body
    assert totals.fallbacks == {"thinking": 1}


def test_the_newer_name_of_max_tokens_is_learned():
    def script(body, number):
        asked = "max_tokens" in body
        return error(400, "'max_tokens' is not supported: use 'max_completion_tokens'") if asked else Reply("好")

    with LLMServer(script) as server:
        _, totals = ask(server, QUESTION)
    assert server.calls[1].body["max_completion_tokens"] == 2048
    assert totals.fallbacks == {"max_tokens": 1}


def test_without_a_name_features_are_dropped_in_order_until_it_passes():
    def script(body, number):
        return error(400, "bad request") if "json_schema" in json.dumps(body) else "好"

    with LLMServer(script) as server:
        _, totals = ask(server, RICH)
    assert totals.fallbacks == {"logprobs": 1, "json_schema": 1}
    assert server.calls[-1].body["response_format"] == {"type": "json_object"} and server.calls[-1].body["seed"] == 7


def test_guesses_that_did_not_help_are_not_kept():
    def script(body, number):
        return error(400, "bad request") if "坏" in body["messages"][-1]["content"] else "好"

    bad = ChatRequest((Message("user", "坏"),), "model-a", answer_format="json_object", logprobs=True)
    with LLMServer(script) as server:
        meter = Meter()

        async def run():
            async with OpenAIClient(load_provider("custom", server.base_url), api_key=KEY, meter=meter) as client:
                with pytest.raises(RequestRefusedError):
                    await client.chat(bad)
                await client.chat(RICH)
                before = server.count
                with pytest.raises(RequestRefusedError):
                    await client.chat(replace(RICH, messages=bad.messages))
                return server.count - before

        extra = asyncio.run(run())
    assert "json_schema" in json.dumps(server.calls[-1].body) and not meter.totals().fallbacks
    # By then a like request has passed, so that the features cannot be at fault.
    assert extra == 1


def test_a_server_that_refuses_everything_is_asked_seven_times_at_most():
    def script(body, number):
        return error(400, "temperature logprobs response_format seed thinking max_completion_tokens")

    _, totals, calls = fail(RequestRefusedError, script, request=RICH)
    assert len(calls) <= 7 and totals.requests == len(calls)


def test_concurrent_requests_learn_a_feature_once():
    with LLMServer(refuse("logprobs")) as server:
        answers, totals = ask(server, *[RICH] * 8, concurrency=4)
    assert len(answers) == 8 and totals.fallbacks == {"logprobs": 1}
    assert totals.requests == server.count <= 8 + 4


def test_missing_or_odd_usage_is_estimated():
    odd = json.dumps({"choices": [{"message": {"content": "好好好好好"}}], "usage": {"prompt_tokens": None}}).encode()
    with LLMServer([Reply("好好好好好", usage=None), Reply(body=odd)]) as server:
        answers, totals = ask(server, QUESTION, QUESTION)
    assert all(answer.usage.estimated and answer.usage.completion_tokens == 3 for answer in answers)
    assert answers[1].model == "model-a" and answers[1].finish_reason is None
    assert totals.estimated_usages == 2


def test_content_in_parts_refusals_and_thinking():
    parts = [{"type": "text", "text": "甲"}, {"type": "image_url"}, "乙", {"type": "text", "text": "丙"}]
    message = {"content": "答", "reasoning_content": "想"}
    thought = json.dumps({"choices": [{"message": message}]}).encode()
    with LLMServer([Reply(parts), Reply(None, refusal="不行"), Reply(body=thought)]) as server:
        answers, _ = ask(server, QUESTION, QUESTION, QUESTION, concurrency=1)
    assert [answer.content for answer in answers] == ["甲丙", "不行", "答"]


def test_log_probabilities_are_read_and_odd_ones_do_not_lose_the_answer():
    odd = b'{"choices": [{"message": {"content": "b"}, "logprobs": {"content": [{"token": "b"}]}}]}'
    infinite = (
        b'{"choices": [{"message": {"content": "b"}, "logprobs": {"content": [{"token": "b", "logprob": -Infinity}]}}]}'
    )
    with LLMServer([Reply("好", logprobs=[("好", -0.25)]), Reply(body=odd), Reply(body=infinite)]) as server:
        answers, _ = ask(server, RICH, RICH, RICH, concurrency=1)
    logprobs = [answer.logprobs for answer in answers]
    assert logprobs == [(TokenLogprob("好", -0.25),), None, (TokenLogprob("b", -9999.0),)]


def test_a_body_without_end_is_not_read():
    with (
        LLMServer(Reply(body=b" " * (LONGEST_BODY + 1))) as server,
        pytest.raises(UnavailableError, match="longer than"),
    ):
        ask(server, QUESTION, retry=RetryPolicy(attempts=1))


def test_half_a_surrogate_pair_is_refused_here():
    broken = ChatRequest((Message("user", "\ud83d"),), "model-a")
    _, _, calls = fail(RequestRefusedError, None, request=broken)
    assert not calls


def test_connections_are_kept_and_never_more_than_places():
    with LLMServer(Reply("好", delay=0.01)) as server:
        ask(server, *[QUESTION] * 40, concurrency=4)
        assert 1 <= server.connections <= 4


def test_a_client_serves_one_loop_after_the_other_until_it_is_closed():
    with LLMServer() as server:
        client = OpenAIClient(load_provider("custom", server.base_url), api_key=None)

        async def once():
            assert (await client.chat(QUESTION)).content
            await client.aclose()
            await client.aclose()

        asyncio.run(once())
        with pytest.raises(ConfigError, match="closed"):
            asyncio.run(client.chat(QUESTION))


def test_a_client_refuses_a_second_running_loop():
    with LLMServer() as server:
        client = OpenAIClient(load_provider("custom", server.base_url), api_key=None)

        async def outer():
            await client.chat(QUESTION)
            with pytest.raises(ConfigError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, client.chat(QUESTION))
            await client.aclose()

        asyncio.run(outer())
