"""String evidence for the network: marks to the text, values to the projections. Not in the paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cacre.config import ModelSettings
from cacre.modeling.attention import Attention
from cacre.modeling.values import Pair
from cacre.similarity import masked_mean


class EvidenceLayer(nn.Module):
    """A transformer layer over the marked text: lets a mark at one token reach the others. Not in the paper."""

    def __init__(self, width: int, settings: ModelSettings) -> None:
        super().__init__()
        self.attention = Attention(width, settings.attention_heads, settings.dropout)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, text: Tensor, text_mask: Tensor | None) -> Tensor:
        """`[C, L_T, D] -> [C, L_T, D]`."""
        text = self.norm_attention(text + self.dropout(self.attention(text, text, text_mask)[0]))
        out: Tensor = self.norm_feed_forward(text + self.dropout(self.feed_forward(text)))
        return out


class EvidenceChannel(nn.Module):
    """Brings string evidence to a pair: marks to the text's tokens, values to both projections. Not in the paper."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, projection_size: int, marks: int, values: int, settings: ModelSettings) -> None:
        super().__init__()
        self.reads = settings.reader_layers > 0  # the reader looks at the marks, and X_T is not needed
        if not self.reads:
            self.mark = nn.Linear(marks, width, bias=False)
            self.role = nn.Linear(width, width, bias=False)
            self.to_text = nn.Linear(2 * projection_size, projection_size)
        self.layers = nn.ModuleList(EvidenceLayer(width, settings) for _ in range(settings.evidence_layers))
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("scale", torch.ones(values))
        hidden = 2 * projection_size
        self.values = nn.Sequential(
            nn.Linear(values + width, hidden),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(hidden, hidden),
            nn.GELU(),
        )
        self.to_triple = nn.Linear(hidden, projection_size)

    def mark_text(self, pair: Pair, mask: Tensor | None) -> Tensor:
        """E_T with marks, and with what the predicate is about, after the evidence layers: `[C, L_T, D]`."""
        predicate = masked_mean(pair.triple_states, pair.role_ids == 2)  # [C, D]
        text: Tensor = pair.text_states + self.mark(pair.marks) + self.role(predicate)[:, None, :]
        for layer in self.layers:
            text = layer(text, mask)
        return text

    def standardise(self, values: Tensor) -> Tensor:
        """Values with mean 0 and deviation 1 over the training data, `[C, F]`."""
        return (values - self.mean) / self.scale

    def shift(self, pair: Pair) -> tuple[Tensor, Tensor]:
        """What the values add to X_T (nothing where there is a reader) and to X_R: two `[C, 1, P]`."""
        standard = self.standardise(pair.values)  # [C, F]
        about = masked_mean(pair.triple_states, pair.role_ids == 2)  # [C, D], what the predicate is about
        hidden = self.values(torch.cat([standard, about], dim=-1))  # [C, F + D] -> [C, 2P]
        to_triple = self.to_triple(hidden)[:, None, :]
        return (to_triple[..., :0] if self.reads else self.to_text(hidden)[:, None, :]), to_triple
