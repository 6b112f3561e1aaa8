"""How the service listens and what a request may be at most."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from cacre.data import Limits
from cacre.errors import ConfigError
from cacre.inference.micro_batching import MAX_BATCH_TRIPLES
from cacre.inference.verifier import MAX_CANDIDATES, MAX_TEXT_CHARACTERS

TOKEN_VARIABLE = "CACRE_SERVE_TOKEN"
"""The environment variable that service and clients take the bearer token from."""
SHORTEST_TOKEN = 16
"""Characters; a shorter token could be guessed."""

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0.0, le=86_400.0)]
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class ServeSettings(BaseModel):
    """The settings of one process of the service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on; one that other machines reach needs a token."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    """Port to listen on; 0 takes a free one."""
    token: SecretStr | None = None
    """Bearer token that requests must bring; None asks for none."""
    open_metrics: bool = False
    """Give `/metrics` without the token."""
    max_batch_rows: Count = 32
    """Most texts judged at once."""
    max_batch_triples: Count = MAX_BATCH_TRIPLES
    """Most triples judged at once, unless a single text has more."""
    max_wait_ms: Annotated[float, Field(ge=0.0, le=1000.0)] = 2.0
    """How long an idle service waits for more texts before it judges the first, in milliseconds."""
    max_waiting_rows: Count = 1024
    """Most texts of all requests that wait or are being judged; more are refused with 503."""
    max_waiting_triples: Count = 20_000
    """The same for triples; a single request with more is refused for good."""
    max_requests: Count = 256
    """Most requests at work at the same time."""
    max_body_bytes: Count = 8 * 1024 * 1024
    """Longest body of a request."""
    max_held_bytes: Count = 256 * 1024 * 1024
    """Most bytes of all bodies in memory at the same time."""
    max_rows: Count = 256
    """Most rows in one request."""
    max_text_characters: Annotated[int, Field(ge=1, le=MAX_TEXT_CHARACTERS)] = 20_000
    """Longest text, in characters."""
    max_triples: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] = 1000
    """Most triples of one text."""
    max_texts: Count = 16
    """Most texts in one request to extract."""
    max_extracting_texts: Count = 64
    """Most texts of all requests that the LLM is asked about at the same time."""
    timeout_seconds: Seconds = 30.0
    """Longest time for a body to arrive, and then for the request to be worked on."""
    extract_timeout_seconds: Seconds = 300.0
    """The same for work that asks the LLM."""
    retry_after_seconds: Count = 1
    """What clients that are refused for lack of room are asked to wait."""
    drain_seconds: Annotated[float, Field(ge=0.0, le=3600.0)] = 1.0
    """How long, after SIGTERM, requests are still taken while `/readyz` says no."""
    shutdown_seconds: Seconds = 30.0
    """How long requests in work may take to end after that."""

    @field_validator("token")
    @classmethod
    def _usable_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_token(value.get_secret_value()):
            raise ValueError(
                f"the token must have {SHORTEST_TOKEN} or more of the characters A-Z a-z 0-9 . _ ~ + / -: "
                f"make one, for example with  openssl rand -hex 32, and set {TOKEN_VARIABLE}"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.token is None and not self.is_local:
            raise ValueError(f"host {self.host} can be reached by others: set {TOKEN_VARIABLE}, or listen on 127.0.0.1")
        for part, whole in (
            ("max_rows", "max_waiting_rows"),
            ("max_triples", "max_waiting_triples"),
            ("max_body_bytes", "max_held_bytes"),
            ("max_texts", "max_extracting_texts"),
        ):
            if getattr(self, part) > getattr(self, whole):
                raise ValueError(
                    f"{part}={getattr(self, part)} must not be above {whole}={getattr(self, whole)}, "
                    "or such a request would never be taken"
                )
        return self

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def limits(self) -> Limits:
        """What a row may be at most."""
        return Limits(self.max_text_characters, self.max_body_bytes, self.max_triples)


def serve_settings(**values: Any) -> ServeSettings:  # noqa: ANN401  (pydantic checks them)
    """Settings with the token of the environment, if it has one.

    Raises:
        ConfigError: A name is unknown, a value is not allowed, or two contradict each other.
    """
    # A variable that is set but empty is a mistake, and must not open the service.
    token = values.pop("token", os.environ.get(TOKEN_VARIABLE))
    try:
        return ServeSettings(token=token, **values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{name}: {_said(first['msg'])}" if name else _said(first["msg"])) from None


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _is_token(value: str) -> bool:
    return len(value) >= SHORTEST_TOKEN and _TOKEN.fullmatch(value) is not None
