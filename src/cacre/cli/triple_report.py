"""What `cacre evaluate` shows of predicted triples: their scores, and those of another output, as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from cacre.evaluation.bootstrap import Intervals
from cacre.evaluation.duie_scorer import Scores
from cacre.evaluation.paired import Difference


@dataclass(frozen=True)
class Comparison:
    """Scores of another output, and how much more the first reaches."""

    scores: Scores
    differences: Mapping[str, Difference]


def scores_table(scores: Scores, relations: Mapping[str, Scores], intervals: Intervals | None, mode: str) -> Table:
    """Scores of all triples, with their intervals, and of each relation.

    Args:
        scores: Of all.
        relations: By predicate; may be empty.
        intervals: Of all; None for none.
        mode: What of an object was compared.
    """
    table = Table(title=f"DuIE2.0 scores ({mode})")
    table.add_column("relation")
    for name in ("precision", "recall", "F1", "correct", "predicted", "gold"):
        table.add_column(name, justify="right")
    for name, row in {"all": scores, **relations}.items():
        rates = (f"{rate:.4f}" for rate in (row.precision, row.recall, row.f1))
        table.add_row(name, *rates, str(row.correct), str(row.predicted), str(row.gold))
        if name == "all" and intervals is not None:
            ends = (intervals.precision, intervals.recall, intervals.f1)
            for end, word in enumerate(("from", "to")):
                table.add_row(f"{intervals.level:.0%} {word}", *(f"{pair[end]:.4f}" for pair in ends))
    return table


def comparison_table(scores: Scores, other: Comparison) -> Table:
    """The two outputs side by side, with their differences."""
    table = Table(title="against the other output (paired)")
    table.add_column("measure")
    for name in ("this", "other", "difference", "95 % from", "to", "p"):
        table.add_column(name, justify="right")
    for name, found in other.differences.items():
        ends = [_rate(None), _rate(None)] if found.interval is None else [_rate(end) for end in found.interval]
        table.add_row(
            name,
            _rate(getattr(scores, name)),
            _rate(getattr(other.scores, name)),
            _rate(found.value),
            *ends,
            _rate(found.p),
        )
    return table


def _rate(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"
