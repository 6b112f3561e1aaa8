"""The FastAPI application: routes to the service's methods, and every error in one form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cacre import __version__
from cacre.errors import DataError
from cacre.service.bodies import BodyReader, finish
from cacre.service.documents import (
    Explanation,
    ExtractedRows,
    FilteredRows,
    JudgedRow,
    ModelCard,
    State,
    errors,
    explain_body,
    extract_body,
    filter_body,
    verify_body,
)
from cacre.service.errors import RefusalError
from cacre.service.gate import Gate, record_of
from cacre.service.page import add_page
from cacre.service.requests import LARGE_BODY, apart, parse_object
from cacre.service.responses import json_response, refusal_response
from cacre.service.service import VerificationService
from cacre.service.settings import ServeSettings
from cacre.service.values import Answer

_WORK_ERRORS = (400, 401, 408, 413, 415, 421, 422, 500, 503, 504)


def create_app(service: VerificationService, settings: ServeSettings) -> FastAPI:
    """Make the application.

    Args:
        service: Does the work; opened and closed with the application.
        settings: Token and limits.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service:
            yield

    # The usual pages of documentation load scripts from elsewhere, and would show nothing without internet.
    app = FastAPI(title="cacre", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Gate, service=service, settings=settings)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    _add_work(app, service, settings)
    _add_state(app, service)
    add_page(app)
    return app


def _add_work(app: FastAPI, service: VerificationService, settings: ServeSettings) -> None:
    bodies = BodyReader(settings)

    async def answer(
        request: Request, work: Callable[[Mapping[str, Any], bool], Coroutine[Any, Any, Answer]], seconds: float
    ) -> Response:
        async with bodies.read(request) as body:
            large = len(body) > LARGE_BODY
            done = await finish(request, work(await apart(large, parse_object, body), large), seconds)
        record_of(request.scope).fields.update(done.counts)
        return await apart(large, json_response, done.content)

    @app.post(
        "/v1/verify",
        responses={200: {"model": JudgedRow}, **errors(*_WORK_ERRORS)},
        openapi_extra=verify_body(settings),
    )
    async def verify(request: Request) -> Response:
        """Judge the triples of one text."""
        return await answer(request, service.verify, settings.timeout_seconds)

    @app.post(
        "/v1/filter",
        responses={200: {"model": FilteredRows}, **errors(*_WORK_ERRORS, 501)},
        openapi_extra=filter_body(settings),
    )
    async def filter_rows(request: Request) -> Response:
        """Judge the triples of many rows."""
        return await answer(request, service.filter, settings.timeout_seconds)

    @app.post(
        "/v1/explain",
        responses={200: {"model": Explanation}, **errors(*_WORK_ERRORS, 501)},
        openapi_extra=explain_body(settings),
    )
    async def explain(request: Request) -> Response:
        """Say where a triple looks in a text."""
        return await answer(request, lambda body, _: service.explain(body), settings.timeout_seconds)

    @app.post(
        "/v1/extract",
        responses={200: {"model": ExtractedRows}, **errors(*_WORK_ERRORS, 501, 502)},
        openapi_extra=extract_body(settings),
    )
    async def extract(request: Request) -> Response:
        """Let an LLM, or a trained extractor, propose triples for texts, and judge them."""
        return await answer(request, lambda body, _: service.extract(body), settings.extract_timeout_seconds)


def _add_state(app: FastAPI, service: VerificationService) -> None:
    @app.get("/v1/model", responses={200: {"model": ModelCard}, **errors(401, 421, 500)})
    async def model() -> Response:
        """Say which model, thresholds and relations are in use."""
        return json_response(service.model().content)

    @app.get("/healthz", responses={200: {"model": State}, **errors(421)})
    async def healthz() -> Response:
        """Say that the process is up."""
        return json_response({"status": "up"})

    @app.get("/readyz", responses={200: {"model": State}, **errors(421, 503)})
    async def readyz() -> Response:
        """Say whether new requests should be sent here."""
        if not service.ready:
            pause = service.settings.retry_after_seconds
            message = "the service is about to stop" if service.draining else "the model is being loaded"
            raise RefusalError(503, "not_ready", message, retry_after=pause)
        return json_response({"status": "ready"})

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **errors(401, 421)},
    )
    async def metrics() -> Response:
        """Give numbers to Prometheus."""
        page, kind = service.metrics.page()
        return Response(page, headers={"content-type": kind})


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusalError):
        raise error
    record_of(request.scope).fields.update(_told(error))
    return refusal_response(error)


def _unusable_row(request: Request, error: Exception) -> Response:
    return _refused(request, RefusalError.of(error) if isinstance(error, DataError) else error)


def _too_deep(request: Request, _: Exception) -> Response:
    return _refused(request, RefusalError(422, "invalid", "the JSON is nested too deeply"))


def _not_valid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or None
    return _refused(request, RefusalError(422, "invalid", str(first["msg"]), field=field))


def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = HTTPStatus(error.status_code).name.lower()
    response = _refused(request, RefusalError(error.status_code, code, _ADVICE.get(error.status_code, error.detail)))
    response.headers.update(error.headers or {})
    return response


def _told(error: RefusalError) -> dict[str, object]:
    # The field's name may hold a key of the client's, and is left out for that.
    return {"code": error.code} if error.row is None else {"code": error.code, "row": error.row}


_ADVICE = {
    404: "there is nothing here: /openapi.json lists the routes",
    405: "the route takes another method: /openapi.json lists them",
}
_Handler = Callable[[Request, Exception], Response | Awaitable[Response]]
_HANDLERS: dict[type[Exception], _Handler] = {
    RefusalError: _refused,
    DataError: _unusable_row,
    RecursionError: _too_deep,
    RequestValidationError: _not_valid,
    HTTPException: _http_error,
}
