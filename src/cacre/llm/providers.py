"""Which servers are known by name, what their models can do, and where the API key comes from.

The table is resources/providers.toml. Capabilities there are a first guess: a client lowers them when a server refuses
something (`Capabilities.without`).
"""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cacre.errors import AccessError, ConfigError
from cacre.llm.chat import AnswerFormat, ChatRequest

Feature = Literal["logprobs", "json_schema", "json_object", "thinking", "seed", "temperature", "max_tokens"]
"""What a server may refuse and a request can do without (`max_tokens`: under that name)."""

SHARED_KEY_VARIABLE = "CACRE_API_KEY"
"""Environment variable that goes before the provider's own."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can be asked for.

    Args:
        json_schema: Answers that follow a JSON schema.
        json_object: Answers that are some JSON object.
        logprobs: Log probabilities of the answer's tokens.
        seed: A seed of the sampling.
        temperature: Lowest and highest temperature; None where the model takes none.
        max_tokens_key: What the server calls the limit on the answer's length.
        longest_answer: Highest such limit, in tokens; None where there is none.
        thinking_on: Keys of the body that let it think; empty where there is no such switch.
        thinking_off: Keys of the body that stop it from thinking.
    """

    json_schema: bool = False
    json_object: bool = False
    logprobs: bool = False
    seed: bool = False
    temperature: tuple[float, float] | None = (0.0, 2.0)
    max_tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    longest_answer: int | None = None
    thinking_on: Mapping[str, Any] = field(default_factory=dict)
    thinking_off: Mapping[str, Any] = field(default_factory=dict)

    def answer_format(self, request: ChatRequest) -> AnswerFormat:
        """The nearest format to the one asked for that the model has."""
        if request.answer_format == "json_schema" and request.json_schema is not None and self.json_schema:
            return "json_schema"
        return "json_object" if request.answer_format != "text" and self.json_object else "text"

    def longest(self, request: ChatRequest) -> int:
        """Longest answer to a request, in tokens."""
        return min(request.max_tokens, self.longest_answer or request.max_tokens)

    def features(self, request: ChatRequest) -> tuple[Feature, ...]:
        """What the body of a request uses that a server may refuse, in the order in which it is given up."""
        answer_format = self.answer_format(request)
        used: dict[Feature, bool] = {
            "logprobs": request.logprobs and self.logprobs,
            "json_schema": answer_format == "json_schema",
            "json_object": answer_format == "json_object",
            "thinking": bool(self._thinking(request)),
            "seed": request.seed is not None and self.seed,
            "temperature": request.temperature is not None and self.temperature is not None,
            "max_tokens": self.max_tokens_key == "max_tokens",
        }
        return tuple(feature for feature, is_used in used.items() if is_used)

    def without(self, feature: Feature) -> Capabilities:
        """The same model without a feature that it refused."""
        if feature == "thinking":
            return replace(self, thinking_on={}, thinking_off={})
        if feature == "temperature":
            return replace(self, temperature=None)
        if feature == "max_tokens":
            return replace(self, max_tokens_key="max_completion_tokens")
        changes: dict[str, Any] = {feature: False}
        return replace(self, **changes)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The body of a request, with what the model can do of what is asked; `extra_body` has the last word."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            self.max_tokens_key: self.longest(request),
        }
        if request.temperature is not None and self.temperature is not None:
            lowest, highest = self.temperature
            body["temperature"] = min(max(request.temperature, lowest), highest)
        answer_format = self.answer_format(request)
        if answer_format == "json_schema":
            schema = {"name": "answer", "schema": request.json_schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif answer_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        if request.logprobs and self.logprobs:
            body["logprobs"] = True
        if request.seed is not None and self.seed:
            body["seed"] = request.seed
        return {**body, **self._thinking(request), **request.extra_body}

    def _thinking(self, request: ChatRequest) -> Mapping[str, Any]:
        if request.thinking is None:
            return {}
        return self.thinking_on if request.thinking else self.thinking_off


@dataclass(frozen=True, slots=True)
class Provider:
    """A server.

    Args:
        name: Its name here.
        base_url: Where requests go, without `/chat/completions`.
        key_variables: Environment variables that may hold the API key, after `CACRE_API_KEY`.
        key_required: Whether it answers nobody without a key.
        default_model: The model that is asked when none is named; None where one must be named.
        default: What a model can do of which nothing else is known.
        models: Patterns of model names, and what these models can do; the first fitting one counts.
    """

    name: str
    base_url: str
    key_variables: tuple[str, ...] = ()
    key_required: bool = False
    default_model: str | None = None
    default: Capabilities = field(default_factory=Capabilities)
    models: tuple[tuple[str, Capabilities], ...] = ()

    @property
    def host(self) -> str:
        """Host of the base URL, for messages."""
        return urlsplit(self.base_url).netloc

    def capabilities(self, model: str) -> Capabilities:
        """What a model can do, as far as the table knows."""
        lowered = model.lower()
        return next((known for pattern, known in self.models if fnmatchcase(lowered, pattern)), self.default)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _CapabilityRow(_Strict):
    json_schema: bool = False
    json_object: bool = False
    logprobs: bool = False
    seed: bool = False
    temperature: tuple[float, float] | Literal[False] = (0.0, 2.0)
    max_tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    longest_answer: int | None = Field(default=None, ge=1)
    thinking_on: dict[str, Any] = {}
    thinking_off: dict[str, Any] = {}


class _ModelRow(_CapabilityRow):
    pattern: str


class _ProviderRow(_Strict):
    same_as: str | None = None
    base_url: str | None = None
    key_variables: tuple[str, ...] = ()
    key_required: bool = False
    default_model: str | None = None
    capabilities: _CapabilityRow = _CapabilityRow()
    models: tuple[_ModelRow, ...] = ()


def _capabilities(*rows: _CapabilityRow) -> Capabilities:
    """What the rows say together, a later one over an earlier one."""
    given: dict[str, Any] = {}
    for row in rows:
        given.update(row.model_dump(exclude_unset=True, exclude={"pattern"}))
    # TOML has no null: false stands for a model that takes no temperature.
    given["temperature"] = given.get("temperature", (0.0, 2.0)) or None
    return Capabilities(**given)


@functools.cache
def _table() -> dict[str, _ProviderRow]:
    text = resources.files("cacre.resources").joinpath("providers.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    merged = {name: {**rows.get(row.get("same_as", ""), {}), **row} for name, row in rows.items()}
    try:
        return {name: _ProviderRow.model_validate(row) for name, row in merged.items()}
    except ValidationError as error:
        raise ConfigError(f"providers.toml of this installation is broken, install cacre again: {error}") from None


PROVIDERS: tuple[str, ...] = tuple(_table())
"""Names of the known providers."""


def checked_url(base_url: str) -> str:
    """A base URL in its one written form, without a slash at its end.

    Raises:
        ConfigError: It is no http(s) URL, or holds credentials, a query, or the path of an endpoint.
    """
    try:
        parts = urlsplit(base_url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("base_url has to look like http://localhost:8000/v1 or https://host/v1; got something else")
    if "@" in parts.netloc:
        raise ConfigError(
            f"base_url must not hold credentials: put the key of {parts.hostname} into {SHARED_KEY_VARIABLE}"
        )
    if parts.query or parts.fragment:
        raise ConfigError(f"base_url of {parts.hostname} must have no ? and no #: give further keys as extra_body")
    path = parts.path.rstrip("/")
    if path.endswith("/completions"):
        raise ConfigError(f"base_url of {parts.hostname} must end before /chat/completions; got the path {path!r}")
    return f"{parts.scheme}://{parts.netloc}{path}"


def load_provider(name: str, base_url: str | None = None) -> Provider:
    """A provider by name.

    Args:
        name: One of `PROVIDERS`.
        base_url: Where its requests go instead; `custom` needs one.

    Raises:
        ConfigError: There is no such provider, or the base URL is missing or unusable.
    """
    row = _table().get(name)
    if row is None:
        raise ConfigError(f"unknown provider {name!r}: choose one of {', '.join(PROVIDERS)}")
    url = base_url or row.base_url
    if url is None:
        raise ConfigError(
            f"provider {name!r} needs a base URL, such as http://localhost:8000/v1: give it with --base-url"
        )
    return Provider(
        name=name,
        base_url=checked_url(url),
        key_variables=row.key_variables,
        key_required=row.key_required,
        default_model=row.default_model,
        default=_capabilities(row.capabilities),
        models=tuple((model.pattern, _capabilities(row.capabilities, model)) for model in row.models),
    )


def checked_key(key: str, origin: str) -> str:
    """An API key without white space around it.

    Raises:
        AccessError: It cannot stand in an HTTP header; the message names `origin`, never the key.
    """
    stripped = key.strip()
    if not stripped or not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise AccessError(
            f"the API key in {origin} is empty or has spaces, control or non-ASCII characters: set it anew"
        )
    return stripped


def api_key(provider: Provider, environ: Mapping[str, str] = os.environ) -> str | None:
    """The API key for a provider: `CACRE_API_KEY`, else the provider's own variables; None where none is needed or set.

    Raises:
        AccessError: A key is needed and there is none, or the one there cannot be sent.
    """
    variables = (SHARED_KEY_VARIABLE, *provider.key_variables)
    for variable in variables:
        if environ.get(variable, "").strip():
            return checked_key(environ[variable], variable)
    if provider.key_required:
        raise AccessError(f"{provider.name} needs an API key: set the environment variable {' or '.join(variables)}")
    return None
