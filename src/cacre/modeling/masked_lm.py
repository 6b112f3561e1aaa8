"""Masked language modelling over an encoder, to pre-train a small one where no pretrained weights can be had."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.modeling.pretrained import Encoder


class MaskedLanguageModel(nn.Module):
    """Predict the masked characters, with the output layer tied to the input embeddings.

    Logits are computed at the masked positions only: with a vocabulary thirty times the width that is half the work.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.hidden_size
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(self._embeddings().shape[0]))

    def _embeddings(self) -> Tensor:
        weight: Tensor = self.encoder.backbone.get_input_embeddings().weight  # type: ignore[operator]
        return weight

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute the loss.

        Args:
            input_ids: `[B, L]`, some of them replaced by `[MASK]`.
            attention_mask: `[B, L]`.
            labels: `[B, L]`, the true id where it is to be predicted, -100 elsewhere.

        Returns:
            `loss`, the mean cross-entropy over the masked positions, in nats; 0 if nothing is masked.
        """
        states = self.encoder(input_ids, attention_mask)  # [B, L, D]
        masked = labels != -100
        hidden = self.transform(states[masked])  # [number masked, D]
        logits = functional.linear(hidden, self._embeddings(), self.bias)  # [number masked, V]
        total = functional.cross_entropy(logits, labels[masked], reduction="sum")
        return {"loss": total / masked.sum().clamp(min=1)}  # a batch without a mask must not give NaN
