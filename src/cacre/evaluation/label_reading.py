"""Who says what is right, read from the shapes that such files come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from cacre.data import parse_row
from cacre.data.normalisation import normalise_triple
from cacre.data.rows import ContrastiveRow
from cacre.data.triple_labels import Judgement, label_in, labels_of_triples
from cacre.errors import DataError
from cacre.evaluation.duie_scorer import VALUE
from cacre.evaluation.score_table import LabelSource
from cacre.evaluation.scored_rows import json_rows, parse_spo
from cacre.types import Triple

WANTED: Mapping[LabelSource, str] = {
    "gold": "`gold` or `spo_list`, or a `label` of 1 or 0 in each triple",
    "support": "`supported` or `label` in each triple, or a list `labels` aligned with `triples`",
    "lists": "`anchors` and `negatives`, or a `label` in each triple",
}
"""What a row must have to give labels of each source."""


@dataclass(frozen=True, slots=True)
class RowLabels:
    """The labels of one text.

    Args:
        text: The text; None if the row does not hold it.
        judged: Labels of triples, by normalised triple.
        gold: All annotated triples, normalised; None if the row has none. Where `judged` is empty, they decide.
    """

    text: str | None
    judged: Mapping[Triple, Judgement]
    gold: frozenset[Triple] | None = None

    def of(self, triple: Triple) -> Judgement:
        """The label of a normalised triple; `right` is None if there is none."""
        if self.judged or self.gold is None:
            return self.judged.get(triple, Judgement(None))
        return Judgement(triple in self.gold)

    def missed(self, right: int, found: frozenset[Triple]) -> int:
        """How many gold triples no candidate proposes; 0 without gold.

        Args:
            right: Candidates that are right, each counted once.
            found: All candidates, normalised.
        """
        if self.gold is None:
            return 0
        # Labels of triples match gold by rules of their own, so that only the numbers can be compared.
        return max(0, len(self.gold) - right) if self.judged else len(self.gold - found)


class LabelFile:
    """The labels of a file, found by the id of a row or by its text.

    Args:
        path: A JSONL file: judged triples, rows with labels, contrastive rows, or rows with gold.
        source: Whose labels are wanted.

    Raises:
        DataError: The file cannot be read, a row has no labels of this source, or two rows share an id.
    """

    def __init__(self, path: str | Path, source: LabelSource) -> None:
        self.path = str(path)
        self._by_id: dict[str, RowLabels] = {}
        self._by_text: dict[str, RowLabels | None] = {}
        for line, raw in json_rows(path):
            try:
                self._add(raw, source)
            except DataError as error:
                raise DataError(error.reason, path=self.path, line=line, field=error.field) from error

    def find(self, row_id: str | None, text: str) -> RowLabels | None:
        """The labels of a row, None if the file has none.

        Raises:
            DataError: The file has this id with another text, or this text in several rows.
        """
        found = None if row_id is None else self._by_id.get(row_id)
        if found is None:
            if text in self._by_text and self._by_text[text] is None:
                reason = f"several rows of {self.path} have this text: give the rows of both files the same ids"
                raise DataError(reason, field="text")
            return self._by_text.get(text)
        if found.text is not None and found.text != text:
            raise DataError(f"{self.path} has the id {row_id!r:.80} with another text: is it of this file?", field="id")
        return found

    def _add(self, raw: Mapping[str, Any], source: LabelSource) -> None:
        labels = labels_of(raw, source, in_label_file=True)
        if labels is None:
            raise DataError(f"no labels of source {source!r}: a row needs {WANTED[source]}; it has {', '.join(raw)!r}")
        row_id = raw.get("id")
        if row_id is None and labels.text is None:
            raise DataError("a row of labels needs an id or its text, to be found by")
        if row_id is not None:
            if str(row_id) in self._by_id:
                raise DataError(f"{row_id!r:.80} was used before: ids must be unique", field="id")
            self._by_id[str(row_id)] = labels
        if labels.text is not None:
            self._by_text[labels.text] = None if labels.text in self._by_text else labels


def labels_of(raw: Mapping[str, Any], source: LabelSource, *, in_label_file: bool = False) -> RowLabels | None:
    """The labels of a row, None if it has none of this source.

    Of several, labels of single triples count before lists of right ones. For `gold` a `label` that is an object does
    not count: it says what the text supports.

    Args:
        raw: A row of a verdict file, or of a file of labels.
        source: Whose labels are wanted.
        in_label_file: Whether a plain list of `triples` is what is right, and not what is to be judged.

    Raises:
        DataError: A label is not well formed; with its field.
    """
    text = raw.get("text")
    if text is not None and not isinstance(text, str):
        raise DataError(f"expected a string, got {text!r:.80}", field="text")
    if source == "lists" and "anchors" in raw:
        return RowLabels(text, _contrastive(raw))
    judged = dict(_judged(raw, source))
    gold = _gold(raw, plain=in_label_file and not judged) if source == "gold" else None
    return RowLabels(text, judged, gold) if judged or gold is not None or _no_triples(raw) else None


def _no_triples(raw: Mapping[str, Any]) -> bool:
    return raw.get("triples") == []


def _judged(raw: Mapping[str, Any], source: LabelSource) -> Iterator[tuple[Triple, Judgement]]:
    items = _list(raw, "triples")
    labels = labels_of_triples(raw) if source == "support" else list(map(_plain_label, items, count()))
    for index, (item, judgement) in enumerate(zip(items, labels, strict=True)):
        if judgement is not None:
            yield normalise_triple(_triple(item, f"triples[{index}]")), judgement


def _plain_label(item: object, index: int) -> Judgement | None:
    """What `label` says of a triple; an object there says what the text supports, which is another source."""
    plain = isinstance(item, Mapping) and not isinstance(item.get("label"), Mapping)
    return label_in(item, index, keys=("label",)) if plain else None


def _triple(item: object, field: str) -> Triple:
    if isinstance(item, Mapping) and "triple" in item:
        return Triple.parse(item["triple"], field=f"{field}.triple")
    subject, predicate, slots = parse_spo(item, field)
    return Triple(subject, predicate, slots if isinstance(slots, str) else slots[VALUE])


def _gold(raw: Mapping[str, Any], *, plain: bool) -> frozenset[Triple] | None:
    keys = ("gold", "spo_list", "triples") if plain else ("gold", "spo_list")
    key = next((key for key in keys if raw.get(key) is not None), None)
    if key is None:
        return None
    items = enumerate(_list(raw, key))
    return frozenset(normalise_triple(_triple(item, f"{key}[{index}]")) for index, item in items)


def _contrastive(raw: Mapping[str, Any]) -> dict[Triple, Judgement]:
    """Anchors are right, all negatives wrong; what stands in both is right, as in `label_by_lists`."""
    row = parse_row(dict(raw), "contrastive")
    if not isinstance(row, ContrastiveRow):  # parse_row is typed for all kinds
        raise DataError("expected a contrastive row")
    kinds: Sequence[str | None] = row.kinds or (None,) * len(row.negatives)
    wrong = [*row.hard, *zip(row.negatives, kinds, strict=True)]
    judged = {normalise_triple(triple): Judgement(False, kind) for triple, kind in wrong}
    return judged | {normalise_triple(anchor): Judgement(True) for anchor in row.anchors}


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    value = raw.get(key, [])
    if not isinstance(value, list):
        raise DataError(f"expected a list, got {value!r:.80}", field=key)
    return value
