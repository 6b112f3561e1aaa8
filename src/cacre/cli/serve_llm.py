"""The LLM behind `/v1/extract`: options to an extractor, and its extractions to rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cacre.errors import ConfigError
from cacre.extraction.extractor import Extractor
from cacre.extraction.settings import parse_settings
from cacre.extraction.works import fitting
from cacre.llm import LLM, CachedLLM, Meter, OpenAIClient, RateLimits, api_key, load_provider
from cacre.schema import Schema
from cacre.service.values import Proposer

if TYPE_CHECKING:
    from cacre.cli.serve import LLMOptions


def make_proposer(options: LLMOptions, schema: Schema) -> Proposer:
    """What proposes triples for the service.

    Args:
        options: Whom to ask, and how.
        schema: The relations to ask for.

    Raises:
        ConfigError: An option is unknown or missing.
        AccessError: A key is needed and there is none.
    """
    provider = load_provider(options.provider or "custom", options.base_url)
    name = options.llm or provider.default_model
    if not name:
        raise ConfigError(f"--provider {provider.name} has no model of its own: name one with --llm")
    settings = parse_settings(
        llm=name, language=options.language, samples=options.samples, max_tokens=options.max_tokens
    )
    meter = Meter(max_requests=options.max_llm_requests)
    llm: LLM = OpenAIClient(provider, api_key=api_key(provider), limits=RateLimits(options.concurrency), meter=meter)
    if options.cache is not None:
        llm = CachedLLM(llm, options.cache, meter=meter)
    extractor = Extractor(llm, schema, settings)

    async def propose(text: str) -> Mapping[str, Any]:
        extraction = await extractor.aextract(text)
        room = fitting(extraction.triples)
        surplus = len(extraction.triples) - room
        told = {**extraction.provenance, **({"left_out": surplus} if surplus else {})}
        return {"triples": list(extraction.triples[:room]), "extraction": told}

    return Proposer(name, propose, extractor.aclose)
