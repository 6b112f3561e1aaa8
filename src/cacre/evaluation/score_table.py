"""Candidates, their scores and their labels as columns: what every measurement of a verifier starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cacre.errors import DataError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LabelSource = Literal["gold", "support", "lists"]
"""Who says what is right: annotators (known to be incomplete), a judge who read the text, or the LLM's own lists."""


@dataclass(frozen=True)
class ScoreTable:
    """N candidates of T texts, column by column.

    Args:
        label_source: Who says what is right.
        text: `[N]`; number of the candidate's text, in [0, T). Candidates of a text are dependent: it is the text that
            is resampled and exchangeable.
        labels: `[N]`; true = right.
        text_score: `[N]`.
        pair_score: `[N]`; nan where a candidate has none.
        strategy: `[N]`; how the pair score was found, None where there is none.
        relation: `[N]`; predicates.
        text_length: `[N]`; characters of the candidate's text.
        missed_gold: `[T]`; right triples of each text that no candidate proposes, for recall; zeros if unknown.
        probability: `[N]`; nan where there is none.
        agreement: `[N]`; share of the LLM's samples that said it, nan where unknown.
        error_kind: `[N]`; kind of error of wrong candidates, None where unknown.
        seen: `[N]`; 1 if subject and object occur in the training data, 0 if not, nan where unknown.

    Raises:
        DataError: A column has another length, or a text number is out of range.
    """

    label_source: LabelSource
    text: Ints
    labels: Bools
    text_score: Floats
    pair_score: Floats
    strategy: Sequence[str | None]
    relation: Sequence[str]
    text_length: Ints
    missed_gold: Ints
    probability: Floats
    agreement: Floats
    error_kind: Sequence[str | None]
    seen: Floats

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name in ("label_source", "missed_gold"):
                continue
            length = len(getattr(self, field.name))
            if length != len(self.text):
                raise DataError(f"{field.name} has {length} entries, text has {len(self.text)}", field=field.name)
        if len(self.text) and not 0 <= int(self.text.min()) <= int(self.text.max()) < len(self.missed_gold):
            raise DataError(f"text numbers must lie in [0, {len(self.missed_gold)})", field="text")

    def __len__(self) -> int:
        return len(self.text)

    def where(self, chosen: Bools) -> ScoreTable:
        """The chosen candidates; all texts stay, with what they miss.

        Args:
            chosen: `[N]`.
        """
        columns: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("label_source", "missed_gold"):
                continue
            if isinstance(value, np.ndarray):
                columns[field.name] = value[chosen]
            else:
                columns[field.name] = [item for item, take in zip(value, chosen, strict=True) if take]
        return replace(self, **columns)

    def of_texts(self, texts: Ints) -> ScoreTable:
        """The candidates of some texts, which are numbered anew in the given order.

        Args:
            texts: `[n]`; different numbers of texts, in [0, T).
        """
        number = np.full(len(self.missed_gold), -1)
        number[texts] = np.arange(len(texts))
        chosen = self.where(number[self.text] >= 0)
        # in one step, so that numbers and texts fit at any time
        return replace(chosen, text=number[chosen.text], missed_gold=self.missed_gold[texts])
