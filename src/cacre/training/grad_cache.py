"""GradCache: a batch whose activations would not fit in memory, with the gradient of the whole batch.

A loss with shared negatives does not fall apart into the losses of parts of a batch, as gradient accumulation needs it
to. But all it sees of a text are a few cosines. So these are computed for a few texts at a time, keeping nothing else;
the loss is taken on all of them; and each part is computed a second time when the gradient with respect to its cosines
is there, to carry it on to the weights. Memory holds the activations of one part.

Gao et al., 2021, "Scaling deep contrastive learning batch size under memory limited setup". They cut at the encoder's
output and by hand; here the cut is at the cosines, and torch's activation checkpointing does it, replaying the dropout.
Every weight gets its gradient once, so that DDP, bf16 and checkpointing of the encoder go on as they would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from cacre.training.batches import Batch

Tensors = TypeVar("Tensors", bound=tuple[Tensor, ...])


def compute_in_chunks(compute: Callable[[Batch], Tensors], chunks: Sequence[Batch]) -> Tensors:
    """`compute` over the chunks of a batch, joined; its activations are not kept, the backward pass computes them anew.

    Args:
        compute: A batch to a named tuple of tensors whose first dimension counts rows.
        chunks: Parts of a batch, at least one.
    """
    parts = [checkpoint(compute, chunk, use_reentrant=False) for chunk in chunks]
    joined = (_join(tensors) for tensors in zip(*parts, strict=True))
    result: Tensors = type(parts[0])(*joined)
    return result


def _join(tensors: Sequence[Tensor]) -> Tensor:
    """Rows of all; where rows have columns of their own, `[N, K, ...]`, the shorter ones are filled up with 0."""
    if tensors[0].ndim > 1:
        width = max(tensor.shape[1] for tensor in tensors)
        # From the last dimension backwards; only the second one grows.
        tensors = [functional.pad(t, (*(0, 0) * (t.ndim - 2), 0, width - t.shape[1])) for t in tensors]
    return torch.cat(list(tensors))
