"""When a request is tried again, and how long that takes: by itself, and over real HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_client import QUESTION, QUICK, RICH, ask, fail

from cacre.errors import AccessError, BudgetError, ConfigError, RequestRefusedError, UnavailableError
from cacre.llm.chat import ChatAnswer, Usage
from cacre.llm.meter import Meter, Prices
from cacre.llm.retry import (
    AttemptError,
    FeatureRefusedError,
    RetryPolicy,
    broken,
    named_feature,
    refusal,
    requested_pause,
    server_message,
    with_retries,
)
from llm_server import LLMServer, Reply, error

ANSWER = ChatAnswer("好", "model-a", "stop", Usage(1, 1))


def try_until(outcomes, policy=QUICK):
    """Run through outcomes, errors among them; gives the result and the causes of the further tries."""
    left, causes = list(outcomes), []

    async def attempt():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return asyncio.run(with_retries(policy, attempt, causes.append, "a server")), causes


@pytest.mark.parametrize(
    "bad", [{"attempts": 0}, {"first_wait": -1.0}, {"longest_wait": float("inf")}, {"timeout": 0.0}]
)
def test_a_policy_out_of_range_is_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        RetryPolicy(**bad)


def test_the_first_answer_ends_the_tries():
    faults = [AttemptError("timeout", "late"), AttemptError("5xx", "oops", pause=0.01)]
    assert try_until([*faults, ANSWER, AssertionError()]) == (ANSWER, ["timeout", "5xx"])


@pytest.mark.parametrize("other", [AccessError("no"), RequestRefusedError("no", 400), ValueError("a bug")])
def test_other_errors_pass_at_once(other):
    with pytest.raises(type(other)):
        try_until([other, ANSWER])


def test_one_try_is_one_try():
    with pytest.raises(UnavailableError, match="in 1 try, last cause 429: full"):
        try_until([AttemptError("429", "full")], RetryPolicy(attempts=1))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"x-ratelimit-reset": "60"}, None),
    ],
)
def test_what_a_server_asks_for(headers, seconds):
    assert requested_pause(headers) == seconds


def test_a_date_to_come_is_so_many_seconds_away():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 60 < requested_pause({"retry-after": date}) <= 90


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text()))
def test_no_header_breaks_the_reading_of_pauses(headers):
    pause = requested_pause(headers)
    assert pause is None or 0 <= pause < float("inf")


@given(st.integers(300, 599), st.text(max_size=50), st.dictionaries(st.just("retry-after"), st.text(max_size=9)))
def test_every_status_means_something(status, said, headers):
    meaning = refusal(status, headers, said, "a server")
    is_transient = status in (408, 409, 429) or status >= 500
    assert isinstance(meaning, AttemptError | AccessError if is_transient else AccessError | RequestRefusedError)
    assert isinstance(meaning, FeatureRefusedError) == (status in (400, 422))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "no message"),
        ("<html>\n  bad\tgateway", "<html> bad gateway"),
        ({"message": "no such thing", "code": "x1", "param": "seed"}, "no such thing; code x1; param seed"),
        ({"error": {"message": "inner"}}, "inner"),
        ({"error": "plain"}, "plain"),
        ({"detail": "not found"}, "not found"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "wrong", "input": "用户的文本"}]}, "['body', 'seed']: wrong"),
        ({"error_code": 17, "error_msg": "daily limit"}, "daily limit"),
        ({}, "no message"),
        ({"error": " \r\n"}, "no message"),
    ],
)
def test_what_refusals_say(body, message):
    assert server_message(body) == message


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_body_breaks_the_reading_of_refusals(body):
    assert server_message({"error": body, "detail": body})
    assert server_message({"detail": body, "message": body})


def test_features_are_named_only_if_used_and_only_at_the_beginning():
    used = ("logprobs", "json_object", "temperature")
    assert named_feature("response_format.type is invalid", used) == "json_object"
    assert named_feature("Temperature must be above 0", used) == "temperature"
    assert named_feature("unknown parameter seed", used) is None
    assert named_feature("bad input: " + "x" * 600 + " temperature", used) is None


def test_a_time_out_is_told_from_a_dropped_connection_however_it_is_wrapped():
    try:
        try:
            raise TimeoutError
        except TimeoutError as error:
            raise OSError("cannot connect") from error
    except OSError as error:
        assert broken(error).cause == "timeout"
    assert broken(ConnectionResetError("reset")).cause == "connection"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (error(429, "slow down", headers={"retry-after": "0.01"}), "429"),
        (error(500, "oops"), "5xx"),
        (error(503, "busy", headers={"retry-after-ms": "10"}), "5xx"),
        (error(408, "late"), "408"),
        (error(409, "conflict"), "409"),
        (Reply(delay=2.0), "timeout"),
        (Reply(trickle=2.0), "timeout"),
        (Reply(drop="before"), "connection"),
        (Reply(drop="middle"), "connection"),
        (Reply(body=b"<html>bad gateway</html>", headers={"content-type": "text/html"}), "malformed"),
        (Reply(body=b"this is no json"), "malformed"),
        (Reply(body=b'{"choices": "none"}'), "malformed"),
        (Reply(body=b'{"choices": []}'), "malformed"),
        (Reply(body=b'{"error": {"message": "overloaded"}}'), "malformed"),
        (Reply(body=b'{"choices": [{"message": {"cont'), "malformed"),
        (Reply(body=b""), "malformed"),
        (Reply(""), "empty"),
        (Reply(" \n"), "empty"),
        (Reply(None), "empty"),
    ],
)
def test_a_fault_is_tried_again_and_counted(reply, cause):
    retry = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.02, timeout=0.5)
    with LLMServer([reply, reply, "好"]) as server:
        (answer,), totals = ask(server, QUESTION, retry=retry)
        assert answer.content == "好"
        assert server.count == totals.requests == 3
    assert totals.retries == {cause: 2} and not totals.failures
    assert totals.answers == (3 if cause == "empty" else 1)


def test_after_the_last_try_the_message_says_how_many_there_were_and_why():
    message, totals, calls = fail(UnavailableError, error(500, "the cat is on the keyboard"))
    assert "3 tries" in message and "5xx" in message and "the cat is on the keyboard" in message
    assert (len(calls), totals.requests, totals.answers) == (3, 3, 0)
    assert totals.retries == {"5xx": 2} and totals.failures == {"UnavailableError": 1}


def test_nothing_listens():
    with LLMServer() as server:
        pass
    with pytest.raises(UnavailableError, match="3 tries, last cause connection"):
        ask(server, QUESTION)


def test_an_answer_that_stays_empty_is_given_and_paid_each_time():
    with LLMServer(Reply("", usage=(10, 1))) as server:
        (answer,), totals = ask(server, QUESTION)
    assert answer.content == ""
    assert (totals.answers, totals.prompt_tokens, totals.completion_tokens) == (3, 30, 3)
    assert not totals.failures


def test_an_empty_answer_that_was_cut_off_is_not_asked_for_again():
    with LLMServer(Reply("", finish_reason="length")) as server:
        (answer,), totals = ask(server, QUESTION)
    assert (answer.finish_reason, totals.requests) == ("length", 1)


def test_a_pause_that_is_too_long_is_not_waited_for():
    message, totals, _ = fail(UnavailableError, error(429, "come back", headers={"retry-after": "86400"}))
    assert "86400 s" in message and "600 s" in message
    assert totals.requests == 1


def test_a_pause_holds_up_the_other_requests_too():
    def script(body, number):
        return error(429, "slow down", headers={"retry-after": "0.4"}) if number == 0 else "好"

    with LLMServer(script) as server:
        ask(server, QUESTION, QUESTION, concurrency=1)
        first, *later = [call.time for call in server.calls]
    # The second request waits for its place at the gate, so that without the pause it would follow at once.
    assert len(later) == 2 and min(later) - first >= 0.39


def test_every_try_is_counted_and_every_answer_paid_to_the_unit():
    script = [error(500), Reply(drop="before"), "", error(400, "logprobs"), Reply("好", usage=(1000, 10))]
    script[2] = Reply("", usage=(100, 1))
    meter = Meter(Prices(prompt=2.0, completion=8.0), max_requests=10)
    with LLMServer(script) as server:
        _, totals = ask(server, RICH, meter=meter, retry=RetryPolicy(attempts=5, first_wait=0.01))
        assert server.count == totals.requests == 5
    assert (totals.prompt_tokens, totals.completion_tokens, totals.in_flight) == (1100, 11, 0)
    assert totals.cost == (2 * 1100 + 8 * 11) / 1e6


def test_retries_stop_at_the_budget():
    meter = Meter(max_requests=2)
    with LLMServer(error(500)) as server, pytest.raises(BudgetError):
        ask(server, QUESTION, meter=meter)
    assert server.count == 2 and not meter.totals().failures
