"""What both clients have in common: bodies to send, and what responses mean."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.retry import retry_base
from tenacity.stop import stop_base

from cacre.data import dump_row, modality_of
from cacre.errors import CacreError, ConfigError, DataError, LLMError
from cacre.inference.verifier import CandidateLike, as_candidate, as_pair
from cacre.service.errors import ServiceError, TooMuchError
from cacre.service.settings import TOKEN_VARIABLE
from cacre.types import Candidate, Triple, Verdict

Pair = tuple[str, Sequence[Candidate | Triple]]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filtered:
    """Rows as `cacre filter` writes them.

    Args:
        kept: Rows with their supported triples.
        rejected: Rows with their rejected triples, those without any left out.
        all: Rows with all their triples.
    """

    kept: tuple[Row, ...]
    rejected: tuple[Row, ...]
    all: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Extracted(Filtered):
    """Rows of extracted and judged triples.

    Args:
        kept: As in `Filtered`.
        rejected: As in `Filtered`.
        all: As in `Filtered`.
        failed: Index and reason of each text without a usable answer of the LLM.
    """

    failed: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits.

    Args:
        timeout: Seconds for connecting, and between two pieces of a response.
        attempts: Most tries of a request; another one is made only where the service says 503 and names a pause.
        longest_pause: Seconds; a service that asks for a longer pause is not waited for.
    """

    timeout: float = 60.0
    attempts: int = 4
    longest_pause: float = 30.0

    def stop(self) -> stop_base:
        """When to give up."""
        return stop_after_attempt(self.attempts)

    def retry(self) -> retry_base:
        """What is worth another try."""
        return retry_if_exception(self._is_worth_waiting_for)

    def _is_worth_waiting_for(self, error: BaseException) -> bool:
        pause = error.retry_after if isinstance(error, ServiceError) else None
        return pause is not None and pause <= self.longest_pause


def pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the service asks for and up to a quarter more, so that not all come at once."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ServiceError) and error.retry_after else 0.0
    return asked * random.uniform(1.0, 1.25)


def headers_of(token: str | None) -> dict[str, str]:
    """The headers of all requests; the token is the environment's where none is given.

    Raises:
        ConfigError: The token cannot be sent in a header.
    """
    token = os.environ.get(TOKEN_VARIABLE) if token is None else token
    if not token:
        return {}
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError(f"the token holds characters that cannot be sent: check {TOKEN_VARIABLE}")
    return {"authorization": f"Bearer {token}"}


def row_of(text: str, candidates: Sequence[CandidateLike]) -> dict[str, Any]:
    """A text and its candidates as the service takes them.

    Raises:
        DataError: The text or a candidate is malformed.
    """
    text, checked = as_pair(text, candidates)
    return {"text": text, "triples": [candidate.to_dict() for candidate in checked]}


def sent(body: Mapping[str, Any] | None) -> dict[str, Any]:
    """What httpx is to send: JSON as cacre writes it, which also carries what UTF-8 cannot.

    Raises:
        DataError: A value is no JSON value.
    """
    if body is None:
        return {}
    return {"content": dump_row(body).encode(), "headers": {"content-type": "application/json"}}


def verdicts_of(row: Row, candidates: Sequence[CandidateLike]) -> list[Verdict]:
    """The verdicts in a row of the service, about the candidates that were sent; without margins.

    Raises:
        ServiceError: The row is not about them.
    """
    given = list(map(as_candidate, candidates))
    try:
        return [_verdict(item, candidate) for item, candidate in zip(row["triples"], given, strict=True)]
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceError(f"the service's answer is not about what was asked ({error!r:.80}): {_CHECK}") from error


def filtered(answer: Mapping[str, Any]) -> Filtered:
    """Read an answer of `/v1/filter`."""
    return Filtered(**_parts(answer))


def extracted(answer: Mapping[str, Any]) -> Extracted:
    """Read an answer of `/v1/extract`."""
    failed = tuple((entry["row"], entry["message"]) for entry in answer.get("failed", ()))
    return Extracted(**_parts(answer), failed=failed)


def content_of(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of a response.

    Raises:
        DataError: The service cannot use what was sent.
        TooMuchError: It is more than the service takes in one request.
        ConfigError: The token is wrong, or the service has no LLM.
        LLMError: The service's LLM gave no usable answer.
        ServiceError: Anything else.
    """
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success and isinstance(content, dict):
        return content
    raise _error(response, content.get("error") if isinstance(content, dict) else None)


def broken(error: httpx.HTTPError, url: str) -> ServiceError:
    """What it means that no response came."""
    what = "took too long" if isinstance(error, httpx.TimeoutException) else "could not be reached"
    return ServiceError(f"the service at {url} {what} ({type(error).__name__}): check that it runs there")


_CHECK = "check that a cacre service of this version runs there"


def _error(response: httpx.Response, told: object) -> CacreError:
    status = response.status_code
    if not isinstance(told, dict):
        return ServiceError(f"the service answered {status} without its usual body: {_CHECK}", status=status)
    message, code, field, row = (told.get(key) for key in ("message", "code", "field", "row"))
    if code in ("unauthorized", "no_llm"):
        hint = f" ({TOKEN_VARIABLE})" if code == "unauthorized" else ""
        return ConfigError(f"the service answered {status}: {message}{hint}")
    if status in (400, 413, 415, 422):
        place = [None if row is None else f"rows[{row}]", None if field is None else str(field)]
        kind = TooMuchError if code in ("too_many", "body_too_large") else DataError
        return kind(str(message), field=".".join(part for part in place if part) or None)
    if code == "llm_failed":
        return LLMError(str(message))
    asked = response.headers.get("retry-after", "")
    after = float(asked) if status == 503 and asked.isdecimal() else None
    return ServiceError(f"the service answered {status}: {message}", status=status, code=str(code), retry_after=after)


def _verdict(item: Mapping[str, Any], candidate: Candidate) -> Verdict:
    return Verdict(
        candidate=candidate,
        outcome=item["verdict"],
        text_score=item["text_score"],
        pair_score=item["pair_score"],
        probability=item["probability"],
        evidence=tuple((start, end) for start, end in item["evidence"]),
        reason=item.get("reason"),
        modality=modality_of(item),
        judged_as=Triple(*item["judged_as"]) if item.get("judged_as") else None,
    )


def _parts(answer: Mapping[str, Any]) -> dict[str, tuple[Row, ...]]:
    try:
        return {name: tuple(answer[name]) for name in ("kept", "rejected", "all")}
    except (KeyError, TypeError) as error:
        raise ServiceError(f"the service's answer lacks {error}: {_CHECK}") from error
