"""Featurised examples to one batch of tensors: distinct token sequences, pairs, and the tuples of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cacre.config import LossSettings, ModelSettings
from cacre.preprocessing.featurizer import Featurizer, TripleFeatures, pad
from cacre.training.encoder_cache import EncoderCache
from cacre.training.features import ExampleFeatures, PairFeatures, make_pair
from cacre.types import Triple

Batch = dict[str, Tensor]
_NONE = -1
_SHORT_PIECE = 8


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

    Keys of a batch: `text_ids`, `text_mask [B, L_T]`; `triple_ids`, `triple_mask`, `role_ids [R, L_R]` (from the cache
    of a frozen encoder also `text_states`, and `triple_states` in place of `triple_ids`; or, where the parts of triples
    are encoded, the distinct ones as `piece_ids`, `piece_mask [Q, L_Q]`, the long ones as `long_piece_ids`,
    `long_piece_mask`, and `triple_place [R, L_R]`: where among all their tokens, end to end, each token of a triple
    is); `pair_text`, `pair_triple [C]` (rows), `marks [C, L_T, M]`, `values [C, F]`; `anchor`, `positive [N]`,
    `negative [N, K]` (pairs, -1 where there is none); `other [N, Q]` (other texts' triples paired with this text) when
    the loss asks for them; `twins [W, 2]` (a negative and its paraphrase). `parallel.StepCollator` adds `absent` where
    a process has no text of its own.

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
        return self.split(examples, [range(len(examples))])[0]

    def split(self, examples: Sequence[ExampleFeatures], parts: Sequence[Sequence[int]]) -> list[Batch]:
        """Collate each part of some examples, given by their places, to a batch of its own.

        With `cross_text` each text is paired with triples of all examples, not only of those in its part.
        """
        others = self._choose(examples) if self.loss.negatives == "cross_text" else None
        return [
            self._collate([examples[i] for i in part], None if others is None else [others[i] for i in part])
            for part in parts
        ]

    def _collate(self, examples: Sequence[ExampleFeatures], others: Sequence[Sequence[Triple]] | None) -> Batch:
        layout = _Layout()
        first_text: list[int] = []
        maps: list[list[int]] = []
        for example in examples:
            first_text.append(len(layout.texts))
            layout.texts.extend(example.windows)
            maps.append([layout.add_pair(first_text[-1] + pair.window, pair) for pair in example.pairs])
        crossed = None
        if others is not None:
            crossed = [self._cross(layout, *row) for row in zip(examples, first_text, others, strict=True)]
        return self._tensors(layout) | _tuples(examples, maps, crossed)

    def _choose(self, examples: Sequence[ExampleFeatures]) -> list[list[Triple]]:
        """For each text some triples of the other texts, to be paired with it anew (A21 b)."""
        # Seeded by the batch itself, so that a resumed run makes the same choices.
        rng = np.random.default_rng([self.seed, *(example.key for example in examples)])
        rows = []
        for number, example in enumerate(examples):
            others = [t for i, e in enumerate(examples) if i != number for t in e.anchor_triples]
            allowed = [t for t in dict.fromkeys(others) if example.guard.reject_reason(t) is None]
            rows.append([allowed[i] for i in rng.permutation(len(allowed))[: self.loss.cross_pairs]])
        return rows

    def _cross(self, layout: _Layout, example: ExampleFeatures, first: int, triples: Sequence[Triple]) -> list[int]:
        pairs = [make_pair(example.windows, triple, self.featurizer) for triple in triples]
        return [layout.add_pair(first + pair.window, pair) for pair in pairs]

    def _triple_arrays(self, triples: Sequence[TripleFeatures], length: int | None) -> dict[str, Any]:
        if self.model.triple_encoding == "parts":
            return _pieces(triples, length)
        ids, mask = pad([t.ids for t in triples], length)
        return {"triple_ids": ids, "triple_mask": mask}

    def _tensors(self, layout: _Layout) -> Batch:
        text_length = self.model.max_text_length if self.model.pad_to_max else max(len(t.ids) for t in layout.texts)
        triple_length = self.model.max_triple_length if self.model.pad_to_max else None
        arrays: dict[str, Any] = {}
        arrays["text_ids"], arrays["text_mask"] = pad([t.ids for t in layout.texts], text_length)
        if self.cache is None:
            arrays |= self._triple_arrays(layout.triples, triple_length)
        else:
            texts = [self.cache[row.ids] for row in layout.texts]
            triples = [row.assemble([self.cache[piece] for piece in row.pieces]) for row in layout.triples]
            arrays["text_states"], _ = pad(texts, text_length)
            arrays["triple_states"], arrays["triple_mask"] = pad(triples, triple_length)
        arrays["role_ids"], _ = pad([t.role_ids for t in layout.triples], triple_length)
        arrays["marks"], _ = pad([pair.marks for pair in layout.pairs], text_length)
        arrays["values"] = np.stack([pair.values for pair in layout.pairs])
        arrays["pair_text"] = np.asarray(layout.pair_text, np.int64)
        arrays["pair_triple"] = np.asarray(layout.pair_triple, np.int64)
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _pieces(triples: Sequence[TripleFeatures], length: int | None) -> dict[str, Any]:
    """The distinct pieces of triples, and where the states of the triples' tokens will be among theirs.

    Most names are short and a few are long: padded to one length, most of what is encoded would be padding.
    """
    distinct = list({piece.tobytes(): piece for triple in triples for piece in triple.pieces}.values())
    groups = {
        "piece": [piece for piece in distinct if len(piece) <= _SHORT_PIECE],
        "long_piece": [piece for piece in distinct if len(piece) > _SHORT_PIECE],
    }
    arrays: dict[str, Any] = {}
    first: dict[bytes, int] = {}
    start = 0
    for name, pieces in groups.items():
        if pieces:
            ids, arrays[f"{name}_mask"] = pad(pieces)
            first |= {piece.tobytes(): start + row * ids.shape[1] for row, piece in enumerate(pieces)}
            start += ids.size
            arrays[f"{name}_ids"] = ids
    places = [triple.assemble([first[p.tobytes()] + np.arange(len(p)) for p in triple.pieces]) for triple in triples]
    place, triple_mask = pad(places, length)
    return arrays | {"triple_place": place, "triple_mask": triple_mask}


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
        "anchor": torch.tensor(anchor, dtype=torch.int64),
        "positive": torch.tensor(positive, dtype=torch.int64),
        "negative": _ragged(negative),
        "twins": torch.tensor(twins, dtype=torch.int64).reshape(-1, 2),
    }
    return batch | {"other": _ragged(other)} if crossed is not None else batch


def _ragged(rows: list[list[int]]) -> Tensor:
    width = max(map(len, rows), default=0)
    return torch.tensor([row + [_NONE] * (width - len(row)) for row in rows], dtype=torch.int64).reshape(
        len(rows), width
    )
