"""Putting the questions of one text to the LLM: windows x parts of the schema x samples, then what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cacre.errors import AnswerError, RequestRefusedError
from cacre.extraction.failures import raise_gravest, raw_of
from cacre.extraction.parsing import parse_answer
from cacre.extraction.prompts import Prompt, load_prompt
from cacre.extraction.response_schema import answer_schema
from cacre.extraction.schema_text import chunk_relations
from cacre.extraction.settings import ExtractionSettings
from cacre.extraction.usable_parts import without_unusable
from cacre.extraction.values import AnswerKind, ParsedAnswer, Window
from cacre.extraction.windows import split_text
from cacre.llm.chat import LLM, ChatAnswer, ChatRequest, Message
from cacre.schema import Schema
from cacre.types import Triple


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one text.

    Args:
        window: The stretch of text it is about.
        part: Number of the part of the schema it asks for.
        sample: Number of the sample.
    """

    window: Window
    part: int
    sample: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Args:
        question: What was asked.
        gleaning: 0 for the first answer, n for the n-th time it was asked what was missed.
        answer: The answer as it came; None where the server refused the question.
        parsed: What it says; None where there is none or it cannot be parsed.
        fault: Why it cannot be parsed, or why there is none.
    """

    question: Question
    gleaning: int
    answer: ChatAnswer | None
    parsed: ParsedAnswer | None
    fault: AnswerError | RequestRefusedError | None = None

    def faults(self) -> list[dict[str, Any]]:
        """What was refused or could not be parsed, as entries of the errors file, the raw answer or piece in each."""
        place = {
            "window": [self.question.window.start, self.question.window.start + len(self.question.window.text)],
            "part": self.question.part,
            "sample": self.question.sample,
            "gleaning": self.gleaning,
        }
        pieces = [] if self.fault is None else [(str(self.fault), raw_of(self.fault))]
        if self.parsed is not None:
            pieces += [(fragment.reason, fragment.raw) for fragment in self.parsed.fragments]
        return [{"reason": reason, "field": "answer", "raw": raw, "question": place} for reason, raw in pieces]


class Asker:
    """Builds the questions of a text and asks them.

    Args:
        llm: Whom to ask.
        prompt: The prompt of the first question.
        kind: What its answers hold.
        schema: The relations to ask for.
        settings: How to ask.

    Raises:
        ConfigError: The prompt for gleaning cannot be loaded, or the schema cannot be split so.
    """

    def __init__(
        self, llm: LLM, prompt: Prompt, kind: AnswerKind, schema: Schema, settings: ExtractionSettings
    ) -> None:
        self.llm, self.prompt, self.settings = llm, prompt, settings
        self.kind: AnswerKind = kind
        self._parts = chunk_relations(schema, settings.relations_per_prompt)
        gleaning = load_prompt("glean", settings.language) if settings.gleanings else None
        # Once for the job: finding out that a prompt was rendered before takes as long as quoting a text.
        self._frames = [prompt.frame(part, settings.style) for part in self._parts]
        self._gleanings = [gleaning.frame(part, settings.style) for part in self._parts] if gleaning else []
        self._predicates = frozenset(word for relation in schema for word in (relation.name, *relation.synonyms))
        forced = settings.style == "json" and settings.answer_format == "json_schema"
        self._schemas = [answer_schema(kind, part, types=False) if forced else None for part in self._parts]
        self._more = [answer_schema("triples", part, types=False) if forced else None for part in self._parts]

    def questions(self, text: str) -> list[Question]:
        """All first questions of a text."""
        return [
            Question(window, part, sample)
            for window in split_text(text, self.settings.window, self.settings.overlap)
            for part in range(len(self._parts))
            for sample in range(self.settings.samples)
        ]

    def request(self, question: Question) -> ChatRequest:
        """The request that asks a first question."""
        messages = self._frames[question.part].messages(question.window.text)
        return self._request(messages, question, self._schemas[question.part])

    async def ask_all(self, text: str) -> list[Reply]:
        """Ask everything about a text.

        Answers already paid for are waited for (and cached) even when another question of the text fails. One that the
        server refuses is a reply without an answer: the others still count.

        Returns:
            The replies in the order of the questions, whatever the order in which they came.

        Raises:
            LLMError: A question has no answer and is not refused; what ends the job goes before others.
        """
        questions = self.questions(text)
        if len(questions) == 1:  # the usual case needs no task of its own
            return await self._ask(questions[0])
        outcomes = await asyncio.gather(*map(self._ask, questions), return_exceptions=True)
        return [reply for replies in raise_gravest(outcomes) for reply in replies]

    async def _ask(self, question: Question) -> list[Reply]:
        replies = [await self._reply(question, 0, self.request(question), self.kind)]
        for gleaning in range(1, self.settings.gleanings + 1):
            found = _said(replies)
            reply = await self._reply(question, gleaning, self._gleaning_request(question, found), "triples")
            replies.append(reply)
            if reply.parsed is None or not set(_said([reply])) - set(found):
                break
        return replies

    def _gleaning_request(self, question: Question, found: Sequence[Triple]) -> ChatRequest:
        messages = self._gleanings[question.part].messages(question.window.text, found=found)
        return self._request(messages, question, self._more[question.part])

    def _request(self, messages: tuple[Message, ...], question: Question, schema: dict[str, Any] | None) -> ChatRequest:
        settings = self.settings
        return ChatRequest(
            messages=messages,
            model=settings.llm,
            max_tokens=settings.max_tokens,
            temperature=settings.sampling_temperature,
            answer_format="text" if settings.style == "lines" else settings.answer_format,
            json_schema=schema,
            logprobs=settings.logprobs,
            seed=None if settings.seed is None else settings.seed + question.sample,
            thinking=settings.thinking,
            sample=question.sample,
        )

    async def _reply(self, question: Question, gleaning: int, request: ChatRequest, kind: AnswerKind) -> Reply:
        try:
            answer = await self.llm.chat(request)
        except RequestRefusedError as refusal:
            return Reply(question, gleaning, None, None, refusal)
        try:
            parsed = parse_answer(
                answer.content, kind, answer.logprobs, predicates=self._predicates, cut_off=answer.cut_off
            )
        except AnswerError as error:
            return Reply(question, gleaning, answer, None, error)
        return Reply(question, gleaning, answer, without_unusable(parsed))


def _said(replies: Sequence[Reply]) -> list[Triple]:
    return [said.triple for reply in replies if reply.parsed for said in reply.parsed.anchors]
