"""Attention that shows its weights: equations (2) and (3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.errors import ConfigError


class Attention(nn.Module):
    """Multi-head attention that also gives its weights, averaged over the heads: equations (2) and (3)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise ConfigError(f"attention_heads={heads} must divide the encoder width {width}")
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(
        self, queries: Tensor, keys: Tensor, key_mask: Tensor | None, key_row: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend from `queries [C, L_q, D]` to `keys [C, L_k, D]`; gives `V [C, L_q, D]` and `W [C, L_q, L_k]`.

        With `key_row [C]` the keys are those of T sequences, `[T, L_k, D]`, and each is projected once; the mask is
        `[C, L_k]` all the same.
        """
        keys_and_values = [self.key(keys), self.value(keys)]
        if key_row is not None:
            keys_and_values = [part.index_select(0, key_row) for part in keys_and_values]
        q, k, v = (self._split(x) for x in (self.query(queries), *keys_and_values))
        logits = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # [C, H, L_q, L_k]
        if key_mask is not None:
            logits = logits.masked_fill(key_mask[:, None, None, :] == 0, torch.finfo(logits.dtype).min)
        weights = logits.softmax(dim=-1)
        attended = functional.dropout(weights, self.dropout, self.training) @ v  # [C, H, L_q, D/H]
        joined = attended.transpose(1, 2).flatten(2)  # [C, L_q, D]
        return self.output(joined), weights.mean(dim=1)  # (2), (3)

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)  # [C, L, D] -> [C, H, L, D/H]
