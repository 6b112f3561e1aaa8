"""The feature enhancement of CECRel: positions, and what stands near, put into the encoder's states."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DILATIONS = (1, 2, 4)
"""A token sees seven tokens to each side."""
_LONGEST_WAVE = 10000.0
_GAIN = 0.1


class FeatureEnhancement(nn.Module):
    """Dilated gated convolutions over states with positions, added to the states: `[B, L, D] -> [B, L, D]`.

    Each layer mixes in what stands near by `x (1 - g) + g conv(x)`, `g = sigmoid(conv'(x))`. Sources: Gehring et al.
    2017, "Convolutional sequence to sequence learning", for the gate; Vaswani et al. 2017 for the sinusoidal positions,
    which have no longest text.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), _GAIN))
        self.layers = nn.ModuleList(
            nn.Conv1d(width, 2 * width, kernel_size=3, padding=dilation, dilation=dilation) for dilation in DILATIONS
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        """Enhance states.

        Args:
            states: `[B, L, D]`.
            attention_mask: `[B, L]`, 0 for padding, which has no influence on the rest.
        """
        mask = attention_mask[:, None].to(states.dtype)  # [B, 1, L]
        positions = self.gain * sinusoids(states.shape[1], states.shape[2], states.device)
        x = (states + positions.to(states.dtype)).transpose(1, 2)  # [B, D, L]
        for layer in self.layers:
            near, gate = layer(x * mask).chunk(2, dim=1)
            x = x + gate.sigmoid() * (near - x)
        enhanced: Tensor = self.norm(states + x.transpose(1, 2))
        return enhanced


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of the positions, `[L, D]`, in wave lengths from 2 pi to 20000 pi tokens."""
    half = torch.arange((width + 1) // 2, device=device)
    angles = torch.arange(length, device=device)[:, None] / _LONGEST_WAVE ** (2 * half / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]
