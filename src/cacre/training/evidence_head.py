"""Fits the evidence head of a trained network: a minute for a hundred thousand pairs, which are not encoded again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.optim.lr_scheduler import LinearLR

from cacre.modeling.evidence_head import EvidenceHead
from cacre.modeling.model import Cacre
from cacre.similarity import masked_mean
from cacre.training.features import ExampleFeatures, PairFeatures

EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 16, 512, 2e-3, 0.01
LEAST_STEPS = 300
"""A new head goes through few pairs more often than `EPOCHS` times."""
PREDICATE = 2
"""Role of the predicate's tokens."""


def fit_evidence_head(model: Cacre, examples: Sequence[ExampleFeatures], *, seed: int) -> float | None:
    """Fit the evidence head to tell anchors from negatives, the rest of the network staying as it is.

    A head that is fitted already goes on from there, so that its weights can be averaged with those before. Processes
    that train together come to the same head, each by itself.

    Args:
        model: The network, trained; changed in place. Without a head nothing happens.
        examples: Those it was trained on.
        seed: Of the weights it begins with, of the order and the dropout.

    Returns:
        Cross-entropy of the last pass, or None without a head.
    """
    head = model.reader.evidence_head if model.reader is not None else None
    if head is None:
        return None
    values, predicates, labels = _rows(model, examples)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return _fit(head, values, predicates, labels)


def _rows(model: Cacre, examples: Sequence[ExampleFeatures]) -> tuple[Tensor, Tensor, Tensor]:
    """Standardised values `[N, F]`, predicates `[N, D]` and labels `[N]` of all anchors and negatives, each once."""
    assert model.evidence is not None
    pairs: list[PairFeatures] = []
    labels: list[float] = []
    for example in examples:
        for chosen, label in ((example.anchors, 1.0), (example.negatives, 0.0)):
            places = dict.fromkeys(chosen)
            pairs += [example.pairs[place] for place in places]
            labels += [label] * len(places)
    states: dict[bytes, Tensor] = {}
    for pair in pairs:
        piece = pair.triple.pieces[1]
        if (key := piece.tobytes()) not in states:
            states[key] = _predicate_state(model, piece)
    device = next(model.parameters()).device
    values = torch.from_numpy(np.stack([pair.values for pair in pairs])).to(device)
    predicates = torch.stack([states[pair.triple.pieces[1].tobytes()] for pair in pairs])
    return model.evidence.standardise(values), predicates, torch.tensor(labels, device=device)


@torch.no_grad()
def _predicate_state(model: Cacre, piece: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Tensor:
    """What the reader takes for the predicate, `[D]`: the mean over its tokens, `[CLS]` and `[SEP]` left out."""
    was_training = model.training
    model.eval()
    ids = torch.from_numpy(piece)[None].to(next(model.parameters()).device)
    states = model.encode_triples(ids, torch.ones_like(ids))[:, 1:-1]  # [1, L, D]
    model.train(was_training)
    if model.role is not None:
        states = states + model.role.weight[PREDICATE]
    return masked_mean(states, torch.ones_like(ids[:, 1:-1]))[0]


def _fit(head: EvidenceHead, values: Tensor, predicates: Tensor, labels: Tensor) -> float:
    batches = math.ceil(len(labels) / BATCH_SIZE)
    epochs = EPOCHS
    if not any(bool(parameter.any()) for parameter in head.layers[-1].parameters()):  # never fitted
        epochs = max(EPOCHS, math.ceil(LEAST_STEPS / batches))
        for layer in head.layers:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
    head.requires_grad_(True).train()
    optimizer = AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = LinearLR(optimizer, 1.0, 0.0, epochs * batches)
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(labels)).to(labels.device).chunk(batches):
            loss = functional.binary_cross_entropy_with_logits(head(values[rows], predicates[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
    head.requires_grad_(False).eval()
    return total / len(labels)
