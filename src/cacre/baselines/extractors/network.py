"""What every system's network is: an encoder, heads of its own, a loss and a decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from cacre.baselines.extractors.batches import Batch
from cacre.baselines.extractors.marks import LabelledWindow
from cacre.baselines.extractors.protocol import SystemCard
from cacre.baselines.extractors.settings import Options
from cacre.baselines.extractors.spans import FoundLink
from cacre.data.duie import DuieText
from cacre.modeling.pretrained import Encoder
from cacre.schema import Schema


@dataclass(frozen=True, slots=True)
class View:
    """An altered text that a system also learns from.

    Args:
        kind: How it was made; the system's own word.
        text: The text with its annotation, cut and marked like any other. Only its first window is used.
    """

    kind: str
    text: DuieText


class ExtractorNetwork(nn.Module, ABC):
    """Base of the systems: one file each, with heads, loss and decoding.

    Class attributes:
        name: Name in the registry.
        card: What the model card says.
        options_type: The options it takes.

    Args:
        encoder: Token ids to states.
        tags: How many object tags there are.
        options: An instance of `options_type`.
    """

    name: ClassVar[str]
    card: ClassVar[SystemCard]
    options_type: ClassVar[type[Options]] = Options

    def __init__(self, encoder: Encoder, tags: int, options: Options) -> None:
        super().__init__()
        self.encoder, self.tags, self.options = encoder, tags, options

    def prepare(self, texts: Sequence[DuieText], schema: Schema) -> None:
        """Look at the training texts before training; nothing by default. Not called for a trained folder."""

    def encode(self, batch: Batch) -> Tensor:
        """States `[B, L, D]`."""
        states: Tensor = self.encoder(batch.input_ids, batch.attention_mask)
        return states

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Scalar loss of a labelled batch; a text without triples counts too."""

    @abstractmethod
    def decode(self, batch: Batch, threshold: float) -> list[list[FoundLink]]:
        """What is found in each row, with `threshold` as the least probability of every decision."""

    def views(self, item: LabelledWindow, rng: np.random.Generator) -> Sequence[View]:
        """Altered texts to put beside a training item, drawn anew each time it is seen; none by default."""
        return ()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """`{"loss": ...}`, as transformers' Trainer wants it."""
        return {"loss": self.loss(batch)}
