"""Judging the candidate rows of one unit: read, judge in bounded chunks, write, commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

from cacre.batch.columns import ERROR, columns_of, judge_columns
from cacre.batch.ledger import Counts, Ledger
from cacre.batch.parts import ERRORS, PartFormat, UnitParts
from cacre.batch.reading import Record, read_unit
from cacre.batch.units import Unit
from cacre.data import part_of
from cacre.errors import DataError
from cacre.inference import FilterSummary, Verifier
from cacre.inference.decision import reason_kind

DATASETS = ("kept", "rejected", ERRORS)
_REASON = "rejected: "


class UnitJudge:
    """Judges units, one after the other, with one verifier.

    Args:
        verifier: Any verifier.
        ledger: Where units are committed.
        format: How parts are written.
        chunk_rows: Rows judged at once; what is in memory together.
        strict: Whether a row that cannot be used is an error, instead of an entry of the dataset `errors`.
    """

    def __init__(
        self, verifier: Verifier, ledger: Ledger, format: PartFormat, chunk_rows: int = 64, strict: bool = False
    ) -> None:
        self._verifier, self._ledger = verifier, ledger
        self._format, self._chunk_rows, self._strict = format, chunk_rows, strict

    def do(self, unit: Unit) -> Counts:
        """Judge a unit and commit it.

        Returns:
            How many rows, kept triples, rejected triples by reason, and entries in `errors` it has.

        Raises:
            DataError: With `strict`, a row cannot be used; the unit is not committed.
            ModelError: The model fails.
            OSError: The input cannot be read, or the output not be written.
        """
        summary = FilterSummary()
        with UnitParts(self._ledger.folder, unit, self._format) as parts:
            rows = read_unit(unit)
            while records := list(islice(rows, self._chunk_rows)):
                self._judge_chunk(records, parts, summary)
        counts = _counted(summary, parts.counts[ERRORS])
        self._ledger.commit(unit, counts)
        return counts

    def _judge_chunk(self, records: list[Record], parts: UnitParts, summary: FilterSummary) -> None:
        raws = [record.raw for record in records if record.raw is not None]
        columns = judge_columns(self._verifier, columns_of(raws)) if raws else {"triples": [], ERROR: []}
        judged = zip(columns["triples"], columns[ERROR], strict=True)
        for record in records:
            try:
                if record.raw is None:
                    raise record.error or DataError("cannot be read")
                triples, fault = next(judged)
                if fault is not None:
                    raise DataError(fault["reason"], field=fault["field"])
                _write({**record.raw, "triples": triples}, parts)
                _count(triples, summary)
            except DataError as error:
                if self._strict:
                    raise DataError(error.reason, path=record.place, field=error.field) from error
                parts.add_error(record.error_entry(error.reason, error.field))


def summary_of(counts: Counts) -> FilterSummary:
    """The counts of one or more units as those of `cacre filter`."""
    reasons = {name.removeprefix(_REASON): count for name, count in counts.items() if name.startswith(_REASON)}
    return FilterSummary(counts.get("rows", 0), counts.get("kept", 0), Counter(reasons))


def _counted(summary: FilterSummary, errors: int) -> Counts:
    reasons = {_REASON + reason: count for reason, count in sorted(summary.rejected.items())}
    return {"rows": summary.rows, "kept": summary.kept, **reasons, ERRORS: errors}


def _write(row: Mapping[str, Any], parts: UnitParts) -> None:
    kept, rejected = part_of(row, "supported"), part_of(row, "rejected")
    encoded = {"kept": parts.encode(kept)}
    if rejected["triples"]:
        encoded["rejected"] = parts.encode(rejected)
    for dataset, line in encoded.items():
        parts.add(dataset, line)


def _count(triples: list[dict[str, Any]], summary: FilterSummary) -> None:
    summary.rows += 1
    for triple in triples:
        if triple["verdict"] == "supported":
            summary.kept += 1
        else:
            summary.rejected[reason_kind(triple["reason"])] += 1
