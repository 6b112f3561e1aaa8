"""What every request passes: who may come in, what it is called, how it ended. Plain ASGI."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cacre.service.batching import Room
from cacre.service.errors import RefusalError
from cacre.service.logs import crash_fields, log
from cacre.service.metrics import route_of
from cacre.service.page import PAGE_PATHS
from cacre.service.responses import refusal_response
from cacre.service.service import VerificationService
from cacre.service.settings import ServeSettings

REQUEST_ID = "x-request-id"
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_OPEN = frozenset(["/healthz", "/readyz"]) | PAGE_PATHS
"""What is given without a token; the page asks for one itself."""
_LOCAL_NAMES = frozenset(["localhost", "127.0.0.1", "[::1]"])
_RECORD = "cacre.record"


@dataclass
class Record:
    """What is known of a request, for log and metrics.

    Args:
        request_id: Its name: the client's, or a new one.
        status: HTTP status, 0 before it is known.
        fields: Numbers and names of ours for the log.
    """

    request_id: str
    status: int = 0
    fields: dict[str, object] = field(default_factory=dict)


def record_of(scope: Scope) -> Record:
    """The record of a request that came through the gate."""
    record = scope[_RECORD]
    if not isinstance(record, Record):
        raise TypeError(f"expected a Record under {_RECORD}, got {type(record).__name__}")
    return record


class Gate:
    """Checks host and token, bounds the requests at work, names them, and logs and counts what became of them.

    Args:
        app: What is behind it.
        service: Says whether it is draining, and holds the metrics.
        settings: Token and limits.
    """

    def __init__(self, app: ASGIApp, service: VerificationService, settings: ServeSettings) -> None:
        self._app, self._service, self._settings = app, service, settings
        self._token = None if settings.token is None else settings.token.get_secret_value().encode()
        self._room = Room("requests", settings.max_requests, settings.retry_after_seconds)
        service.metrics.watch("cacre_requests_at_work", "Requests at work.", lambda: self._room.taken)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = scope[_RECORD] = Record(_request_id(Headers(scope=scope)))

        async def marked_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(record, message)
            await send(message)

        with self._recorded(scope, record):
            try:
                await self._pass(scope, receive, marked_send)
            except RefusalError as error:
                await refusal_response(error)(scope, receive, marked_send)
            except asyncio.CancelledError:
                if not self._service.draining:
                    raise
                await self._fail(record, RefusalError(503, "stopped", _STOPPED), scope, receive, marked_send)
            except Exception as error:  # whatever it is, the client gets an answer and the log no text
                log("crash", {"request_id": record.request_id, **crash_fields(error)}, logging.ERROR)
                failure = RefusalError(500, "internal", f"the service failed; its log says more: {record.request_id}")
                await self._fail(record, failure, scope, receive, marked_send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._check(scope["path"], Headers(scope=scope))
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        with self._room.hold(1):
            await self._app(scope, receive, send)

    async def _fail(self, record: Record, error: RefusalError, scope: Scope, receive: Receive, send: Send) -> None:
        record.fields["code"] = error.code
        if record.status:  # too late: the client sees that the response is cut off
            raise error
        await refusal_response(error)(scope, receive, send)

    def _check(self, path: str, headers: Headers) -> None:
        if self._token is None:
            self._check_host(headers.get("host", ""))
            return
        if path in _OPEN or (path == "/metrics" and self._settings.open_metrics):
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        is_token = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._token)
        if scheme.lower() != "bearer" or not is_token:
            raise RefusalError(
                401, "unauthorized", "send the header  Authorization: Bearer TOKEN  with the right token"
            )

    def _check_host(self, host: str) -> None:
        """Without a token, refuse pages of other sites whose name was made to lead here."""
        name = re.sub(r":\d*$", "", host).lower()
        if name not in _LOCAL_NAMES and name != self._settings.host.lower():
            message = "this service has no token and answers only to localhost: set a token to use other names"
            raise RefusalError(421, "wrong_host", message)

    def _mark(self, record: Record, message: Message) -> None:
        record.status = message["status"]
        headers = MutableHeaders(scope=message)
        headers[REQUEST_ID] = record.request_id
        headers["x-content-type-options"] = "nosniff"
        headers.setdefault("cache-control", "no-store")
        if self._service.draining:
            headers["connection"] = "close"

    @contextmanager
    def _recorded(self, scope: Scope, record: Record) -> Iterator[None]:
        start = time.perf_counter()
        route = route_of(scope["path"])
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self._service.metrics.request(route, record.status, seconds)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            known = {"request_id": record.request_id, "method": method, "route": route, "status": record.status}
            log("request", {**known, "ms": round(seconds * 1000, 3), **record.fields})


_STOPPED = "the service was stopped before this request was done: send it again"


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
