"""A policy that keeps or drops training texts, learned with REINFORCE from the extractor's likelihood."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_SPREAD = 0.1
"""Nats added to the spread of a batch's losses, so that small differences make no outliers."""
_LEAST = 0.1
"""Least probability of keeping a text, so that none is lost for good."""
_KEEPS = 2.0
"""Bias that the policy begins with: it keeps most texts."""


class NoiseFilter(nn.Module):
    """Keeps or drops each text of a batch.

    The reward of keeping a text is how likely its labels are to the extractor: `patience - (loss - mean) / spread`,
    over the batch; of dropping it 0. So only texts whose loss is `patience` spreads above the mean are better dropped.
    The policy's own expectation is the baseline. Source: Feng et al. 2018, "Reinforcement learning for relation
    classification from noisy data", which chooses sentences by the likelihood of the chosen ones.

    Args:
        width: D.
        patience: Spreads above the mean loss from which on a text counts as noise.
        warm_up: Batches in which every text is kept, while the extractor knows nothing yet.
    """

    steps: Tensor

    def __init__(self, width: int, patience: float, warm_up: int) -> None:
        super().__init__()
        self.policy = nn.Linear(width, 1)
        nn.init.zeros_(self.policy.weight)
        nn.init.constant_(self.policy.bias, _KEEPS)
        self.patience, self.warm_up = patience, warm_up
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def keep_probability(self, features: Tensor) -> Tensor:
        """`[B, D] -> [B]`."""
        return _LEAST + (1 - _LEAST) * torch.sigmoid(self.policy(features).squeeze(1))

    def forward(self, features: Tensor, losses: Tensor) -> Tensor:
        """The loss of the kept texts and of the policy, a scalar.

        Args:
            features: `[B, D]`, what the policy sees of each text; no gradient goes back through it.
            losses: `[B]`, the extractor's loss of each text.
        """
        self.steps += 1
        if int(self.steps) <= self.warm_up or len(losses) < 2:
            return losses.mean()
        keep = self.keep_probability(features.detach())
        kept = torch.bernoulli(keep.detach())  # [B]
        outlying = (losses.detach() - losses.detach().mean()) / (losses.detach().std() + _SPREAD)
        # Of keeping over dropping, less its expectation: the policy's gradient needs no other baseline.
        advantage = (kept - keep.detach()) * (self.patience - outlying)
        log_probability = torch.where(kept > 0, keep, 1 - keep).clamp(min=1e-6).log()
        policy_loss = -(log_probability * advantage).mean()
        return (losses * kept).sum() / kept.sum().clamp(min=1) + policy_loss
