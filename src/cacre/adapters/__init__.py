"""Verdicts inside the tools that others build graphs with: one module a tool, each with an extra of its own.

Importing this package loads no third-party module: names are looked up when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacre.extras import names_on_demand

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


__getattr__ = names_on_demand("cacre.adapters", _HOME)


def __dir__() -> list[str]:
    return list(__all__)
