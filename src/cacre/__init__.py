"""cacre: the verification layer between any extractor and a knowledge graph.

    >>> import cacre
    >>> verifier = cacre.load_verifier("mini-zh")
    >>> verdicts = verifier.verify("《长夜》由李默执导。", [cacre.Triple("长夜", "导演", "李默")])

Importing cacre loads neither torch nor transformers: names are looked up when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cacre.errors import CacreError
    from cacre.inference import OnnxVerifier, Verifier, load_verifier
    from cacre.schema import RelationType, Schema, load_schema
    from cacre.types import Candidate, Example, Triple, Verdict

__version__ = "0.1.0"

_HOME = {
    "CacreError": "cacre.errors",
    "Candidate": "cacre.types",
    "Example": "cacre.types",
    "OnnxVerifier": "cacre.inference",
    "RelationType": "cacre.schema",
    "Schema": "cacre.schema",
    "Triple": "cacre.types",
    "Verdict": "cacre.types",
    "Verifier": "cacre.inference",
    "load_schema": "cacre.schema",
    "load_verifier": "cacre.inference",
}

__all__ = [
    "CacreError",
    "Candidate",
    "Example",
    "OnnxVerifier",
    "RelationType",
    "Schema",
    "Triple",
    "Verdict",
    "Verifier",
    "load_schema",
    "load_verifier",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module attribute can be anything)
    if name not in _HOME:
        raise AttributeError(f"module 'cacre' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
