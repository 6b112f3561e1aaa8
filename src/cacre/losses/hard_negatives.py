"""Which negatives are hard: equation (18).

Equation:
    {S-_hard(i)}, i = 1..K  =  topk[{S-(i)}, i = 1..N; K],   K = ceil(top_k * N)

Reference:
    CACRE, section 2.3. N is counted per row, because texts have different numbers of negatives.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_ROUNDING = 1e-9
"""0.55 * 100 comes out a little above 55 in floating point; without this K would be 56."""


def hard_count(available: Tensor, top_k: float) -> Tensor:
    """Number K of hard negatives of each row.

    Args:
        available: [B], valid negatives of each row.
        top_k: Share of them that is kept, in (0, 1].

    Returns:
        [B] int64; at least 1 and at most `available`, so 0 only where there are none. With top_k = 0.8:
        1, 2, 3, 4, 5, 6, 10, 32 negatives give 1, 2, 3, 4, 4, 5, 8, 26.

    Raises:
        ValueError: `top_k` is not in (0, 1].
    """
    if not 0.0 < top_k <= 1.0:
        raise ValueError(f"top_k is {top_k!r}, allowed is 0 < top_k <= 1: give the share of negatives to keep")
    wanted = torch.ceil(available.double() * top_k - _ROUNDING).long()
    return torch.minimum(wanted.clamp(min=1), available.long())


def select_hard(scores: Tensor, valid: Tensor, top_k: float) -> tuple[Tensor, Tensor]:
    """Keep the K highest valid scores of each row.

    Args:
        scores: S-, [B, N].
        valid: [B, N] bool.
        top_k: Share that is kept, in (0, 1].

    Returns:
        The hard scores, highest first, [B, K_max], -inf beyond the row's own K; and K, [B] int64.

    Raises:
        ValueError: `top_k` is not in (0, 1].
    """
    count = hard_count(valid.sum(dim=-1), top_k)
    columns = scores.shape[-1]
    # K grows with N, so a row without padding has the largest: known without reading a value back from the device.
    widest = min(columns, max(1, math.ceil(columns * top_k - _ROUNDING)))
    ranked = scores.masked_fill(~valid, -math.inf).topk(widest, dim=-1).values
    rank = torch.arange(widest, device=scores.device)
    return ranked.masked_fill(rank >= count.unsqueeze(-1), -math.inf), count
