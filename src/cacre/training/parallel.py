"""Training on several processes: meeting them, what they tell each other, and what each computes of a step.

With one process every function here does what it would do alone, so that nobody has to ask how many there are.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate import PartialState
from torch import Tensor, distributed

from cacre.modeling.pretrained import Encoder
from cacre.training.batches import Batch, Collator
from cacre.training.encoder_cache import EncoderCache
from cacre.training.features import ExampleFeatures

T = TypeVar("T")
_PATIENCE = timedelta(hours=24)
"""How long a process waits for another: the first one encodes a whole corpus alone. A launcher ends all if one dies."""


def needs_cpu() -> bool:
    """Whether there is nothing faster to train on."""
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())


def meet() -> None:
    """Meet the other processes, if `torchrun` or `accelerate launch` has started some."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        PartialState(cpu=needs_cpu(), timeout=_PATIENCE)  # chooses gloo or NCCL and the device
        atexit.register(distributed.destroy_process_group)


def process_count() -> int:
    """Number of processes that train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_index() -> int:
    """Which of them this is; only process 0 writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def on_first(action: Callable[[], T]) -> T:
    """Let process 0 do something, while the others wait, and give its result to all.

    Raises:
        Exception: What the action raised, in every process: else the others would wait for one that has gone.
    """
    if process_count() == 1:
        return action()
    outcome: list[Any] = [None, None]
    if process_index() == 0:
        try:
            outcome[0] = action()
        except Exception as error:
            outcome[1] = error
    distributed.broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise outcome[1]
    result: T = outcome[0]
    return result


def from_all(value: T) -> list[T]:
    """What each process has, in their order; every process must call it."""
    if process_count() == 1:
        return [value]
    values: list[Any] = [None] * process_count()
    distributed.all_gather_object(values, value)
    return values


def sum_over_processes(values: Tensor) -> Tensor:
    """Sum of the processes' tensors of one shape, without a gradient; every process must call it."""
    if process_count() > 1:
        values = values.clone()
        distributed.all_reduce(values)
    return values


class _Gather(torch.autograd.Function):
    """`[W, S]` of each process, W its own, to `[sum of W, S]` in all; the gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:  # noqa: ANN401  (torch's)
        sizes = torch.zeros(process_count(), dtype=torch.int64, device=rows.device)
        sizes[process_index()] = len(rows)
        distributed.all_reduce(sizes)
        counts = sizes.tolist()
        ctx.start, ctx.length = sum(counts[: process_index()]), len(rows)
        padded = rows.new_zeros(max(counts), *rows.shape[1:])  # a collective wants equal shapes
        padded[: len(rows)] = rows
        received = [torch.empty_like(padded) for _ in counts]
        distributed.all_gather(received, padded)
        return torch.cat([part[:count] for part, count in zip(received, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        gradient = gradient.contiguous().clone()
        distributed.all_reduce(gradient)
        return gradient[ctx.start : ctx.start + ctx.length]


def gather_rows(rows: Tensor) -> Tensor:
    """The rows of all processes, with a gradient into each: `[W, S] -> [sum of W, S]`; every process must call it."""
    if process_count() == 1:
        return rows
    if torch.is_grad_enabled() and not rows.requires_grad:  # else its backward pass would miss this process, and wait
        rows = rows.detach().requires_grad_()
    gathered: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call]
    return gathered


class StepCollator:
    """Makes of the texts of a step what this process computes of it.

    Every process gets the same texts, those of all processes, and takes each n-th: a batch is sorted by length, so that
    all get a like amount of work.

    Args:
        collator: Makes batches.
        chunk: Texts that go through the network at a time (GradCache); None is all of them.
    """

    def __init__(self, collator: Collator, chunk: int | None = None) -> None:
        self.collator, self.chunk = collator, chunk
        self._index, self._count = process_index(), process_count()  # a worker of a DataLoader cannot ask

    def __call__(self, examples: Sequence[ExampleFeatures]) -> dict[str, Any]:
        """A batch of `Collator`, or with `chunk` such batches under the key `chunks`."""
        mine = range(self._index, len(examples), self._count)
        if not mine:  # the last texts are fewer than the processes: this one takes part, but adds nothing to the loss
            return self.collator(examples[:1]) | {"absent": torch.ones(1)}
        if self.chunk is None:
            return self.collator(examples) if self._count == 1 else self.collator.split(examples, [mine])[0]
        parts = [mine[start : start + self.chunk] for start in range(0, len(mine), self.chunk)]
        return {"chunks": self.collator.split(examples, parts)}


def batches_of(collated: dict[str, Any]) -> list[Batch]:
    """The batches in what `StepCollator` made."""
    batches: list[Batch] = collated.get("chunks", [collated])
    return batches


class _MappedCache(EncoderCache):
    """The file that another process has written, mapped to be read."""

    def __init__(self, encoder: Encoder, path: Path, place: dict[bytes, tuple[int, int]]) -> None:
        self._encoder, self._place = encoder, place
        total = max((end for _, end in place.values()), default=0)
        self._states = np.memmap(path, np.float32, mode="r", shape=(max(total, 1), encoder.hidden_size))


def shared_encoder_cache(encoder: Encoder, path: Path, sequences: Sequence[Any]) -> EncoderCache:
    """An `EncoderCache` that process 0 fills and all read; the file must be one that all of them see."""
    if process_count() == 1:
        return EncoderCache(encoder, path, sequences)
    place = on_first(lambda: EncoderCache(encoder, path, sequences)._place)
    return _MappedCache(encoder, path, place)
