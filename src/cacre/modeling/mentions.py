"""Where mentions are, from marks of tokens; in operations that every exporter knows."""

from __future__ import annotations

import torch
from torch import Tensor


def mention_borders(mention: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """First and last token of a mention, from its mark `[C, L]`.

    Returns:
        Both, `[C]`, and `[C, 1]`, 1 where there is one; 0, 0 and 0 where there is none.
    """
    found, mention = mention.amax(dim=1, keepdim=True), mention.float()  # bfloat16 cannot count beyond 256
    places = torch.arange(mention.shape[1], device=mention.device, dtype=mention.dtype)
    last = (mention * places).amax(dim=1)
    first = last - (mention * (last[:, None] - places)).amax(dim=1)
    return first.long(), last.long(), found
