"""The order of the examples: shuffled, texts of like length together, the same for a resumed run as for the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

_POOL = 32
"""Batches sorted together: more would pad less and shuffle less."""


class LengthGroupedSampler(Sampler[int]):
    """Yields indices so that consecutive `batch_size` of them have like lengths.

    The order is a function of (seed, epoch) alone. transformers' own sampler draws from the global generator, so that a
    run resumed in the middle of an epoch would see another order.

    Args:
        lengths: Length of each example.
        batch_size: Examples per step.
        seed: Another seed, another order.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = np.asarray(lengths), batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; accelerate calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.lengths))
        size = self.batch_size * _POOL
        pools = [order[i : i + size] for i in range(0, len(order), size)]
        batches = []
        for pool in pools:
            ordered = pool[np.argsort(-self.lengths[pool], kind="stable")]
            batches += [ordered[i : i + self.batch_size] for i in range(0, len(ordered), self.batch_size)]
        # The one short batch stays last, else every batch after it would straddle two groups.
        tail = [batch for batch in batches if len(batch) < self.batch_size]
        full = [batch for batch in batches if len(batch) == self.batch_size]
        for index in rng.permutation(len(full)):
            yield from full[index].tolist()
        for batch in tail:
            yield from batch.tolist()
