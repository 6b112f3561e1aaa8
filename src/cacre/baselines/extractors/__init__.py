"""Extractors that need no LLM: the trained systems that the paper compares with, behind one protocol.

Importing it loads no torch: calling `load_extractor` does, and importing the module `run`, which trains.
"""

from cacre.baselines.extractors.loading import load_extractor
from cacre.baselines.extractors.protocol import Extractor, SystemCard
from cacre.baselines.extractors.registry import EXTRACTORS

__all__ = ["EXTRACTORS", "Extractor", "SystemCard", "load_extractor"]
