"""What had to be repaired in generated rows, counted while they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RepairSummary:
    """Counts over generated rows.

    Args:
        rows: Rows seen.
        empty: Rows without an anchor; of no use for training.
        anchors: Anchors in all rows.
        repairs: Repairs by name.
        dropped: Triples left out, by reason.
    """

    rows: int = 0
    empty: int = 0
    anchors: int = 0
    repairs: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def seen(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Count a row and give it back."""
        self.rows += 1
        self.empty += not row["anchors"]
        self.anchors += len(row["anchors"])
        record = row["generation"]
        self.repairs.update(record.get("repairs", {}))
        self.dropped.update(f"{name}: {reason}" for name, _, reason in record.get("dropped", ()))
        return row

    def lines(self) -> list[str]:
        """The counts for a person to read, the most frequent first."""
        head = f"{self.rows} rows, {self.anchors} anchors; {self.empty} rows without an anchor"
        made = [f"  {count:>6}  {name}" for name, count in self.repairs.most_common()]
        lost = [f"  {count:>6}  {name}" for name, count in self.dropped.most_common()]
        return [head, *(["repaired:", *made] if made else []), *(["left out:", *lost] if lost else [])]
