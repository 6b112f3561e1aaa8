"""What a row says of its own triples: labels in each, or in a list beside them, and a verdict's rejection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cacre.errors import DataError
from cacre.types import Outcome

# What somebody may write for a label: not 影视, which is another tool's, but what must not go unread.
_WORD = re.compile(
    r"[-+.\d]+|true|false|yes|no|y|n|right|wrong|good|bad|(in)?correct|(un|not )?supported|rejected|null|none"
    r"|对|错|是|否|正确|错误|支持|不支持",
    re.IGNORECASE,
)


class Judgement(NamedTuple):
    """What a label says of one triple.

    `right` is None where the judges differed or gave no word; `kind` names the error of a wrong triple, if known.
    """

    right: bool | None
    kind: str | None = None


def labels_of_triples(row: Mapping[str, Any]) -> list[Judgement | None]:
    """What labels say of each of a row's `triples`: `supported`, else `label`, in it, and `labels` beside the list.

    A label is 1, 0 or null, or an object whose `supported` is. Where a triple has two, null gives way to the other.
    Words that are no label (影视) under `label` or in `labels`, and a list that is not one of labels, are not ours.

    Args:
        row: A row as it stands in the file, whose `triples` are a list.

    Returns:
        One for each triple; None where it has no label.

    Raises:
        DataError: What stands in the place of a label is none, `labels` is not as long as `triples`, or two labels of a
            triple contradict each other; with the field.
    """
    items = row.get("triples", [])
    inside = [label_in(item, index) for index, item in enumerate(items)]
    labels = row.get("labels")
    aligned = _aligned(row)
    if aligned is None:
        if isinstance(labels, list) and labels and all(map(_is_label, labels)):
            reason = f"has {len(labels)} entries, triples has {len(items)}: the lists are aligned by index"
            raise DataError(reason, field="labels")
        return inside
    beside = [judgement_of(label, f"labels[{index}]") for index, label in enumerate(aligned)]
    return [_together(*both, index) for index, both in enumerate(zip(inside, beside, strict=True))]


def label_in(item: object, index: int, keys: Sequence[str] = ("supported", "label")) -> Judgement | None:
    """The label within a triple, None if there is none.

    Args:
        item: The triple as it stands in the row.
        index: Its place, for the error.
        keys: Where a label may stand; the first that the triple has counts.

    Raises:
        DataError: What stands in the place of a label is none.
    """
    if not isinstance(item, Mapping):
        return None
    for key in keys:
        if key in item and (key == "supported" or _meant_for_label(item[key])):
            judgement = judgement_of(item[key], f"triples[{index}].{key}")
            return judgement if isinstance(item[key], Mapping) else judgement._replace(kind=_kind_of(item))
    return None


def judgement_of(value: object, field: str) -> Judgement:
    """Read a label: 1, 0 or null, or an object with `supported` and the `kind` of the error.

    Args:
        value: What stands in the row.
        field: Its place, for the error.

    Raises:
        DataError: It is something else.
    """
    if isinstance(value, Mapping):
        if "supported" not in value:
            raise DataError(f"is missing; present are: {', '.join(value)!r:.80}", field=f"{field}.supported")
        return Judgement(judgement_of(value["supported"], f"{field}.supported").right, _kind_of(value))
    if value is not None and value not in (0, 1):
        raise DataError(f"expected 1 (right), 0 (wrong) or null (not judged), got {value!r:.80}", field=field)
    return Judgement(None if value is None else bool(value))


def without_labels(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the labels beside its triples, for which others are to stand there; what is not ours stays."""
    labels = row.get("labels")
    stale = isinstance(labels, list) and all(map(_is_label, labels))  # they would be read as those of the new triples
    return {key: value for key, value in row.items() if not (stale and key == "labels")}


def part_of(row: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """A judged row with its triples of one outcome only, and their labels.

    Args:
        row: A row whose triples all have a verdict.
        outcome: Which triples to keep.
    """
    chosen = [index for index, item in enumerate(row["triples"]) if item["verdict"] == outcome]
    part = {**row, "triples": [row["triples"][index] for index in chosen]}
    aligned = _aligned(row)
    if aligned is not None:
        part["labels"] = [aligned[index] for index in chosen]
    return part


def is_rejected(item: object) -> bool:
    """Whether a triple of a row is one that a verifier has rejected."""
    return isinstance(item, Mapping) and item.get("verdict") == "rejected"


def _together(inside: Judgement | None, beside: Judgement, index: int) -> Judgement:
    """What the labels in a triple and beside it say of it."""
    if inside is None or inside.right is None:
        return beside
    if beside.right is not None and beside.right != inside.right:
        says = {True: "right", False: "wrong"}
        reason = f"calls triples[{index}] {says[beside.right]}, which its own label calls {says[inside.right]}"
        raise DataError(f"{reason}: leave one of the two out", field=f"labels[{index}]")
    return Judgement(inside.right, inside.kind or beside.kind)


def _aligned(row: Mapping[str, Any]) -> list[Any] | None:
    """The list `labels` of a row with an entry for each triple; None where it has none, or one of other things."""
    labels = row.get("labels")
    if not isinstance(labels, list) or len(labels) != len(row.get("triples", [])):
        return None
    ours = any(label is not None and _meant_for_label(label) for label in labels)
    return labels if ours or all(label is None for label in labels) else None


def _meant_for_label(value: object) -> bool:
    """Whether something in the place of a label is one, or was to be one and is none (0.9, "wrong")."""
    if isinstance(value, str):
        return _WORD.fullmatch(value.strip()) is not None
    return value is None or isinstance(value, bool | int | float | Mapping)


def _is_label(value: object) -> bool:
    if isinstance(value, Mapping):
        return "supported" in value
    return value is None or value in (0, 1)


def _kind_of(label: Mapping[str, Any]) -> str | None:
    """The kind of error that a label names, if it does."""
    kind = label.get("kind")
    return kind if isinstance(kind, str) else None
