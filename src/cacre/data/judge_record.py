"""What an LLM judge leaves in a row, and a row without what was said of triples that others replace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cacre.data.triple_labels import without_labels


def is_judge_record(judge: object) -> bool:
    """Whether the key `judge` of a row is ours, and not the user's own."""
    return isinstance(judge, Mapping) and {"prompt", "band", "calls"} == set(judge) and isinstance(judge["calls"], int)


def bare(row: Mapping[str, Any]) -> dict[str, Any]:
    """A text row without what was said of the triples that are replaced: their labels, a judge's record."""
    stale = is_judge_record(row.get("judge"))
    return {key: value for key, value in without_labels(row).items() if not (stale and key == "judge")}
