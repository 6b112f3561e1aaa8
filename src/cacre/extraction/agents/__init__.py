"""Several roles on one LLM instead of one question: after the multi-agent framework of Chen & Liu 2024.

A selector names the relations that a text can hold, an extractor the entities and facts, a builder makes typed triples
of them, a reviewer accepts, corrects or rejects each and may ask for another round, and an aggregator, which is no LLM,
merges rounds, windows and samples. Of the original only the roles are public: prompts, rounds and votes are ours.
"""

from __future__ import annotations

from cacre.extraction.agents.limits import AgentLimits
from cacre.extraction.agents.multi_agent import MultiAgentExtractor

__all__ = ["AgentLimits", "MultiAgentExtractor"]
