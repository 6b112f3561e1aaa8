"""A second opinion on a pair: string evidence and the predicate alone, without a look at the text. Not in the paper.

A network that reads learns slowly what the evidence values say by themselves, and a small one that sees nothing else
learns it in a minute. Their logits are added: they err on other triples.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

_SIZES = (256, 128)
_DROPOUT = 0.3


class EvidenceHead(nn.Module):
    """Evidence values and predicate to a logit; 0 for every pair until it is fitted.

    It learns nothing while the network is trained: `training.evidence_head` fits it afterwards.

    Args:
        width: D, of the predicate's vector.
        values: F.
        weight: Of its logit beside the reader's.
    """

    def __init__(self, width: int, values: int, weight: float) -> None:
        super().__init__()
        self.weight = weight
        layers: list[nn.Module] = []
        last = values + width
        with torch.random.fork_rng(devices=()):  # the rest of the network starts as it would without a head
            for size in _SIZES:
                layers += [nn.Linear(last, size), nn.GELU(), nn.Dropout(_DROPOUT)]
                last = size
            self.layers = nn.Sequential(*layers, nn.Linear(last, 1))
        for parameter in self.layers[-1].parameters():
            nn.init.zeros_(parameter)
        self.requires_grad_(False)

    @property
    def fitted(self) -> bool:
        """Whether it says anything."""
        return any(bool(parameter.any()) for parameter in self.layers[-1].parameters())

    def train(self, mode: bool = True) -> Self:
        """Without dropout unless it is being fitted: to what is trained beside it, it is a constant."""
        return super().train(mode and next(self.parameters()).requires_grad)

    def forward(self, values: Tensor, predicate: Tensor) -> Tensor:
        """Standardised values `[C, F]` and the mean state of the predicate's tokens `[C, D]` to logits `[C]`."""
        logit: Tensor = self.layers(torch.cat([values, predicate], dim=-1))
        return logit.squeeze(-1)
