"""From the bytes of a body to rows, with the checks that `cacre filter` makes."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from cacre.data import Kind, Limits, Row, parse_row, to_candidates
from cacre.data.strict_json import read_json
from cacre.errors import DataError
from cacre.service.errors import RefusalError
from cacre.types import Triple

LARGE_BODY = 16 * 1024
"""Bytes; what a longer body holds is read and checked in a thread, so that other requests are answered meanwhile."""
_SOURCE = "request"
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


async def apart(
    large: bool, check: Callable[_Arguments, _Result], *given: _Arguments.args, **named: _Arguments.kwargs
) -> _Result:
    """Call a function, in a thread if what it is given is large."""
    return await asyncio.to_thread(check, *given, **named) if large else check(*given, **named)


def parse_object(body: bytes) -> Mapping[str, Any]:
    """Read a JSON object; a byte order mark before it is passed over, as in files.

    Raises:
        RefusalError: The body is not one (400).
    """
    try:
        value = read_json(body.removeprefix(codecs.BOM_UTF8), "body")
    except DataError as error:
        raise _bad(error.reason) from error
    if not isinstance(value, dict):
        raise _bad(f"expected a JSON object, got {type(value).__name__}")
    return value


def candidate_row(value: object, limits: Limits, index: int | None = None) -> Row:
    """Make a row of candidates, whose triples may also be lists of three strings.

    Args:
        value: What the client sent.
        limits: What a row may be at most.
        index: Place of the row in the request; None where it is the whole request.

    Raises:
        RefusalError: It is no such row (422); names row and field.
    """
    return _row(value, "candidates", limits, index)


def listed_rows(body: Mapping[str, Any], most: int, most_triples: int) -> Sequence[Any]:
    """The rows of a request to filter, not yet checked: what is too much is refused before that costs anything.

    Raises:
        RefusalError: `rows` is no list (422), or there are too many rows or triples (413).
    """
    rows = _listed(body, "rows", most)
    lists = [row.get("triples") for row in rows if isinstance(row, dict)]
    triples = sum(len(items) for items in lists if isinstance(items, list))
    if triples > most_triples:
        message = f"{triples} triples in one request, at most {most_triples} are allowed: send several"
        raise RefusalError(413, "too_many", message, field="triples")
    return rows


def candidate_rows(values: Sequence[Any], limits: Limits) -> list[Row]:
    """Make the rows of a request to filter.

    Raises:
        RefusalError: A row cannot be used (422).
    """
    return [candidate_row(value, limits, index) for index, value in enumerate(values)]


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Whether something is asked for; false where the key is missing.

    Raises:
        RefusalError: The value is neither true nor false (422).
    """
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise RefusalError(422, "invalid", f"expected true or false, got {value!r:.80}", field=name)
    return value


def pair(body: Mapping[str, Any], limits: Limits) -> tuple[str, Triple]:
    """Read a text and one triple.

    Raises:
        RefusalError: A part is missing or cannot be used (422).
    """
    if "triple" not in body:
        raise RefusalError(422, "invalid", "is missing: send a triple to explain", field="triple")
    try:
        (candidate,) = to_candidates(
            candidate_row({"text": body.get("text"), "triples": [body["triple"]]}, limits)
        ).candidates
    except RefusalError as error:
        field = None if error.field is None else error.field.replace("triples[0]", "triple", 1)
        raise RefusalError(error.status, error.code, error.message, field=field) from error
    text: str = body["text"]
    return text, candidate.triple


def text_rows(body: Mapping[str, Any], limits: Limits, most: int) -> list[Row]:
    """Make the rows of a request to extract: strings, or objects with `text`.

    Raises:
        RefusalError: `texts` is no list (422) or too long (413), or a text cannot be used (422).
    """
    texts = _listed(body, "texts", most)
    wrapped = [{"text": text} if isinstance(text, str) else text for text in texts]
    return [_row(text, "texts", limits, index) for index, text in enumerate(wrapped)]


def _row(value: object, kind: Kind, limits: Limits, index: int | None) -> Row:
    try:
        content = parse_row(value, kind, limits)
    except DataError as error:
        raise RefusalError.of(error, index) from error
    # parse_row has checked that it is an object.
    return Row(_SOURCE, (index or 0) + 1, value, content)  # type: ignore[arg-type]


def _listed(body: Mapping[str, Any], name: str, most: int) -> Sequence[Any]:
    if name not in body:
        present = ", ".join(map(repr, body))
        raise RefusalError(422, "invalid", f"is missing; present are: {present or 'no keys':.200}", field=name)
    values = body[name]
    if not isinstance(values, list):
        raise RefusalError(422, "invalid", f"expected a list, got {values!r:.80}", field=name)
    if len(values) > most:
        message = f"has {len(values)} entries, at most {most} are allowed: send several requests"
        raise RefusalError(413, "too_many", message, field=name)
    return values


def _bad(message: str) -> RefusalError:
    return RefusalError(400, "bad_json", message)
