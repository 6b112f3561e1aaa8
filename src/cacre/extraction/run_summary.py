"""What a run kept and rejected, and what its judge was spared, counted while the rows are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cacre.data import is_judge_record, part_of
from cacre.inference.decision import reason_kind
from cacre.inference.unknown_predicates import UnknownPredicates


def kept_part(row: Mapping[str, Any]) -> dict[str, Any]:
    """A judged row with its supported triples only."""
    return part_of(row, "supported")


def rejected_part(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A judged row with its rejected triples only; None if it has none."""
    part = part_of(row, "rejected")
    return part if part["triples"] else None


@dataclass
class RunSummary:
    """Counts over judged rows.

    Args:
        rows: Rows seen.
        kept: Supported triples.
        rejected: Rejected triples by kind of reason.
        judged: Borderline triples by what the LLM judge said.
        calls: Questions to the judge.
        would_be_calls: Rows with triples: as many questions would judging every row take, at least.
        unknown: Predicates that the schema lacks.
    """

    rows: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    would_be_calls: int = 0
    unknown: UnknownPredicates = field(default_factory=UnknownPredicates)

    def seen(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Count a row and give it back."""
        self.rows += 1
        self.would_be_calls += bool(row["triples"])
        if is_judge_record(row.get("judge")):
            self.calls += row["judge"]["calls"]
        for item in row["triples"]:
            if item["verdict"] == "supported":
                self.kept += 1
            else:
                self.rejected[reason_kind(item["reason"])] += 1
                self.unknown.add(item["predicate"], item["reason"])
            if "judge" in item:
                self.judged[item["judge"]] += 1
        return row

    def lines(self) -> list[str]:
        """The counts for a person to read, the most frequent reason first."""
        total = self.kept + self.rejected.total()
        lines = [f"{self.rows} rows, {total} triples: {self.kept} kept, {self.rejected.total()} rejected"]
        lines += [f"  {count:>6}  {kind}" for kind, count in self.rejected.most_common()]
        if self.judged:
            said = ", ".join(f"{count} {word}" for word, count in self.judged.most_common())
            lines += [
                f"LLM judge: {self.judged.total()} of {total} triples were borderline ({said}), {self.calls} calls; "
                f"judging every row would take at least {self.would_be_calls}: {self.would_be_calls - self.calls} saved"
            ]
        return lines
