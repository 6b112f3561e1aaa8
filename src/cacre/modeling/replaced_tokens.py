"""Replaced-token detection (ELECTRA: Clark et al. 2020): tell which characters another model has put in.

Telling right from wrong at every position teaches a small encoder more per step than guessing a seventh of them, and it
is what a verifier does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.modeling.masked_lm import MaskedLanguageModel
from cacre.modeling.pretrained import Encoder


class ReplacedTokenDetector(nn.Module):
    """An encoder that learns to find the characters which a frozen masked language model guessed wrong.

    Args:
        encoder: What is trained.
        generator: What fills the masks; its weights do not change.
    """

    def __init__(self, encoder: Encoder, generator: MaskedLanguageModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.generator = generator.requires_grad_(False)
        width = encoder.hidden_size
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute the loss.

        Args:
            input_ids: `[B, L]`, some of them replaced by `[MASK]`.
            attention_mask: `[B, L]`.
            labels: `[B, L]`, the true id where it is masked, -100 elsewhere.

        Returns:
            `loss`, the mean binary cross-entropy over the tokens, in nats.
        """
        masked = labels != -100
        true = torch.where(masked, labels, input_ids)
        filled = true.clone()
        filled[masked] = self._fill(input_ids, attention_mask, masked)
        logits = self.head(self.encoder(filled, attention_mask)).squeeze(-1)  # [B, L]
        each = functional.binary_cross_entropy_with_logits(logits, (filled != true).to(logits.dtype), reduction="none")
        weight = attention_mask.to(each.dtype)
        return {"loss": (each * weight).sum() / weight.sum().clamp(min=1)}

    @torch.no_grad()
    def _fill(self, input_ids: Tensor, attention_mask: Tensor, masked: Tensor) -> Tensor:
        """A character for each masked position, drawn from what the generator takes for likely."""
        self.generator.eval()  # the Trainer puts the whole network into training mode
        logits = self.generator.predict(input_ids, attention_mask, masked).float()  # a draw needs more than bfloat16
        noise = -torch.empty_like(logits).exponential_().log()  # Gumbel: the largest sum is a draw from the softmax
        drawn: Tensor = (logits + noise).argmax(dim=-1)
        return drawn
