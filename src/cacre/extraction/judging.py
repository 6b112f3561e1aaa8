"""An LLM as the judge of last resort: only triples near a threshold are worth its price."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cacre.errors import AnswerError, ConfigError, RequestRefusedError
from cacre.extraction.failures import raise_gravest, raw_of
from cacre.extraction.parsing import parse_judgement, whole_part
from cacre.extraction.prompts import load_prompt
from cacre.extraction.response_schema import judge_schema
from cacre.extraction.settings import ExtractionSettings
from cacre.extraction.values import Window
from cacre.extraction.windows import split_text
from cacre.llm.chat import LLM, ChatRequest
from cacre.schema import RelationType, Schema
from cacre.types import Triple, Verdict

NOT_SUPPORTED = "LLM judge: not supported"
"""Reason of a triple that the judge rejects."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says about some triples of one text.

    Args:
        supported: One entry per triple, in their order; None where the judge is silent.
        calls: Questions that it took.
        faults: Refused questions, answers that were cut off or cannot be parsed, as entries of the errors file.
    """

    supported: tuple[bool | None, ...]
    calls: int
    faults: tuple[dict[str, Any], ...] = field(default=())


class Judge:
    """Asks an LLM whether a text supports given triples.

    Args:
        llm: Whom to ask.
        schema: Describes the relations to the judge.
        settings: How to ask; samples and gleanings do not apply.
        band: Triples whose nearest score is at most this far from its threshold are borderline, in cosine units.

    Raises:
        ConfigError: `band` is negative.
    """

    def __init__(self, llm: LLM, schema: Schema, settings: ExtractionSettings, band: float) -> None:
        if not band >= 0:
            raise ConfigError(f"band must be at least 0, got {band!r}")
        self.llm, self.schema, self.settings, self.band = llm, schema, settings, band
        self.prompt = load_prompt("judge", settings.language)

    def borderline(self, verdict: Verdict) -> bool:
        """Whether a verdict is close enough to ask; what a check rejected never is."""
        return verdict.margin is not None and abs(verdict.margin) <= self.band

    async def judge(self, text: str, triples: Sequence[Triple]) -> Judgement:
        """Ask about triples of one text: one question for all that stand in the same window.

        Where the server refuses the question the judge is silent.

        Raises:
            LLMError: A question has no answer and is not refused.
        """
        groups = self._groups(text, triples)
        asked = (self._ask(window, [triples[i] for i in members]) for window, members in groups)
        outcomes = raise_gravest(await asyncio.gather(*asked, return_exceptions=True))
        supported: list[bool | None] = [None] * len(triples)
        for (_, members), (verdicts, _) in zip(groups, outcomes, strict=True):
            for index, verdict in zip(members, verdicts, strict=True):
                supported[index] = verdict
        return Judgement(tuple(supported), len(groups), tuple(fault for _, faults in outcomes for fault in faults))

    def request(self, window: Window, triples: Sequence[Triple]) -> ChatRequest:
        """The request about triples of one window."""
        messages = self.prompt.messages(window.text, self._relations(triples), self.settings.style, triples=triples)
        return ChatRequest(
            messages=messages,
            model=self.settings.llm,
            max_tokens=self.settings.max_tokens,
            temperature=0.0,
            answer_format="text" if self.settings.style == "lines" else self.settings.answer_format,
            json_schema=judge_schema() if self.settings.answer_format == "json_schema" else None,
            seed=self.settings.seed,
            thinking=self.settings.thinking,
        )

    async def _ask(
        self, window: Window, triples: Sequence[Triple]
    ) -> tuple[tuple[bool | None, ...], list[dict[str, Any]]]:
        try:
            answer = await self.llm.chat(self.request(window, triples))
            if answer.cut_off:
                return _read_cut_off(window, answer.content, len(triples))
            return parse_judgement(answer.content, len(triples)), []
        except (AnswerError, RequestRefusedError) as error:
            return (None,) * len(triples), [_fault(window, str(error), raw_of(error))]

    def _relations(self, triples: Sequence[Triple]) -> list[RelationType]:
        names = dict.fromkeys(self.schema.resolve(triple.predicate) for triple in triples)
        known = [self.schema[name] for name in names if name is not None]
        return known or list(self.schema)  # a prompt needs relations, also where the triples have none of them

    def _groups(self, text: str, triples: Sequence[Triple]) -> list[tuple[Window, list[int]]]:
        windows = split_text(text, self.settings.window, self.settings.overlap)
        groups: dict[int, list[int]] = {}
        for index, triple in enumerate(triples):
            held = [(triple.subject in window.text) + (triple.object in window.text) for window in windows]
            groups.setdefault(held.index(max(held)), []).append(index)
        return [(windows[number], groups[number]) for number in sorted(groups)]


def _read_cut_off(window: Window, content: str, count: int) -> tuple[tuple[bool | None, ...], list[dict[str, Any]]]:
    """What a judge said before it was cut off; it is silent about the rest, and about what lacks its end."""
    whole, piece = whole_part(content)
    try:
        return parse_judgement(whole, count), [_fault(window, "cut off", piece)]
    except AnswerError:
        return (None,) * count, [_fault(window, "cut off before the first complete verdict", content)]


def _fault(window: Window, reason: str, raw: str | None) -> dict[str, Any]:
    place = [window.start, window.start + len(window.text)]
    return {"reason": f"judge: {reason}", "field": "answer", "raw": raw, "window": place}
