"""The average of a model's weights before and after it went on learning.

Wortsman et al. (2022), Robust fine-tuning of zero-shot models: along the line between the two, what was learnt comes
sooner than what is forgotten.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

import torch
from torch import Tensor, nn


def copied_weights(model: nn.Module, without: Container[str] = ()) -> dict[str, Tensor]:
    """The weights as they are now, on the CPU, but for some names."""
    state = model.state_dict()
    return {name: value.detach().cpu().clone() for name, value in state.items() if name not in without}


@torch.no_grad()
def average_with(model: nn.Module, before: Mapping[str, Tensor], weight: float) -> None:
    """Move the weights of a model towards those it had before.

    Args:
        model: Changed in place.
        before: What `copied_weights` gave; what it lacks stays as it is.
        weight: Of what was before, in [0, 1]; 0 changes nothing.
    """
    # Not the state dict, which has a weight with two names (share_attention) twice.
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if name in before and value.is_floating_point():
            value.lerp_(before[name].to(value), weight)
