"""The synchronous face of asynchronous objects: one event loop in a thread of its own, started when first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from cacre.llm.chat import LLM

Result = TypeVar("Result")


class Blocking:
    """Base of what has asynchronous methods around an LLM and wants synchronous ones beside them.

    All synchronous calls share one loop, because connections cannot move between loops; the asynchronous methods run
    in the caller's. Use one face or the other on one object. A context manager: leaving it closes the LLM.

    Args:
        llm: The LLM.
    """

    def __init__(self, llm: LLM) -> None:
        self.llm = llm
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def _run(self, function: Callable[..., Awaitable[Result]], *args: object) -> Result:
        if self._portal is None:
            self._portal = self._stack.enter_context(start_blocking_portal())
        return self._portal.call(function, *args)

    async def aclose(self) -> None:
        """Close the LLM's connections and files."""
        await self.llm.aclose()

    def close(self) -> None:
        """Close the LLM's connections and files, and end the thread."""
        self._run(self.aclose)
        self._stack.close()
        self._portal = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
