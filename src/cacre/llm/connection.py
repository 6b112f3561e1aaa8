"""The official SDK, set up so that it sends nothing but what was asked, and reads no endless response."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import openai

LONGEST_BODY = 8 * 2**20
"""Bytes; a longer response is not read to its end."""
_ABOUT_US = (
    *("lang", "package-version", "os", "arch", "runtime", "runtime-version", "async"),
    *("retry-count", "read-timeout"),
)
"""What the SDK tells a server about this machine in headers `x-stainless-...`; no server needs it."""


def connect(
    base_url: str, key: str | None, places: int, timeout: float, transport: httpx2.AsyncClient | None
) -> openai.AsyncOpenAI:
    """Set up the SDK's client.

    Args:
        base_url: Where requests go.
        key: The API key; None if the server needs none.
        places: Most connections at once.
        timeout: Seconds for one request.
        transport: The SDK's HTTP client; None for one on aiohttp.
    """
    http = transport or openai.DefaultAioHttpClient(
        limits=httpx2.Limits(max_connections=places, max_keepalive_connections=places, keepalive_expiry=30.0),
        follow_redirects=False,
        event_hooks={"response": [_bound_body]},
    )
    sdk = openai.AsyncOpenAI(
        # What is left out here the SDK would take from OPENAI_... variables, and send to whatever server this is.
        api_key=key or "none",
        admin_api_key="",
        base_url=base_url,
        timeout=timeout,
        max_retries=0,
        default_headers={"Accept-Encoding": "identity"},
        http_client=http,
    )
    sdk.organization = sdk.project = None
    return sdk


def request_options(has_key: bool, timeout: float) -> openai.RequestOptions:
    """The SDK's options of every request, nearly all of them, because it makes a deep copy of each missing one.

    Args:
        has_key: Whether the server gets an API key.
        timeout: Seconds for one request.
    """
    headers: dict[str, str | openai.Omit] = {f"x-stainless-{what}": openai.Omit() for what in _ABOUT_US}
    if not has_key:
        # No header must be made of another key that the SDK finds in the environment.
        headers["Authorization"] = openai.Omit()
    return {
        "headers": headers,
        "max_retries": 0,
        "timeout": timeout,
        "params": {},
        "follow_redirects": False,
        "security": {"bearer_auth": True},
    }


class BodyTooLongError(Exception):
    """A response is longer than `LONGEST_BODY`."""


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream, self._left = stream, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise BodyTooLongError(f"the response is longer than {LONGEST_BODY:,} bytes, or compressed and long")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound_body(response: httpx2.Response) -> None:
    """Keep a response from filling the memory; a compressed one, which was not asked for, may grow a thousandfold."""
    compressed = response.headers.get("content-encoding", "identity") != "identity"
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream, LONGEST_BODY // 64 if compressed else LONGEST_BODY)
