"""Responses: JSON as cacre's files have it, and the one form of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from cacre.data import dump_row
from cacre.service.errors import RefusalError

_JSON = "application/json"


def json_response(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON object; characters that UTF-8 cannot carry are escaped, so that what was passed through comes back.

    Raises:
        DataError: A value is no JSON value.
    """
    return Response(dump_row(content).encode(), status, dict(headers or {}), media_type=_JSON)


def refusal_response(error: RefusalError) -> Response:
    """An error, in the form that all have."""
    return json_response(error.body(), error.status, error.headers())
