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
from cacre.training.features import ExampleFeatures
from cacre.training.labelled_pairs import labelled_pairs, predicate_states

EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 16, 512, 2e-3, 0.01
LEAST_STEPS = 300
"""A new head goes through few pairs more often than `EPOCHS` times."""


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
    rows, device = labelled_pairs(examples), next(model.parameters()).device
    assert model.evidence is not None
    values = model.evidence.standardise(torch.from_numpy(np.stack([pair.values for pair in rows.pairs])).to(device))
    predicates = predicate_states(model, rows.pairs)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return _fit(head, values, predicates, rows.labels.to(device))


def _fit(head: EvidenceHead, values: Tensor, predicates: Tensor, labels: Tensor) -> float:
    batches = math.ceil(len(labels) / BATCH_SIZE)
    epochs = EPOCHS
    if not head.fitted:
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
