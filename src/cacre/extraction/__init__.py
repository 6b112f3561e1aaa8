"""f_extract: texts to candidates or contrastive rows, by an LLM. No torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cacre.extraction.extractor import Extraction, Extractor
    from cacre.extraction.generator import Generation, Generator
    from cacre.extraction.judging import Judge
    from cacre.extraction.settings import ExtractionSettings

_HOME = {
    "Extraction": "cacre.extraction.extractor",
    "ExtractionSettings": "cacre.extraction.settings",
    "Extractor": "cacre.extraction.extractor",
    "Generation": "cacre.extraction.generator",
    "Generator": "cacre.extraction.generator",
    "Judge": "cacre.extraction.judging",
}

__all__ = ["Extraction", "ExtractionSettings", "Extractor", "Generation", "Generator", "Judge"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module attribute can be anything)
    if name not in _HOME:
        raise AttributeError(f"module 'cacre.extraction' has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cacre"):
            raise
        from cacre.errors import MissingExtraError

        raise MissingExtraError(error.name, "llm") from error
