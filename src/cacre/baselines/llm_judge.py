"""An LLM that is asked, text by text, which candidates the text says."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from cacre.baselines.protocol import Needs, Pairs, verbalise
from cacre.evaluation.labelled_scores import LabelledText
from cacre.llm.chat import LLM, ChatAnswer, ChatRequest, Message, TokenLogprob
from cacre.types import Candidate

SILENT = 0.5
"""Score of a candidate about which the answer says nothing."""
_TASK = {
    "zh": (
        "下面是一段文本和若干编号的陈述，均以 JSON 字符串给出。只根据文本判断：文本是否明确表达了该陈述？"
        "文本否认、传闻、计划的内容，以及文本没有说到的常识，一律为 no。"
        "每个陈述回答一行，格式为“编号: yes”或“编号: no”，不要写别的内容。"
    ),
    "en": (
        "Here are a text and numbered statements, all given as JSON strings. Judging by the text alone: does the text "
        "state it? What it denies, calls a rumour or a plan, and common knowledge that it does not mention, is no. "
        "Answer one line for each statement, `number: yes` or `number: no`, and nothing else."
    ),
}
_WORDS = {"zh": ("文本", "陈述"), "en": ("Text", "Statements")}
_LINE = re.compile(r"^\W*(\d+)\W*(yes|no|是|否)\b", re.IGNORECASE | re.MULTILINE)
_THINKING_END = "</think>"


@dataclass
class LLMJudge:
    """One question for each text; the score is the probability of "yes" where the LLM gives it, else 1 or 0.

    Use it in a `with` block, or call `close`: it keeps one event loop for the LLM's connections.

    Args:
        llm: Whom to ask; its limits are the only ones on how much is asked at once.
        model: Name of the model as the server knows it.
        language: Language of the question.
        max_tokens: Longest answer.
        logprobs: Ask for log probabilities; some servers refuse that.

    Attributes:
        silent: Candidates so far about which an answer said nothing; they score .5.
    """

    llm: LLM
    model: str
    language: Literal["zh", "en"] = "zh"
    max_tokens: int = 2048
    logprobs: bool = True
    needs: Needs = field(default="an LLM", init=False)
    name: str = field(default="llm_judge", init=False)
    silent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the LLM's connections and the event loop."""
        try:
            self._runner.run(self.llm.aclose())
        finally:
            self._runner.close()

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Do nothing: the LLM is asked without examples."""

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Probabilities of "yes"; a text without candidates is not asked about.

        Raises:
            LLMError: A question has no answer; the others were asked all the same, so that a cache keeps them.
        """
        return self._runner.run(self._ask_all(pairs))

    def request(self, text: str, candidates: Sequence[Candidate]) -> ChatRequest:
        """The question about the candidates of one text."""
        text_word, statements_word = _WORDS[self.language]
        numbered = [f"{number}: {_quoted(verbalise(c.triple))}" for number, c in enumerate(candidates, 1)]
        question = "\n".join([f"{text_word}: {_quoted(text)}", f"{statements_word}:", *numbered])
        return ChatRequest(
            messages=(Message("system", _TASK[self.language]), Message("user", question)),
            model=self.model,
            max_tokens=self.max_tokens,
            temperature=0.0,
            logprobs=self.logprobs,
        )

    async def _ask_all(self, pairs: Pairs) -> list[list[float]]:
        found = await asyncio.gather(*(self._ask(*pair) for pair in pairs), return_exceptions=True)
        scores = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            scores.append(each)
        return scores

    async def _ask(self, text: str, candidates: Sequence[Candidate]) -> list[float]:
        if not candidates:
            return []
        said = read_answer(await self.llm.chat(self.request(text, candidates)))
        self.silent += sum(number not in said for number in range(1, len(candidates) + 1))
        return [said.get(number, SILENT) for number in range(1, len(candidates) + 1)]


def read_answer(answer: ChatAnswer) -> dict[int, float]:
    """Number of each statement that the answer judges -> probability of "yes"; the first line on a number counts."""
    found: dict[int, float] = {}
    start = answer.content.rfind(_THINKING_END)
    for match in _LINE.finditer(answer.content, 0 if start < 0 else start + len(_THINKING_END)):
        yes = match[2].lower() in ("yes", "是")
        said = _probability(answer, *match.span(2))
        found.setdefault(int(match[1]), said if yes else 1.0 - said)
    return found


def _probability(answer: ChatAnswer, start: int, end: int) -> float:
    """Probability of the tokens in which characters [start, end) of the answer are said; 1 where it is not known."""
    tokens: Sequence[TokenLogprob] = answer.logprobs or ()
    if "".join(token.token for token in tokens) != answer.content:
        return 1.0
    ends = itertools.accumulate(len(token.token) for token in tokens)
    spans = [(token, last - len(token.token), last) for token, last in zip(tokens, ends, strict=True)]
    total = math.fsum(token.logprob for token, first, last in spans if first < end and start < last)
    return math.exp(total) if total <= 0 else 1.0


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
