"""What is asked of an LLM and what it answers: frozen values, and the protocol that every LLM here follows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]
AnswerFormat = Literal["text", "json_object", "json_schema"]
"""What the server is asked to force the answer into: nothing, any JSON object, or one that follows a JSON schema."""

_CUT_OFF = frozenset(["length", "content_filter", "insufficient_system_resource"])
"""Reasons for which servers end an answer: its longest length, their filter, DeepSeek's lack of room."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question, whole: two requests with equal fields may share an answer.

    Args:
        messages: The conversation so far, the question last.
        model: Name of the model as the server knows it.
        max_tokens: Longest answer, in tokens.
        temperature: Sampling temperature; None leaves it to the server.
        answer_format: What the server is asked to force the answer into.
        json_schema: The JSON schema of the answer, for `json_schema`.
        logprobs: Ask for the log probability of each answer token.
        seed: Seed of the sampling; None sends none.
        thinking: Whether a model that can think aloud before it answers may; None leaves it to the server.
        sample: Number of the sample; never sent, it only keeps the samples of one question apart in the cache.
        extra_body: Further keys of the request body.
    """

    messages: tuple[Message, ...]
    model: str
    max_tokens: int = 2048
    temperature: float | None = 0.0
    answer_format: AnswerFormat = "text"
    json_schema: Mapping[str, Any] | None = None
    logprobs: bool = False
    seed: int | None = None
    thinking: bool | None = False
    sample: int = 0
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def key(self, base_url: str) -> str:
        """SHA-256 of the whole request and of where it goes, as 64 hex digits; no API key has any part in it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["messages"] = [[message.role, message.content] for message in self.messages]
        whole = json.dumps({"base_url": base_url, **fields}, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(whole.encode("utf-8", errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer.

    Args:
        prompt_tokens: Tokens of the question.
        completion_tokens: Tokens of the answer, thinking included.
        estimated: Whether they were estimated here because the server did not say.
    """

    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of the answer and its natural log probability."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What the LLM said.

    Args:
        content: The answer, as it came.
        model: Name of the model that the server says it used.
        finish_reason: Why the answer ended: `stop`, `length` (cut off), ...; None if the server did not say.
        usage: Tokens used.
        logprobs: One entry per token of `content`; None if not asked for or not given.
        cached: Whether it came from the cache, so that nothing was paid for it now.
    """

    content: str
    model: str
    finish_reason: str | None
    usage: Usage
    logprobs: tuple[TokenLogprob, ...] | None = None
    cached: bool = False

    @property
    def cut_off(self) -> bool:
        """Whether the server ended the answer before the LLM did, so that its last piece may lack its end."""
        return self.finish_reason in _CUT_OFF


class LLM(Protocol):
    """Anything that answers chat requests: `OpenAIClient`, `CachedLLM` around one, `ScriptedLLM` in tests."""

    @property
    def base_url(self) -> str:
        """Where requests go; part of the cache key."""
        ...

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Answer a request.

        Raises:
            LLMError: There is no answer; the subclass says why and whether the job can go on.
        """
        ...

    async def aclose(self) -> None:
        """Close connections and files."""
        ...
