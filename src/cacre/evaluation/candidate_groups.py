"""The groups of candidates that a verifier is measured on apart."""

from __future__ import annotations

from collections import Counter

import numpy as np

from cacre.evaluation.score_table import Bools, ScoreTable

SMALLEST_RELATION = 20
"""Candidates that a relation needs for a row of its own; the others are pooled."""
OTHER = "other"
UNNAMED = "unnamed"
LENGTHS = ((0, 40, "<= 40"), (41, 80, "41-80"), (81, 160, "81-160"), (161, None, "> 160"))
"""First and last length in characters, and the name, of each group of texts."""


def candidate_groups(table: ScoreTable) -> dict[str, dict[str, Bools]]:
    """Groups by relation, kind of error, length of the text, and whether the entities were seen in training.

    Relations with fewer than 20 candidates are pooled as `other`. A kind of error stands against all right candidates;
    where kinds are known, wrong candidates without one are `unnamed`. Groups without a candidate are left out, and so
    are kinds and entities of which nothing is known.

    Args:
        table: The candidates.

    Returns:
        `relation`, `error_kind`, `text_length`, `entities` -> name -> members `[N]`, the largest group first where
        there is no order by nature.
    """
    return {
        "relation": _relations(table),
        "error_kind": _error_kinds(table),
        "text_length": _lengths(table),
        "entities": {
            name: table.seen == value for name, value in (("seen", 1), ("unseen", 0)) if (table.seen == value).any()
        },
    }


def _relations(table: ScoreTable) -> dict[str, Bools]:
    relations = np.asarray(table.relation, dtype=object)
    counts = sorted(Counter(table.relation).items(), key=lambda item: (-item[1], item[0]))
    groups = {name: relations == name for name, count in counts if count >= SMALLEST_RELATION}
    rest = np.ones(len(table), dtype=bool) if not groups else ~np.any(list(groups.values()), axis=0)
    if rest.any():
        groups[OTHER if OTHER not in groups else f"{OTHER} (pooled)"] = rest
    return groups


def _error_kinds(table: ScoreTable) -> dict[str, Bools]:
    wrong = np.flatnonzero(~table.labels).tolist()
    counts = Counter(table.error_kind[row] for row in wrong)
    if not set(counts) - {None}:
        return {}
    kinds = np.asarray(table.error_kind, dtype=object)
    ordered = sorted(counts.items(), key=lambda item: (item[0] is None, -item[1], item[0] or ""))
    return {
        UNNAMED if kind is None else kind: table.labels | (~table.labels & (kinds == np.asarray(kind, dtype=object)))
        for kind, _ in ordered
    }


def _lengths(table: ScoreTable) -> dict[str, Bools]:
    members = {
        name: (table.text_length >= first) & (table.text_length <= (np.inf if last is None else last))
        for first, last, name in LENGTHS
    }
    return {name: chosen for name, chosen in members.items() if chosen.any()}
