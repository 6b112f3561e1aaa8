"""Featurised examples to one batch of tensors: distinct token sequences, pairs, and the tuples of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cacre.config import LossSettings, ModelSettings
from cacre.preprocessing.featurizer import Featurizer, pad
from cacre.training.encoder_cache import EncoderCache
from cacre.training.features import ExampleFeatures, PairFeatures, make_pair

Batch = dict[str, Tensor]
_NONE = -1


@dataclass
class _Layout:
    """A batch being put together; rows are what the encoder sees once, pairs what the rest of the network sees."""

    texts: list[Any] = field(default_factory=list)
    triples: list[Any] = field(default_factory=list)
    triple_rows: dict[bytes, int] = field(default_factory=dict)
    pair_text: list[int] = field(default_factory=list)
    pairs: list[PairFeatures] = field(default_factory=list)
    pair_triple: list[int] = field(default_factory=list)

    def add_pair(self, text_row: int, pair: PairFeatures) -> int:
        key = pair.triple.ids.tobytes() + pair.triple.role_ids.tobytes()
        if key not in self.triple_rows:
            self.triple_rows[key] = len(self.triples)
            self.triples.append(pair.triple)
        self.pair_text.append(text_row)
        self.pair_triple.append(self.triple_rows[key])
        self.pairs.append(pair)
        return len(self.pairs) - 1


class Collator:
    """Makes batches.

    Keys of a batch: `text_ids`, `text_mask [B, L_T]`; `triple_ids`, `triple_mask`, `role_ids [R, L_R]` (or
    `text_states`, `triple_states` from the cache of a frozen encoder); `pair_text`, `pair_triple [C]` (rows), `marks
    [C, L_T, M]`, `values [C, F]`; `anchor`, `positive [N]`, `negative [N, K]` (pairs, -1 where there is none);
    `other [N, Q]` (other texts' triples paired with this text) when the loss asks for them; `twins [W, 2]` (a negative
    and its paraphrase).

    Args:
        featurizer: For pairs that arise only in a batch (another text's triple).
        model: Fixed lengths, if `pad_to_max`.
        loss: Which negatives the loss wants.
        cache: States of a frozen encoder.
        seed: Of the choice among other texts' triples.
    """

    def __init__(
        self,
        featurizer: Featurizer,
        model: ModelSettings,
        loss: LossSettings,
        cache: EncoderCache | None = None,
        seed: int = 13,
    ) -> None:
        self.featurizer, self.model, self.loss, self.cache, self.seed = featurizer, model, loss, cache, seed

    def __call__(self, examples: Sequence[ExampleFeatures]) -> Batch:
        """Collate some examples."""
        layout = _Layout()
        first_text: list[int] = []
        maps: list[list[int]] = []
        for example in examples:
            first_text.append(len(layout.texts))
            layout.texts.extend(example.windows)
            maps.append([layout.add_pair(first_text[-1] + pair.window, pair) for pair in example.pairs])
        crossed = self._cross(examples, layout, first_text) if self.loss.negatives == "cross_text" else None
        return self._tensors(layout) | _tuples(examples, maps, crossed)

    def _cross(self, examples: Sequence[ExampleFeatures], layout: _Layout, first_text: list[int]) -> list[list[int]]:
        """Pair each text anew with some triples of the batch's other texts (A21 b)."""
        # Seeded by the batch itself, so that a resumed run makes the same choices.
        rng = np.random.default_rng([self.seed, *(example.key for example in examples)])
        rows = []
        for number, example in enumerate(examples):
            others = [t for i, e in enumerate(examples) if i != number for t in e.anchor_triples]
            allowed = [t for t in dict.fromkeys(others) if example.guard.reject_reason(t) is None]
            chosen = rng.permutation(len(allowed))[: self.loss.cross_pairs]
            pairs = [make_pair(example.windows, allowed[i], self.featurizer) for i in chosen]
            rows.append([layout.add_pair(first_text[number] + pair.window, pair) for pair in pairs])
        return rows

    def _tensors(self, layout: _Layout) -> Batch:
        text_length = self.model.max_text_length if self.model.pad_to_max else max(len(t.ids) for t in layout.texts)
        triple_length = self.model.max_triple_length if self.model.pad_to_max else None
        arrays: dict[str, Any] = {}
        if self.cache is None:
            arrays["text_ids"], arrays["text_mask"] = pad([t.ids for t in layout.texts], text_length)
            arrays["triple_ids"], arrays["triple_mask"] = pad([t.ids for t in layout.triples], triple_length)
        else:
            texts, triples = ([self.cache[row.ids] for row in rows] for rows in (layout.texts, layout.triples))
            arrays["text_states"], arrays["text_mask"] = pad(texts, text_length)
            arrays["triple_states"], arrays["triple_mask"] = pad(triples, triple_length)
        arrays["role_ids"], _ = pad([t.role_ids for t in layout.triples], triple_length)
        arrays["marks"], _ = pad([pair.marks for pair in layout.pairs], text_length)
        arrays["values"] = np.stack([pair.values for pair in layout.pairs])
        arrays["pair_text"] = np.asarray(layout.pair_text, np.int64)
        arrays["pair_triple"] = np.asarray(layout.pair_triple, np.int64)
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _tuples(examples: Sequence[ExampleFeatures], maps: list[list[int]], crossed: list[list[int]] | None) -> Batch:
    """Indices of pairs for the loss: one tuple per anchor."""
    anchor, positive, negative, other, twins = [], [], [], [], []
    for number, (example, index) in enumerate(zip(examples, maps, strict=True)):
        own = [index[i] for i in example.negatives]
        for a, p in zip(example.anchors, example.positives, strict=True):
            anchor.append(index[a])
            positive.append(index[p])
            negative.append(own)
            other.append(crossed[number] if crossed else [])
        twins += [(index[n], index[p]) for n, p in example.paraphrased]
    batch = {
        "anchor": torch.tensor(anchor),
        "positive": torch.tensor(positive),
        "negative": _ragged(negative),
        "twins": torch.tensor(twins, dtype=torch.int64).reshape(-1, 2),
    }
    return batch | {"other": _ragged(other)} if crossed is not None else batch


def _ragged(rows: list[list[int]]) -> Tensor:
    width = max(map(len, rows), default=0)
    return torch.tensor([row + [_NONE] * (width - len(row)) for row in rows], dtype=torch.int64).reshape(
        len(rows), width
    )
