"""Graphs of supported facts: verdict rows merged into entities and edges, and what they are written as."""

from __future__ import annotations

from cacre.graph.collecting import GraphCollector, MergeSettings, collect_graph
from cacre.graph.naming import entity_key
from cacre.graph.values import Edge, Entity, Graph, Source

__all__ = ["Edge", "Entity", "Graph", "GraphCollector", "MergeSettings", "Source", "collect_graph", "entity_key"]
