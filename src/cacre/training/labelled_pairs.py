"""The pairs that a head is fitted on when the network beside it has been trained: anchors and negatives, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cacre.modeling.model import Cacre
from cacre.similarity import masked_mean
from cacre.training.features import ExampleFeatures, PairFeatures

PREDICATE = 2
"""Role of the predicate's tokens."""


class LabelledPairs(NamedTuple):
    """N pairs of one set of examples."""

    pairs: list[PairFeatures]
    texts: list[NDArray[np.int64]]  # token ids of the window that each is paired with, [L_T]
    labels: Tensor  # [N], 1 for anchors


def labelled_pairs(examples: Sequence[ExampleFeatures], *, generated: bool = True) -> LabelledPairs:
    """All anchors and negatives, in the order of their examples.

    Args:
        examples: Where they are.
        generated: Whether generated negatives are among them; those of a text that has no others always are.
    """
    pairs: list[PairFeatures] = []
    texts: list[NDArray[np.int64]] = []
    labels: list[float] = []
    for example in examples:
        negatives = example.negatives if generated else example.negatives[: example.written or None]
        for chosen, label in ((example.anchors, 1.0), (negatives, 0.0)):
            for place in dict.fromkeys(chosen):
                pairs.append(example.pairs[place])
                texts.append(example.windows[pairs[-1].window].ids)
                labels.append(label)
    return LabelledPairs(pairs, texts, torch.tensor(labels))


def predicate_states(model: Cacre, pairs: Sequence[PairFeatures]) -> Tensor:
    """What the reader takes for the predicate of each pair, `[N, D]`, each distinct one encoded once."""
    rows: dict[bytes, int] = {}
    states: list[Tensor] = []
    for pair in pairs:
        piece = pair.triple.pieces[1]
        if piece.tobytes() not in rows:
            rows[piece.tobytes()] = len(states)
            states.append(_predicate_state(model, piece))
    return torch.stack(states)[[rows[pair.triple.pieces[1].tobytes()] for pair in pairs]]


@torch.no_grad()
def _predicate_state(model: Cacre, piece: NDArray[np.int64]) -> Tensor:
    """The mean over its tokens, `[CLS]` and `[SEP]` left out: `[D]`."""
    was_training = model.training
    model.eval()
    ids = torch.from_numpy(piece)[None].to(next(model.parameters()).device)
    states = model.encode_triples(ids, torch.ones_like(ids))[:, 1:-1]  # [1, L, D]
    model.train(was_training)
    if model.role is not None:
        states = states + model.role.weight[PREDICATE]
    return masked_mean(states, torch.ones_like(ids[:, 1:-1]))[0]
