"""Asking an LLM: requests and answers, a client, limits, a meter, a cache, and a scripted LLM for tests.

Importing this package loads no client library: names are looked up when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacre.extras import names_on_demand

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


__getattr__ = names_on_demand("cacre.llm", _HOME, "llm")


def __dir__() -> list[str]:
    return list(__all__)
