"""Reading bodies in bounded memory and time, and working for clients that are still there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from cacre.service.batching import Room
from cacre.service.errors import TIMEOUT, RefusalError
from cacre.service.settings import ServeSettings

Result = TypeVar("Result")
_DISCARD_SECONDS = 5.0


class BodyReader:
    """Reads the bodies of requests.

    Args:
        settings: What they may be at most.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._limit, self._seconds = settings.max_body_bytes, settings.timeout_seconds
        self._room = Room("bytes", settings.max_held_bytes, settings.retry_after_seconds)

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Give the body, whose room is taken until the block ends.

        Raises:
            RefusalError: It is no JSON by its headers (415), too long (413), too slow (408), cut off (400), or there
                is no room (503).
        """
        _check_headers(request)
        taken: list[int] = []
        try:
            async with asyncio.timeout(self._seconds) as deadline:
                body = await self._read(request, taken)
            yield body
        except TimeoutError:
            if not deadline.expired():
                raise
            message = f"the body took longer than {self._seconds:g} s to arrive"
            raise RefusalError(408, "body_timeout", message) from None
        except ClientDisconnect:
            raise RefusalError(400, "cut_off", "the connection ended before the body did") from None
        finally:
            self._room.give_back(sum(taken))

    async def _read(self, request: Request, taken: list[int]) -> bytes:
        length = request.headers.get("content-length", "")
        told = int(length) if length.isdecimal() and len(length) < 20 else 0
        if told > self._limit and "expect" in request.headers:
            raise self._too_long()  # at once: the client waits to be told before it sends the body
        pieces, received = [], 0
        stream = request.stream()
        async for piece in stream:
            received += len(piece)
            if max(received, told) > self._limit:
                await self._discard(stream)
                raise self._too_long()
            self._room.take(len(piece))
            taken.append(len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    async def _discard(self, stream: AsyncIterator[bytes]) -> None:
        """Take in some of the rest: many clients read no response before they have sent everything."""
        discarded = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_SECONDS):
                async for piece in stream:
                    discarded += len(piece)
                    if discarded > self._limit:
                        return

    def _too_long(self) -> RefusalError:
        message = f"the body is longer than {self._limit} bytes: send several requests"
        return RefusalError(413, "body_too_large", message)


def _check_headers(request: Request) -> None:
    # Browsers send JSON to another site only after asking it, which is why nothing else is taken.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = f"content-type is {kind or 'missing'!r:.80}, expected application/json: set the header"
        raise RefusalError(415, "not_json", message)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise RefusalError(415, "not_json", f"content-encoding is {encoding!r:.80}: send the body as it is")


async def finish(request: Request, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """Do the work of a request whose body is read, unless it takes too long or nobody waits for it any more.

    Raises:
        RefusalError: It took too long (504), or the client has gone (499).
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((task, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise RefusalError(499, "client_gone", "the client has gone")
        message = f"the request took longer than {seconds:g} s: send fewer rows, or try again later"
        raise RefusalError(504, TIMEOUT, message)
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
