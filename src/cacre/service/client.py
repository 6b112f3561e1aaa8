"""The synchronous client of the service: a `Verifier`, so that it can stand where a local model does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import httpx
from tenacity import Retrying

from cacre.errors import CacreError, DataError
from cacre.service.async_client import AsyncClient as AsyncClient
from cacre.service.errors import ServiceError
from cacre.service.exchange import (
    Extracted,
    Filtered,
    Pair,
    Patience,
    Row,
    broken,
    content_of,
    extracted,
    filtered,
    headers_of,
    pause,
    row_of,
    sent,
    verdicts_of,
)
from cacre.service.portions import Portions
from cacre.types import Candidate, Triple, Verdict


class Client:
    """Talks to a service. Close it with `close()` or `with`.

    Args:
        url: The service's address.
        token: Its bearer token; None takes that of `CACRE_SERVE_TOKEN`, if it is set.
        patience: How long to wait, and how often to try.
        transport: An httpx transport instead of the usual one.

    Raises:
        ConfigError: The token cannot be sent.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        patience: Patience = Patience(),  # noqa: B008  (frozen)
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, self._patience = url, patience
        self._http = httpx.Client(
            base_url=url, headers=headers_of(token), timeout=patience.timeout, transport=transport
        )

    def verify(self, text: str, candidates: Sequence[Candidate | Triple]) -> list[Verdict]:
        """Judge the candidates of one text; one verdict per candidate, in their order.

        Raises:
            DataError: The text or a candidate cannot be used.
            ConfigError: The token is wrong.
            ServiceError: There was no usable answer.
        """
        return verdicts_of(self._post("/v1/verify", row_of(text, candidates)), candidates)

    def verify_many(self, pairs: Sequence[Pair]) -> list[list[Verdict]]:
        """Judge several texts, in as many requests as that takes; errors as in `verify`.

        What the service does not take, or not judge in its time, is sent again in smaller requests. The `rows[N]` of
        a DataError is a place in `pairs`.
        """
        portions = Portions(pairs)
        while rows := portions.next_rows():
            try:
                portions.take(self.filter(rows).all)
            except (DataError, ServiceError) as error:
                portions.halve(error)
        return portions.judged

    def filter(self, rows: Iterable[Row]) -> Filtered:
        """Judge candidate rows, in one request; errors as in `verify`."""
        return filtered(self._post("/v1/filter", {"rows": list(rows)}))

    def extract(self, texts: Iterable[str | Row]) -> Extracted:
        """Let the service's LLM propose triples for texts, and judge them.

        Raises:
            ConfigError: The service has no LLM, or the token is wrong.
            LLMError: No text got a usable answer.
            CacreError: As in `verify`.
        """
        return extracted(self._post("/v1/extract", {"texts": list(texts)}))

    def ready(self) -> bool:
        """Whether the service can be reached and takes requests."""
        try:
            return self._http.get("/readyz").is_success
        except httpx.HTTPError:
            return False

    def model(self) -> Mapping[str, Any]:
        """Name, thresholds, schema and relations of the service's model; errors as in `verify`."""
        return self._send("GET", "/v1/model", None)

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        tries = Retrying(stop=self._patience.stop(), retry=self._patience.retry(), wait=pause, reraise=True)
        return tries(self._send, "POST", path, body)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        failure: CacreError
        try:
            return content_of(self._http.request(method, path, **sent(body)))
        except httpx.HTTPError as error:
            failure = broken(error, self.url)
        raise failure
