"""Tokens without a tokenizer, and what a response says was used."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.llm.chat import ChatRequest, Message, Usage
from cacre.llm.usage import estimate_tokens, prompt_bound, prompt_estimate, read_answer, read_usage, upper_bound

REQUEST = ChatRequest((Message("user", "林知远"),), "model-a")


@pytest.mark.parametrize(
    ("text", "estimate", "bound"),
    [
        ("", 0, 0),
        ("林", 1, 1),
        ("林知远执导", 3, 5),
        ("abcdefghij", 3, 5),
        ("a", 1, 1),
        ("《雾中渡》2021", 5, 7),
        ("。，！", 2, 3),
        ("かな한글", 3, 4),
        ("\U00020000", 1, 1),
    ],
)
def test_estimates_worked_out_by_hand(text, estimate, bound):
    assert (estimate_tokens(text), upper_bound(text)) == (estimate, bound)


@given(st.text(), st.text())
def test_laws_of_the_estimates(left, right):
    assert 0 <= estimate_tokens(left) <= upper_bound(left) <= len(left)
    assert estimate_tokens(left + right) <= estimate_tokens(left) + estimate_tokens(right)
    assert upper_bound(left) <= upper_bound(left + right)


def test_a_question_counts_its_messages_and_its_schema():
    assert prompt_estimate(REQUEST) == 2 + 8
    assert prompt_bound(REQUEST) == 3 + 8
    forced = ChatRequest(REQUEST.messages, "model-a", json_schema={"type": "object"})
    assert prompt_bound(forced) > prompt_bound(REQUEST) and prompt_estimate(forced) == prompt_estimate(REQUEST)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "many",
        {},
        {"prompt_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": 1.5, "completion_tokens": 2},
        {"prompt_tokens": True, "completion_tokens": 2},
    ],
)
def test_usage_that_makes_no_sense_is_estimated(said):
    assert read_usage(said, REQUEST, "林知远执导") == Usage(10, 3, estimated=True)


def test_usage_that_was_said_counts():
    assert read_usage({"prompt_tokens": 7, "completion_tokens": 0}, REQUEST, "林") == Usage(7, 0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "message", "content", "logprobs", "token", "logprob", "usage", "type", "text"]
                ),
                x,
            )
        ),
    )
)
def test_any_json_is_an_answer_or_a_value_error(body):
    for whole in (
        body,
        {"choices": body},
        {"choices": [{"message": {"content": body}, "logprobs": body}], "usage": body},
    ):
        try:
            answer = read_answer(json.dumps(whole).encode(), REQUEST)
        except ValueError as error:
            assert "not a chat completion" in str(error)
        else:
            assert isinstance(answer.content, str)


@given(st.binary())
def test_any_bytes_are_a_value_error(body):
    with pytest.raises(ValueError, match="not a chat completion"):
        read_answer(body, REQUEST)
