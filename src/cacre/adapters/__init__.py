"""Verdicts inside the tools that others build graphs with: one module a tool, each with an extra of its own.

Importing this package loads no third-party module: names are looked up when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cacre.adapters.judging import Rejection
    from cacre.adapters.kggen import verify_graph
    from cacre.adapters.langchain import to_graph_document, verify_graph_documents
    from cacre.adapters.llamaindex import CacreFilter
    from cacre.adapters.names import Names
    from cacre.adapters.neo4j_graphrag import CacrePruning
    from cacre.adapters.openodke import CacreGrounder

_HOME = {
    "CacreFilter": "cacre.adapters.llamaindex",
    "CacreGrounder": "cacre.adapters.openodke",
    "CacrePruning": "cacre.adapters.neo4j_graphrag",
    "Names": "cacre.adapters.names",
    "Rejection": "cacre.adapters.judging",
    "to_graph_document": "cacre.adapters.langchain",
    "verify_graph": "cacre.adapters.kggen",
    "verify_graph_documents": "cacre.adapters.langchain",
}

__all__ = [
    "CacreFilter",
    "CacreGrounder",
    "CacrePruning",
    "Names",
    "Rejection",
    "to_graph_document",
    "verify_graph",
    "verify_graph_documents",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module attribute can be anything)
    if name not in _HOME:
        raise AttributeError(f"module 'cacre.adapters' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
