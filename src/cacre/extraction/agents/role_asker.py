"""Putting a role's question to the LLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cacre.errors import ConfigError
from cacre.extraction.agents.team_prompts import Role, load_team_prompts
from cacre.extraction.schema_text import chunk_relations
from cacre.extraction.settings import ExtractionSettings
from cacre.llm.chat import LLM, ChatAnswer, ChatRequest
from cacre.schema import RelationType, Schema


@dataclass(frozen=True, slots=True)
class RoleQuestion:
    """One question to one role.

    Args:
        role: Who is asked.
        relations: What it is told of the schema.
        blocks: Label -> what is quoted, the text under `TEXT`.
        json_schema: What the server is asked to force the answer into, where it can.
    """

    role: Role
    relations: Sequence[RelationType]
    blocks: Mapping[str, str]
    json_schema: Mapping[str, Any]


class RoleAsker:
    """Makes requests of the roles' questions, all to the same LLM with the same settings.

    Args:
        llm: Whom to ask.
        schema: The relations to ask for.
        settings: How to ask.

    Raises:
        ConfigError: A setting does not go with agents.
    """

    def __init__(self, llm: LLM, schema: Schema, settings: ExtractionSettings) -> None:
        _check(settings)
        self.llm, self.schema, self.settings = llm, schema, settings
        self.prompts = load_team_prompts(settings.language)
        self.parts = chunk_relations(schema, settings.relations_per_prompt)

    def request(self, question: RoleQuestion, sample: int) -> ChatRequest:
        """The request that asks a question."""
        settings = self.settings
        return ChatRequest(
            messages=self.prompts.messages(question.role, question.relations, question.blocks),
            model=settings.llm,
            max_tokens=settings.max_tokens,
            temperature=settings.sampling_temperature,
            answer_format=settings.answer_format,
            json_schema=question.json_schema if settings.answer_format == "json_schema" else None,
            seed=None if settings.seed is None else settings.seed + sample,
            thinking=settings.thinking,
            sample=sample,
        )

    async def ask(self, question: RoleQuestion, sample: int) -> ChatAnswer:
        """Ask a question.

        Raises:
            LLMError: There is no answer.
        """
        return await self.llm.chat(self.request(question, sample))


def _check(settings: ExtractionSettings) -> None:
    refused = {
        "prompt": settings.prompt is not None,
        "gleanings": settings.gleanings > 0,
        "logprobs": settings.logprobs,
        "style=lines": settings.style == "lines",
    }
    names = [name for name, given in refused.items() if given]
    if names:
        raise ConfigError(
            f"{', '.join(names)}: not with agents, which have prompts, rounds and JSON answers of their own: "
            "leave it out, or ask one question a text"
        )
