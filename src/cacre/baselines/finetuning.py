"""The training loop of the two encoder baselines: AdamW, warm-up, then linear decay, all of it seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cacre.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor, nn

_Item = TypeVar("_Item")
_WARM_UP = 0.1
_MAX_NORM = 1.0
_POOL = 50
"""Batches whose items are put in the order of their lengths together."""


@dataclass(frozen=True, slots=True)
class FinetuningSettings:
    """The budget of a baseline's training.

    Args:
        epochs: Passes over the training rows.
        batch_size: Candidates in a step, and in a batch of scoring.
        learning_rate: Highest learning rate, reached after a tenth of the steps.
        weight_decay: That of AdamW.
        max_length: Tokens of text and triple together; the longer part is cut.
        seed: Seed of the new weights, the dropout and the order.
        grouped: Put texts of about one length into a batch: less padding, up to twice as fast on texts of all lengths.

    Raises:
        ConfigError: A number is out of its range.
    """

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    max_length: int = 256
    seed: int = 0
    grouped: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "max_length"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"fine-tuning: {name} must be above 0, got {getattr(self, name)!r}")
        if self.weight_decay < 0:
            raise ConfigError(f"fine-tuning: weight_decay must be at least 0, got {self.weight_decay!r}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch inside the block, and give the generator back as it was.

    Raises:
        MissingExtraError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "baselines") from error
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def finetune(
    model: nn.Module, epochs: Sequence[Sequence[_Item]], loss: Callable[[_Item], Tensor], settings: FinetuningSettings
) -> None:
    """Train a model in place and leave it in evaluation mode.

    Args:
        model: What is trained.
        epochs: The batches of each epoch.
        loss: Scalar loss of a batch.
        settings: The budget.
    """
    import torch

    steps = sum(map(len, epochs))
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    model.train()
    for batch in (batch for batches in epochs for batch in batches):
        optimizer.zero_grad()
        loss(batch).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_NORM)
        optimizer.step()
        scheduler.step()
    model.eval()


def shuffled_batches(
    items: Sequence[_Item], size: int, seed: int, length: Callable[[_Item], int] | None = None
) -> list[list[_Item]]:
    """The items in a random order, `size` at a time; one batch may be smaller.

    With `length`, items of about one length come together: of every 50 batches, as in transformers, the items are put
    in the order of their lengths, and the batches in a random order.
    """
    rng = random.Random(seed)
    order = rng.sample(list(items), len(items))
    if length is None:
        return _cut(order, size)
    pools = [sorted(pool, key=length) for pool in _cut(order, _POOL * size)]
    batches = [batch for pool in pools for batch in _cut(pool, size)]
    return rng.sample(batches, len(batches))


def _cut(items: Sequence[_Item], size: int) -> list[list[_Item]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _rate(step: int, steps: int) -> float:
    warm_up = max(1, round(_WARM_UP * steps))
    return (step + 1) / warm_up if step < warm_up else max(0.0, (steps - step) / max(1, steps - warm_up))
