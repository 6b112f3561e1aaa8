"""Fits the pattern head of a trained network, beside which it is small: some minutes for a hundred thousand pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from cacre.modeling.model import Cacre
from cacre.modeling.pattern_head import SIZE, PatternHead
from cacre.preprocessing.featurizer import pad
from cacre.training.features import ExampleFeatures
from cacre.training.labelled_pairs import LabelledPairs, labelled_pairs, predicate_states
from cacre.training.parallel import process_index
from cacre.training.progress import show_pass

EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 8, 256, 2e-3, 0.01, 1.0
LEAST_STEPS = 150
"""A new head goes through few pairs more often than `EPOCHS` times."""
_WARM_UP = 0.1
_SORTED = 50
"""Batches that are sorted by length together, so that little is padding and a batch is still a mixture."""


def fit_pattern_head(model: Cacre, examples: Sequence[ExampleFeatures], *, seed: int) -> float | None:
    """Fit the pattern head to tell anchors from negatives, the rest of the network staying as it is.

    A new head begins with the encoder's token vectors, brought to its width; one that is fitted already goes on from
    there. Processes that train together come to the same head, each by itself.

    Args:
        model: The network, trained; changed in place. Without a head nothing happens.
        examples: Those it was trained on, without copies in which other names stand. Generated negatives
            are left out where a text has others.
        seed: Of the weights it begins with, of the order and the dropout.

    Returns:
        Cross-entropy of the last pass, or None without a head. Where it is no better than always saying the share of
        anchors, the head has lost its way, and says nothing.
    """
    head = model.reader.pattern_head if model.reader is not None else None
    if head is None:
        return None
    rows = labelled_pairs(examples, generated=False)
    predicates = predicate_states(model, rows.pairs)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        epochs = EPOCHS
        if not head.fitted:
            epochs = max(EPOCHS, math.ceil(LEAST_STEPS / math.ceil(len(rows.pairs) / BATCH_SIZE)))
            _begin(head, model.encoder.token_vectors)
        loss = _fit(head, rows, predicates, epochs, np.random.default_rng(seed))
    _fold(head)
    if loss >= _entropy(rows.labels):
        for parameter in head.head[-1].parameters():
            nn.init.zeros_(parameter)
    return loss


def _entropy(labels: Tensor) -> float:
    share = labels.mean()
    return float(functional.binary_cross_entropy(share.expand_as(labels), labels))


def _begin(head: PatternHead, vectors: Tensor) -> None:
    """New weights; tokens begin with the encoder's vectors `[V, D']`, behind a linear layer that is learnt too."""
    for layer in head.modules():
        if isinstance(layer, (nn.Linear, nn.Conv1d)):
            layer.reset_parameters()
    table = nn.Embedding(len(vectors), vectors.shape[1], _weight=vectors.clone())
    head.token = nn.Sequential(table, nn.Linear(vectors.shape[1], SIZE, bias=False)).to(vectors.device)


@torch.no_grad()
def _fold(head: PatternHead) -> None:
    """One table `[V, E]` of the table and the linear layer behind it: the same vectors, in less room."""
    if isinstance(head.token, nn.Sequential):
        table, linear = head.token
        vectors = linear(table.weight)
        head.token = nn.Embedding(len(vectors), vectors.shape[1], _weight=vectors).requires_grad_(False)


def _fit(head: PatternHead, rows: LabelledPairs, predicates: Tensor, epochs: int, rng: np.random.Generator) -> float:
    steps = epochs * math.ceil(len(rows.pairs) / BATCH_SIZE)  # some batches are shorter, so it may be one or two more
    head.requires_grad_(True).train()
    optimizer = AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rising = max(1, round(_WARM_UP * steps))
    schedule = LambdaLR(optimizer, lambda step: max(0.0, min((step + 1) / rising, (steps - step) / steps)))
    total = 0.0
    for number in range(1, epochs + 1):
        total = 0.0
        for batch in _batches([len(text) for text in rows.texts], rng):
            labels = rows.labels[batch].to(predicates.device)
            logits = head(*_inputs(rows, batch, predicates.device), predicates[batch])
            loss = functional.binary_cross_entropy_with_logits(logits, labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(head.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        if process_index() == 0:
            show_pass("pattern head", number, epochs, total / len(rows.pairs))
    head.requires_grad_(False).eval()
    return total / len(rows.pairs)


def _batches(lengths: Sequence[int], rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """All rows once, in batches of like length, in any order."""
    order = rng.permutation(len(lengths))
    size = np.asarray(lengths)
    batches = []
    for part in np.array_split(order, max(1, len(order) // (BATCH_SIZE * _SORTED))):
        part = part[np.argsort(size[part], kind="stable")]
        batches += [part[start : start + BATCH_SIZE] for start in range(0, len(part), BATCH_SIZE)]
    for number in rng.permutation(len(batches)):
        yield batches[number]


def _inputs(rows: LabelledPairs, batch: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids `[C, L_T]`, which of them there are `[C, L_T]`, and marks `[C, L_T, M]`."""
    ids, mask = pad([rows.texts[row] for row in batch])
    marks, _ = pad([rows.pairs[row].marks for row in batch])
    there = (torch.from_numpy(array).to(device) for array in (ids, mask))
    return (*there, torch.from_numpy(marks).to(device, torch.float32))  # type: ignore[return-value]
