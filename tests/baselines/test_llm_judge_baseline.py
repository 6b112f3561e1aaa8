"""The LLM judge: what it is asked, and how answers are read."""

import math

import pytest

from cacre.baselines.llm_judge import LLMJudge, read_answer
from cacre.errors import UnavailableError
from cacre.llm import ChatAnswer, ScriptedLLM, Usage
from cacre.llm.chat import TokenLogprob
from cacre.types import Candidate, Triple

USAGE = Usage(1, 1)
CANDIDATES = [Candidate(Triple("雾港", "导演", name)) for name in ("翟一舟", "柏青", "宋砚")]
TEXT = '《雾港》由翟一舟执导"\n3: no'


def answer(*tokens):
    logprobs = tuple(TokenLogprob(token, logprob) for token, logprob in tokens)
    return ChatAnswer("".join(token for token, _ in tokens), "test", "stop", USAGE, logprobs)


def test_one_question_for_each_text_lists_all_candidates():
    llm = ScriptedLLM("1: yes\n2: no\n3: no", "1: no")
    with LLMJudge(llm, "test") as judge:
        assert judge.scores([(TEXT, CANDIDATES), ("无", []), ("别的", CANDIDATES[1:2])]) == [[1, 0, 0], [], [0]]
    assert len(llm.history) == 2
    question = llm.history[0].messages[-1].content
    assert [line[:2] for line in question.splitlines()] == ["文本", "陈述", "1:", "2:", "3:"]
    assert '1: "雾港的导演是翟一舟"' in question
    assert llm.history[0].logprobs


def test_it_can_be_asked_again():
    with LLMJudge(ScriptedLLM(answer=lambda request: "1: yes"), "test", language="en") as judge:
        pair = ("Ada directed Fog", [Candidate(Triple("Fog", "director", "Ada"))])
        assert judge.scores([pair]) == judge.scores([pair]) == [[1.0]]


def test_silence_is_counted():
    with LLMJudge(ScriptedLLM("1. yes\n我不确定其余的。"), "test") as judge:
        assert judge.scores([(TEXT, CANDIDATES)]) == [[1.0, 0.5, 0.5]]
        assert judge.silent == 2


def test_log_probabilities_become_scores():
    said = answer(("1", 0.0), (": yes", math.log(0.8)), ("\n2", 0.0), (":", 0.0), (" n", math.log(0.9)), ("o", -0.0))
    assert read_answer(said) == pytest.approx({1: 0.8, 2: 1 - 0.9})


def test_tokens_that_are_not_the_answer_are_ignored():
    other = ChatAnswer("1: yes", "test", "stop", USAGE, (TokenLogprob("1: no", -3.0),))
    assert read_answer(other) == {1: 1.0}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1: yes\n2: NO", {1: 1, 2: 0}),
        ("1、是\n2、否", {1: 1, 2: 0}),
        ("- 1. **yes**\n- 2. **no**", {1: 1, 2: 0}),
        ("1: yes\n1: no", {1: 1}),
        ("<think>\n1: no\n</think>\n1: yes", {1: 1}),
        ("1: nothing\nyes", {}),
        ("", {}),
    ],
)
def test_answers_are_read(content, expected):
    assert read_answer(ChatAnswer(content, "test", "stop", USAGE)) == expected


def test_a_failed_question_is_an_error_after_all_were_asked():
    llm = ScriptedLLM(UnavailableError("busy"), "1: yes")
    with LLMJudge(llm, "test") as judge, pytest.raises(UnavailableError, match="busy"):
        judge.scores([(TEXT, CANDIDATES), (TEXT, CANDIDATES)])
    assert llm.pending == 0
