"""What a response says and what it used; how many tokens a text has, without its model's tokenizer.

Source of the ratios: DeepSeek's API documentation ("Token & Token Usage"): about 0.6 token for a Chinese character and
0.3 for an English one. Other tokenizers differ, so `upper_bound` leaves room; neither is a proof.
"""

from __future__ import annotations

import functools
import re
from typing import Any, TypeGuard

from pydantic import BaseModel, Field, ValidationError

from cacre.llm.chat import ChatAnswer, ChatRequest, TokenLogprob, Usage

# Runs, because replacing single characters takes ten times as long.
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]+"
)
_MESSAGE_TOKENS = 8
"""Tokens that a chat template puts around each message: 3 to 6 in common ones."""
_LOWEST_LOGPROB = -9999.0
"""What OpenAI gives for a token outside the likeliest; minus infinity could not be stored as JSON."""


class _Said(BaseModel):
    content: str | list[Any] | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None
    logprobs: Any = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    model: str | None = None
    usage: Any = None


def read_answer(body: bytes, request: ChatRequest) -> ChatAnswer:
    """The answer in the body of a response.

    Args:
        body: A chat completion as JSON.
        request: The question.

    Raises:
        ValueError: The body is no chat completion; the message says why.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        excerpt = body[:100].decode(errors="replace")
        raise ValueError(f"not a chat completion ({place} {first['msg']}): {excerpt!r}") from None
    choice = completion.choices[0]
    content = choice.message.refusal or _text(choice.message.content)
    return ChatAnswer(
        content=content,
        model=completion.model or request.model,
        finish_reason=choice.finish_reason,
        usage=read_usage(completion.usage, request, content),
        logprobs=_logprobs(choice.logprobs),
    )


def _text(content: str | list[Any] | None) -> str:
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") in ("text", "output_text")]
        return "".join(str(part.get("text") or "") for part in parts)
    return content or ""


def _logprobs(said: Any) -> tuple[TokenLogprob, ...] | None:  # noqa: ANN401  (whatever the server sends)
    try:
        tokens = [(str(entry["token"]), float(entry["logprob"])) for entry in said["content"]]
    except (TypeError, KeyError, ValueError):
        return None  # an answer without usable log probabilities is still an answer
    # Written so that a NaN becomes the lowest value, too.
    return tuple(TokenLogprob(token, value if value > _LOWEST_LOGPROB else _LOWEST_LOGPROB) for token, value in tokens)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: 0.6 per CJK character and 0.3 per other one, rounded up."""
    cjk, other = _count(text)
    # In tenths, since 0.6 * 5 is a little more than 3 in floating point and would be rounded up to 4.
    return (6 * cjk + 3 * other + 9) // 10


def upper_bound(text: str) -> int:
    """How many tokens a text rarely exceeds: 1 per CJK character and 0.5 per other one, rounded up."""
    cjk, other = _count(text)
    return cjk + (other + 1) // 2


@functools.lru_cache(maxsize=256)  # the instructions are the same in all requests, and longer than the texts
def _count(text: str) -> tuple[int, int]:
    other = len(_CJK.sub("", text))
    return len(text) - other, other


def prompt_estimate(request: ChatRequest) -> int:
    """About how many tokens a question has."""
    return sum(estimate_tokens(message.content) + _MESSAGE_TOKENS for message in request.messages)


def prompt_bound(request: ChatRequest) -> int:
    """How many tokens a question rarely exceeds, its JSON schema counted too (some servers put it into the prompt)."""
    schema = upper_bound(str(request.json_schema)) if request.json_schema else 0
    return schema + sum(upper_bound(message.content) + _MESSAGE_TOKENS for message in request.messages)


def read_usage(said: object, request: ChatRequest, content: str) -> Usage:
    """What the server says was used; an estimate, marked as such, where it does not say.

    Args:
        said: The `usage` of the response, whatever it is.
        request: The question.
        content: The answer.
    """
    values: dict[str, Any] = said if isinstance(said, dict) else {}
    prompt, completion = values.get("prompt_tokens"), values.get("completion_tokens")
    if _is_count(prompt) and _is_count(completion):
        return Usage(prompt, completion)
    return Usage(prompt_estimate(request), estimate_tokens(content), estimated=True)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
