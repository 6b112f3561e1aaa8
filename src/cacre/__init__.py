"""cacre: the verification layer between any extractor and a knowledge graph.

    >>> import cacre
    >>> verifier = cacre.load_verifier("mini-zh")
    >>> verdicts = verifier.verify("《长夜》由李默执导。", [cacre.Triple("长夜", "导演", "李默")])

Importing cacre loads neither torch nor transformers: names are looked up when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacre.extras import names_on_demand

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


__getattr__ = names_on_demand("cacre", _HOME)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
