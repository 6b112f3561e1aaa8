"""The LLM as a unit sees it: first the cache of all answers, then the unit's own, then the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cacre.errors import CacheMissError
from cacre.llm import CachedLLM
from cacre.llm.chat import LLM, ChatAnswer, ChatRequest
from cacre.llm.meter import Meter


class StaysOpen:
    """An LLM that is closed by its owner only, however many caches around it are.

    Args:
        inner: The LLM.
    """

    def __init__(self, inner: LLM) -> None:
        self._inner = inner

    @property
    def base_url(self) -> str:
        """As that of the LLM inside."""
        return self._inner.base_url

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """As the LLM inside."""
        return await self._inner.chat(request)

    async def aclose(self) -> None:
        """Do nothing."""


class _Layered:
    """Asks a cache, and where it has no answer the next LLM; what the first one knows is not written again."""

    def __init__(self, first: CachedLLM, then: LLM) -> None:
        self._first, self._then = first, then

    @property
    def base_url(self) -> str:
        return self._then.base_url

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        try:
            return await self._first.chat(request)
        except CacheMissError:
            return await self._then.chat(request)

    async def aclose(self) -> None:
        """Do nothing: both stay with who has opened them."""


class LayeredCache:
    """Caches around one LLM: one of all answers that is only read, and one of each unit.

    Args:
        llm: The LLM; it stays open.
        meter: Counts what comes from a cache.
        merged: The cache of all answers; None if there is none.
        offline: Never ask the LLM.

    Raises:
        ConfigError: The cache is none.
        CacreError: It cannot be opened.
    """

    def __init__(self, llm: LLM, meter: Meter, merged: Path | None, offline: bool = False) -> None:
        self._llm, self._meter, self._offline = StaysOpen(llm), meter, offline
        self._first = None if merged is None else CachedLLM(self._llm, merged, offline=True, meter=meter)

    @asynccontextmanager
    async def around(self, shard: Path) -> AsyncIterator[LLM]:
        """The LLM with the answers of a unit.

        Args:
            shard: Their file; made if there is none.

        Raises:
            ConfigError: It is no cache.
            CacreError: It cannot be opened.
        """
        if self._offline:
            shard.parent.mkdir(parents=True, exist_ok=True)
            shard.touch(mode=0o600)  # one that knows nothing says of each request what is missing
        async with CachedLLM(self._llm, shard, offline=self._offline, meter=self._meter) as own:
            yield own if self._first is None else _Layered(self._first, own)

    async def aclose(self) -> None:
        """Close the cache of all answers."""
        if self._first is not None:
            await self._first.aclose()
