"""What a job will ask and cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cacre.data import Row
from cacre.extraction.asking import Asker
from cacre.extraction.values import AnswerKind
from cacre.llm import CachedLLM, Prices
from cacre.llm.usage import estimate_tokens

ASSUMED_COMPLETION: dict[AnswerKind, int] = {"triples": 120, "contrastive": 350}
"""Tokens of an answer where the cache holds none to take the mean of: two or three triples of some 40 tokens each."""


@dataclass
class JobEstimate:
    """What a job will take.

    Args:
        rows: Texts.
        requests: First questions, cached ones among them.
        cached: Questions whose answer is in the cache.
        prompt_tokens: Tokens of the questions to be paid, by the rule of thumb in `cacre.llm.usage`.
        completion_tokens: Tokens of their answers: the mean of the cached answers, else an assumption.
        most_completion_tokens: Tokens of their answers if each were as long as allowed.
        assumed: Tokens assumed for an answer.
        gleanings: How often each question may be followed by another, which is not in the numbers above.
        note: What else is not in them.
    """

    rows: int = 0
    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    most_completion_tokens: int = 0
    assumed: float = 0.0
    gleanings: int = 0
    note: str = ""

    @property
    def to_pay(self) -> int:
        """Questions that would be sent."""
        return self.requests - self.cached

    def lines(self, prices: Prices | None) -> list[str]:
        """The estimate for a person to read."""
        lines = [
            f"{self.rows} texts, {self.requests} requests, {self.cached} of them in the cache, {self.to_pay} to pay",
            f"about {self.prompt_tokens} prompt tokens and {self.completion_tokens} completion tokens "
            f"({self.assumed:.0f} an answer), at most {self.most_completion_tokens}",
        ]
        if self.gleanings:
            lines.append(f"gleanings add up to {self.gleanings * self.to_pay} requests, depending on the answers")
        if self.note:
            lines.append(self.note)
        if prices is None:
            lines.append("cost unknown: give --price-prompt and --price-completion, per million tokens")
        else:
            prompt = self.prompt_tokens * prices.prompt / 1e6
            likely, most = (
                prompt + tokens * prices.completion / 1e6
                for tokens in (self.completion_tokens, self.most_completion_tokens)
            )
            lines.append(f"about {likely:.4f}, at most {most:.4f}, in the unit of the prices")
        return lines


def estimate_job(rows: Iterable[Row], asker: Asker, cache: CachedLLM | None) -> JobEstimate:
    """Count what a job would ask; nothing is sent.

    Args:
        rows: The texts.
        asker: Builds the questions.
        cache: Answers that are paid for already.
    """
    estimate = JobEstimate(gleanings=asker.settings.gleanings)
    known = 0
    for row in rows:
        estimate.rows += 1
        for question in asker.questions(row.content.text):
            request = asker.request(question)
            estimate.requests += 1
            answer = cache.lookup(request) if cache is not None else None
            if answer is not None:
                estimate.cached += 1
                known += answer.usage.completion_tokens
            else:
                estimate.prompt_tokens += sum(estimate_tokens(message.content) for message in request.messages)
    assume_answers(estimate, known, asker.kind, asker.settings.max_tokens)
    return estimate


def assume_answers(estimate: JobEstimate, known: int, kind: AnswerKind, max_tokens: int) -> None:
    """Fill in what the answers to come will take.

    Args:
        estimate: Its questions are counted.
        known: Tokens of all cached answers.
        kind: What the answers hold, for want of cached ones.
        max_tokens: Longest answer.
    """
    estimate.assumed = known / estimate.cached if estimate.cached else ASSUMED_COMPLETION[kind]
    estimate.completion_tokens = round(estimate.to_pay * estimate.assumed)
    estimate.most_completion_tokens = estimate.to_pay * max_tokens
