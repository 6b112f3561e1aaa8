"""What a label says of a triple, and the labels that stand beside or in the triples of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cacre.errors import DataError


class Judgement(NamedTuple):
    """What a label says of one triple.

    `right` is None where the judges differed or gave no word; `kind` names the error of a wrong triple, if known.
    """

    right: bool | None
    kind: str | None = None


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
        return Judgement(judgement_of(value["supported"], f"{field}.supported").right, kind_of(value))
    if value is not None and value not in (0, 1):
        raise DataError(f"expected 1 (right), 0 (wrong) or null (not judged), got {value!r:.80}", field=field)
    return Judgement(None if value is None else bool(value))


def kind_of(label: Mapping[str, Any]) -> str | None:
    """The kind of error that a label names, if it does."""
    kind = label.get("kind")
    return kind if isinstance(kind, str) else None


def aligned_labels(row: Mapping[str, Any], count: int) -> list[Any] | None:
    """The `labels` beside the triples of a row, one for each; None if it has none.

    Raises:
        DataError: They are no list, or not as many.
    """
    labels = row.get("labels")
    if labels is None or (isinstance(labels, list) and len(labels) == count):
        return labels
    size = f"a list of {len(labels)}" if isinstance(labels, list) else repr(labels)[:80]
    raise DataError(f"expected a list aligned with the {count} triples, got {size}", field="labels")


def label_key(item: object) -> str | None:
    """Which key of a triple holds its label; None if it has none."""
    return next((key for key in ("supported", "label") if isinstance(item, Mapping) and key in item), None)
