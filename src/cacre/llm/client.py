"""The client of OpenAI-compatible servers, on the official SDK.

Requests go through the SDK's `post`, its way to raw endpoints: building its typed completion for each answer costs more
than twice the time of the whole request. What comes back is checked here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp
import httpx2
import openai

from cacre.errors import AccessError, BudgetError, ConfigError, LLMError, RequestRefusedError
from cacre.llm.chat import ChatAnswer, ChatRequest
from cacre.llm.connection import LONGEST_BODY as LONGEST_BODY
from cacre.llm.connection import BodyTooLongError, connect, request_options
from cacre.llm.limits import Gate, RateLimits
from cacre.llm.meter import Meter
from cacre.llm.providers import SHARED_KEY_VARIABLE, Capabilities, Feature, Provider, checked_key
from cacre.llm.refused_texts import about_the_text
from cacre.llm.retry import (
    LONGEST_PAUSE,
    AttemptError,
    FeatureRefusedError,
    RetryPolicy,
    broken,
    named_feature,
    refusal,
    server_message,
    with_retries,
)
from cacre.llm.usage import prompt_bound, prompt_estimate, read_answer

MOST_FALLBACKS = 6
"""Features that one request gives up before it counts as refused."""


class OpenAIClient:
    """An LLM behind an OpenAI-compatible server.

    What the server refuses (a response format, log probabilities, ...) is left out from then on and counted by the
    meter. Used in one event loop at a time; close it with `aclose()` or `async with`.

    Args:
        provider: The server.
        api_key: Its API key; None if it needs none.
        limits: How fast requests may leave.
        retry: How often and how patiently a request is tried.
        meter: What counts requests, tokens and cost, and limits them; None for one without limits.
        transport: The SDK's HTTP client, closed with this one; None for one on aiohttp, made when first needed.

    Raises:
        AccessError: The key cannot be sent.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        api_key: str | None,
        limits: RateLimits = RateLimits(),  # noqa: B008  (frozen)
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008  (frozen)
        meter: Meter | None = None,
        transport: httpx2.AsyncClient | None = None,
    ) -> None:
        self.provider, self.retry = provider, retry
        self.meter = meter or Meter()
        self._key = None if api_key is None else checked_key(api_key, "the argument api_key")
        self._limits, self._gate, self._transport = limits, Gate(limits), transport
        self._sdk: openai.AsyncOpenAI | None = None
        self._options = request_options(api_key is not None, retry.timeout)
        # Whole, because the SDK would put it together anew for each request.
        self._address = f"{provider.base_url.rstrip('/')}/chat/completions"
        self._server = f"{provider.name} ({provider.host})"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._learned: dict[str, Capabilities] = {}
        self._accepted: set[tuple[str, tuple[Feature, ...]]] = set()

    @property
    def base_url(self) -> str:
        """Where requests go; part of the cache key."""
        return self.provider.base_url

    def capabilities(self, model: str) -> Capabilities:
        """What a model can be asked for, as far as is known by now."""
        return self._learned.get(model) or self.provider.capabilities(model)

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Answer a request; an answer that stays empty after all tries is returned empty.

        Raises:
            AccessError: No request can pass: no or a refused key, no money, no such model or address.
            RequestRefusedError: The server refuses this one.
            UnavailableError: There was no answer in all tries.
            BudgetError: A limit of the meter is reached.
        """
        try:
            return await with_retries(self.retry, partial(self._attempt, request), self.meter.retried, self._server)
        except LLMError as error:
            kind = RequestRefusedError if isinstance(error, RequestRefusedError) else type(error)
            if kind is not BudgetError:
                self.meter.failed(kind.__name__)
            raise

    async def aclose(self) -> None:
        """Close connections; a second time does nothing."""
        self._closed = True
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()
        elif self._transport is not None:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _attempt(self, request: ChatRequest) -> ChatAnswer:
        """Send a request, and at once again with less where the server refuses a feature."""
        guesses: list[Feature] = []
        for _ in range(MOST_FALLBACKS):
            with contextlib.suppress(FeatureRefusedError):
                return await self._exchange(request, guesses)
        return await self._exchange(request, guesses)

    def _lower(
        self, request: ChatRequest, known: Capabilities, error: FeatureRefusedError, guesses: list[Feature]
    ) -> None:
        """Find what was refused: what the server names counts from now on, a guess only once it has helped.

        Raises:
            RequestRefusedError: Nothing is left that could be at fault.
        """
        used = _without(known, guesses).features(request)
        named = named_feature(error.said, used)
        if named is not None:
            self._learn(request.model, named)
            return
        if self.capabilities(request.model) != known:
            return  # another request has learned something meanwhile
        droppable = [feature for feature in used if feature not in ("temperature", "max_tokens")]
        if about_the_text(error.said) or not droppable or (request.model, used) in self._accepted:
            raise RequestRefusedError(str(error), error.status)
        guesses.append(droppable[0])

    def _learn(self, model: str, feature: Feature) -> None:
        known = self.capabilities(model)
        lower = known.without(feature)
        if lower != known:
            self._learned[model] = lower
            self.meter.fell_back(feature)

    async def _exchange(self, request: ChatRequest, guesses: list[Feature]) -> ChatAnswer:
        """One HTTP request, counted and paid; a `FeatureRefusedError` means that it may be sent again, with less."""
        model = request.model
        reservation = await self.meter.reserve(prompt_bound(request), self.capabilities(model).longest(request))
        estimate, usage = prompt_estimate(request), None
        try:
            async with self._gate.slot(estimate):
                # Only now, because others may have learned something while this one waited.
                known = self.capabilities(model)
                able = _without(known, guesses)
                body = await self._post(able.body(request))
            answer = _read(body, request)
            usage = answer.usage
        except FeatureRefusedError as error:
            self._lower(request, known, error, guesses)
            raise
        finally:
            self.meter.settle(reservation, usage)
        await self._gate.settle(estimate, usage.prompt_tokens + usage.completion_tokens)
        for feature in guesses:
            self._learn(model, feature)
        self._accepted.add((model, able.features(request)))
        if not answer.content.strip() and answer.finish_reason in ("stop", None):
            raise AttemptError("empty", "the answer is empty", answer=answer)
        return answer

    async def _post(self, body: dict[str, Any]) -> bytes:
        sdk = self._in_running_loop()
        try:
            # A server that trickles bytes never trips the transport's time-outs.
            async with asyncio.timeout(self.retry.timeout):
                response = await sdk.post(self._address, cast_to=httpx2.Response, body=body, options=self._options)
                return response.content
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except UnicodeEncodeError:
            raise RequestRefusedError(
                "the text holds half of a surrogate pair and cannot be sent: mend it", 400
            ) from None
        except BodyTooLongError as error:
            raise AttemptError("malformed", str(error)) from None
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            raise broken(error) from None

    def _refusal(self, error: openai.APIStatusError) -> LLMError | AttemptError:
        said = server_message(error.body)
        if self._key is not None:
            said = said.replace(self._key, "[key]")
        failure = refusal(error.status_code, error.response.headers, said, self._server)
        if isinstance(failure, AccessError):
            return AccessError(f"{failure} ({self._key_origin()})")
        pause = failure.pause if isinstance(failure, AttemptError) else None
        if pause is not None and pause <= LONGEST_PAUSE and error.status_code in (429, 503):
            self._gate.hold(pause)
        return failure

    def _key_origin(self) -> str:
        variables = (SHARED_KEY_VARIABLE, *self.provider.key_variables)
        if self._key is None:
            return f"no key was sent; one would come from {' or '.join(variables)}"
        named = [variable for variable in variables if os.environ.get(variable, "").strip() == self._key]
        return f"the key came from {named[0] if named else 'the argument api_key'}"

    def _in_running_loop(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise ConfigError("this LLM client is closed: make a new one")
        if self._sdk is None or self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                raise ConfigError("this LLM client is in use in another event loop: make one for each")
            # Connections belong to the loop that opened them.
            places, timeout = self._limits.concurrency, self.retry.timeout
            self._loop, self._sdk = loop, connect(self.base_url, self._key, places, timeout, self._transport)
        return self._sdk


def _without(able: Capabilities, features: list[Feature]) -> Capabilities:
    for feature in features:
        able = able.without(feature)
    return able


def _read(body: bytes, request: ChatRequest) -> ChatAnswer:
    try:
        return read_answer(body, request)
    except ValueError as error:
        raise AttemptError("malformed", str(error)) from None
