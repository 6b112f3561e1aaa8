"""The table of the report on what the scores are worth, out of what `measure` gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cacre.evaluation.curves import PAPER_TPR
from cacre.evaluation.verifier_metrics import BINS, SCORES


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Args:
        value: The number.
        interval: 95 %, over texts; None where it is not defined.
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One measure of each score.

    Args:
        name: Of the measure.
        note: How to read it.
        cells: One per score; None where it is not defined.
    """

    name: str
    note: str
    cells: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True)
class Qualities:
    """Measures by score; columns are the scores that there are."""

    columns: tuple[str, ...]
    rows: tuple[QualityRow, ...]


_MEASURES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("AUC", "chance that a right candidate scores above a wrong one; .5 is guessing", ("auc",)),
    (
        "average precision",
        "area under precision over recall; guessing gives the share of right ones",
        ("average_precision",),
    ),
    (
        "wrong ones removed",
        f"share rejected by the strictest threshold that keeps {PAPER_TPR * 100:.1f} % of the right ones",
        ("operating_point", "false_removed_share"),
    ),
    ("precision at recall .90", "of the right candidates, whatever else gold holds", ("precision_at_recall", "0.9")),
    ("recall at precision .90", "0 if no threshold reaches it", ("recall_at_precision", "0.9")),
    ("area under risk-coverage", "mean risk over all coverages; lower is better", ("risk_coverage", "area")),
    ("best F1", "at the best threshold on these very candidates, so that it flatters", ("best_f1", "f1")),
)
_CALIBRATION: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "calibration error (ECE)",
        f"mean distance of probability and share of right ones in {BINS} bins; lower is better",
        ("ece",),
    ),
    ("Brier score", "mean squared distance between probability and label; lower is better", ("brier",)),
)


def qualities(measured: Mapping[str, Any]) -> Qualities:
    """Arrange the measures of all scores in a table; rows without any number are left out.

    Args:
        measured: What `measure` gives.
    """
    columns = tuple(name for name in SCORES if measured["scores"][name] is not None)
    scores = [measured["scores"][name] for name in columns]
    calibration = [measured["calibration"] if name == "probability" else None for name in columns]
    rows = [
        QualityRow(name, note, tuple(_find(report, path) for report in reports))
        for measures, reports in ((_MEASURES, scores), (_CALIBRATION, calibration))
        for name, note, path in measures
    ]
    return Qualities(columns, tuple(row for row in rows if any(row.cells)))


def _find(report: Mapping[str, Any] | None, path: tuple[str, ...]) -> Estimate | None:
    """The estimate at a path of keys; None where there is none."""
    for key in path:
        report = None if report is None else report.get(key)
    if report is None or report["value"] is None:
        return None
    interval = report["interval"]
    return Estimate(report["value"], None if interval is None else (interval[0], interval[1]))
