"""Relation schemas: which relations may hold between what, how they are said, and which of them exclude each other."""

from __future__ import annotations

from cacre.schema.checks import NOT_IN_SCHEMA, SAME_NAME, TYPE_VIOLATION
from cacre.schema.joining import new_relations, with_new_relations
from cacre.schema.loading import load_schema
from cacre.schema.relation import Reading, RelationType
from cacre.schema.schema import Schema

__all__ = [
    "NOT_IN_SCHEMA",
    "SAME_NAME",
    "TYPE_VIOLATION",
    "Reading",
    "RelationType",
    "Schema",
    "load_schema",
    "new_relations",
    "with_new_relations",
]
