"""Asking an LLM: requests and answers, a client, limits, a meter, a cache, and a scripted LLM for tests.

Importing this package loads no client library: names are looked up when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cacre.errors import MissingExtraError

if TYPE_CHECKING:
    from cacre.llm.cache import CachedLLM
    from cacre.llm.chat import LLM, ChatAnswer, ChatRequest, Message, Usage
    from cacre.llm.client import OpenAIClient
    from cacre.llm.limits import RateLimits
    from cacre.llm.meter import Meter, Prices
    from cacre.llm.providers import Provider, api_key, load_provider
    from cacre.llm.retry import RetryPolicy
    from cacre.llm.scripted import ScriptedLLM

_HOME = {
    "CachedLLM": "cacre.llm.cache",
    "ChatAnswer": "cacre.llm.chat",
    "ChatRequest": "cacre.llm.chat",
    "LLM": "cacre.llm.chat",
    "Message": "cacre.llm.chat",
    "Meter": "cacre.llm.meter",
    "OpenAIClient": "cacre.llm.client",
    "Prices": "cacre.llm.meter",
    "Provider": "cacre.llm.providers",
    "RateLimits": "cacre.llm.limits",
    "RetryPolicy": "cacre.llm.retry",
    "ScriptedLLM": "cacre.llm.scripted",
    "Usage": "cacre.llm.chat",
    "api_key": "cacre.llm.providers",
    "load_provider": "cacre.llm.providers",
}

__all__ = [
    "LLM",
    "CachedLLM",
    "ChatAnswer",
    "ChatRequest",
    "Message",
    "Meter",
    "OpenAIClient",
    "Prices",
    "Provider",
    "RateLimits",
    "RetryPolicy",
    "ScriptedLLM",
    "Usage",
    "api_key",
    "load_provider",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module attribute can be anything)
    if name not in _HOME:
        raise AttributeError(f"module 'cacre.llm' has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cacre"):
            raise
        raise MissingExtraError(error.name, "llm") from error


def __dir__() -> list[str]:
    return list(__all__)
