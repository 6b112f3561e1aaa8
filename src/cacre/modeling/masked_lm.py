"""Masked language modelling over an encoder, to pre-train a small one where no pretrained weights can be had."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from cacre.errors import ModelError
from cacre.modeling.pretrained import Encoder

_HEAD_FILE = "masked_lm_head.safetensors"


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

    def predict(self, input_ids: Tensor, attention_mask: Tensor, wanted: Tensor) -> Tensor:
        """Logits over the vocabulary at the wanted positions: `[B, L]` three times -> `[number wanted, V]`."""
        states = self.encoder(input_ids, attention_mask)  # [B, L, D]
        return functional.linear(self.transform(states[wanted]), self._embeddings(), self.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute the loss.

        Args:
            input_ids: `[B, L]`, some of them replaced by `[MASK]`.
            attention_mask: `[B, L]`.
            labels: `[B, L]`, the true id where it is to be predicted, -100 elsewhere.

        Returns:
            `loss`, the mean cross-entropy over the masked positions, in nats; 0 if nothing is masked.
        """
        masked = labels != -100
        logits = self.predict(input_ids, attention_mask, masked)
        total = functional.cross_entropy(logits, labels[masked], reduction="sum")
        return {"loss": total / masked.sum().clamp(min=1)}  # a batch without a mask must not give NaN


def save_head(model: MaskedLanguageModel, folder: Path) -> None:
    """Write what the model has besides its encoder, so that it can be put together again."""
    state = {
        name: tensor.contiguous() for name, tensor in model.state_dict().items() if not name.startswith("encoder.")
    }
    save_file(state, folder / _HEAD_FILE)


def load_head(model: MaskedLanguageModel, folder: Path) -> None:
    """Read what `save_head` wrote.

    Raises:
        ModelError: There is no such file, or it is another model's.
    """
    try:
        state = load_file(folder / _HEAD_FILE)
        missing, unexpected = model.load_state_dict(state, strict=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"{folder / _HEAD_FILE}: not the head of this encoder's masked language model ({error}); "
            "`cacre pretrain` writes it"
        ) from error
    absent = [name for name in missing if not name.startswith("encoder.")]
    if absent or unexpected:
        raise ModelError(
            f"{folder / _HEAD_FILE}: lacks {absent} and has unknown {unexpected}; `cacre pretrain` writes it"
        )
