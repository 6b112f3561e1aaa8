"""What a row says of its own triples: labels in each, or in a list beside them, and a verdict's rejection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cacre.errors import DataError
from cacre.types import Outcome

Said = frozenset[bool | None]
"""What the labels of one triple say: right, wrong, or None (not judged, or the judges differed); empty without any."""


def labels_of_triples(row: Mapping[str, Any]) -> list[Said]:
    """What labels say of each of a row's `triples`: `supported` or `label` in it, and `labels` beside the list.

    A label is 1, 0 or null, or an object whose `supported` is. Other things that stand under `label` or `labels` are
    not ours.

    Args:
        row: A row as it stands in the file, whose `triples` are a list.

    Raises:
        DataError: `labels` is not as long as `triples`.
    """
    items = row["triples"]
    inside = [_inside(item) for item in items]
    aligned = _beside(row)
    if not aligned:
        return inside
    if len(aligned) != len(items):
        reason = f"has {len(aligned)} entries, triples has {len(items)}: the lists are aligned by index"
        raise DataError(reason, field="labels")
    return [said | {_truth(label)} for said, label in zip(inside, aligned, strict=True)]


def without_labels(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the labels beside its triples, for which others are to stand there; what is not ours stays."""
    stale = "triples" in row or _beside(row)
    return {key: value for key, value in row.items() if not (stale and key == "labels")}


def part_of(row: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """A judged row with its triples of one outcome only, and their labels.

    Args:
        row: A row whose triples all have a verdict.
        outcome: Which triples to keep.
    """
    chosen = [index for index, item in enumerate(row["triples"]) if item["verdict"] == outcome]
    part = {**row, "triples": [row["triples"][index] for index in chosen]}
    labels = _beside(row)
    if labels and len(labels) == len(row["triples"]):
        part["labels"] = [labels[index] for index in chosen]
    return part


def is_rejected(item: object) -> bool:
    """Whether a triple of a row is one that a verifier has rejected."""
    return isinstance(item, Mapping) and item.get("verdict") == "rejected"


def _beside(row: Mapping[str, Any]) -> list[Any]:
    """The list `labels` of a row; empty where it has none, or one of other things."""
    labels = row.get("labels")
    return labels if isinstance(labels, list) and all(map(_is_label, labels)) else []


def _inside(item: object) -> Said:
    if not isinstance(item, Mapping):
        return frozenset()
    if "supported" in item:
        return frozenset([_truth(item["supported"])])
    return frozenset([_truth(item["label"])] if "label" in item and _is_label(item["label"]) else [])


def _is_label(value: object) -> bool:
    if isinstance(value, Mapping):
        return "supported" in value
    return value is None or value in (0, 1)


def _truth(label: object) -> bool | None:
    value = label.get("supported") if isinstance(label, Mapping) else label
    return bool(value) if value in (0, 1) else None
