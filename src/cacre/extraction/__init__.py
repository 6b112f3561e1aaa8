"""f_extract: texts to candidates or contrastive rows, by an LLM. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacre.extras import names_on_demand

if TYPE_CHECKING:
    from cacre.extraction.agents import AgentLimits, MultiAgentExtractor
    from cacre.extraction.extractor import Extraction, Extractor
    from cacre.extraction.generator import Generation, Generator
    from cacre.extraction.judging import Judge
    from cacre.extraction.settings import ExtractionSettings

_HOME = {
    "AgentLimits": "cacre.extraction.agents",
    "Extraction": "cacre.extraction.extractor",
    "ExtractionSettings": "cacre.extraction.settings",
    "Extractor": "cacre.extraction.extractor",
    "Generation": "cacre.extraction.generator",
    "Generator": "cacre.extraction.generator",
    "Judge": "cacre.extraction.judging",
    "MultiAgentExtractor": "cacre.extraction.agents",
}

__all__ = [
    "AgentLimits",
    "Extraction",
    "ExtractionSettings",
    "Extractor",
    "Generation",
    "Generator",
    "Judge",
    "MultiAgentExtractor",
]


__getattr__ = names_on_demand("cacre.extraction", _HOME, "llm")
