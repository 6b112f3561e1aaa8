"""An LLM for tests that answers from a script, without any network."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

from cacre.errors import ConfigError
from cacre.llm.chat import ChatAnswer, ChatRequest, Usage

Reply = str | ChatAnswer | Exception
"""The content of an answer, a whole answer, or an exception that the request runs into."""


class ScriptedLLM:
    """Answers requests from a script and remembers them: a stand-in for an LLM in tests.

    Replies are used up in the order in which requests arrive:

    >>> import asyncio
    >>> from cacre.llm import ChatRequest, Message, ScriptedLLM
    >>> llm = ScriptedLLM('{"triples": []}')
    >>> llm.enqueue(TimeoutError("the server sleeps"))
    >>> request = ChatRequest((Message("user", "Which triples?"),), model="test")
    >>> asyncio.run(llm.chat(request)).content
    '{"triples": []}'
    >>> llm.pending, llm.history == [request]
    (1, True)

    Or a function answers, as often as it is asked:

    >>> parrot = ScriptedLLM(answer=lambda request: request.messages[-1].content)
    >>> asyncio.run(parrot.chat(request)).content
    'Which triples?'

    Args:
        replies: First replies of the script.
        answer: Gives the reply to a request; excludes replies.

    Attributes:
        history: Every request that arrived, in order.

    Raises:
        ConfigError: Both replies and a function were given.
    """

    def __init__(self, *replies: Reply, answer: Callable[[ChatRequest], Reply] | None = None) -> None:
        if replies and answer is not None:
            raise ConfigError(f"got {len(replies)} replies and a function that answers: give one or the other")
        self.history: list[ChatRequest] = []
        self._queue = deque(replies)
        self._queued = len(replies)
        self._answer = answer

    @property
    def base_url(self) -> str:
        """`scripted://`: part of the cache key, so that scripted answers never pass for those of a server."""
        return "scripted://"

    @property
    def pending(self) -> int:
        """Replies that wait to be used: 0 at the end of a test that used up its script."""
        return len(self._queue)

    def enqueue(self, *replies: Reply) -> None:
        """Add replies to the end of the script.

        Raises:
            ConfigError: A function answers, so that the replies would never be used.
        """
        if self._answer is not None:
            raise ConfigError("a function answers here, so that replies would never be used: give one or the other")
        self._queue.extend(replies)
        self._queued += len(replies)

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Answer with the next reply of the script.

        Tokens are estimated, one for two characters.

        Raises:
            AssertionError: The script has no reply left; no job takes this for a failure of the LLM and carries on.
            Exception: The reply is an exception.
        """
        self.history.append(request)
        reply = self._next_reply(request)
        # Others run here, as they do while a real request is on its way.
        await asyncio.sleep(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, ChatAnswer):
            return reply
        asked = sum(_tokens(message.content) for message in request.messages)
        return ChatAnswer(reply, request.model, "stop", Usage(asked, _tokens(reply), estimated=True))

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _next_reply(self, request: ChatRequest) -> Reply:
        if self._answer is not None:
            return self._answer(request)
        if not self._queue:
            asked = request.messages[-1].content if request.messages else ""
            raise AssertionError(
                f"request {len(self.history)} has no reply: {self._queued} were queued; "
                f"queue one more, or check why this was asked: {asked!r:.80}"
            )
        return self._queue.popleft()


def _tokens(text: str) -> int:
    return (len(text) + 1) // 2
