"""A linear-chain conditional random field.

Own code because the packages that offer one (pytorch-crf, TorchCRF) have seen no release since 2019 and 2020. Source:
Lafferty, McCallum, Pereira 2001; marginals by differentiating log Z, as in Eisner 2016, "Inside-outside and
forward-backward algorithms are just backprop".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LinearChainCRF(nn.Module):
    """Scores of sequences of K tags; masks are contiguous from the left, with at least one token a row.

    Args:
        kinds: K.
    """

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.start, self.end = nn.Parameter(torch.zeros(kinds)), nn.Parameter(torch.zeros(kinds))
        self.transitions = nn.Parameter(torch.zeros(kinds, kinds))
        """[from, to]"""

    def log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Log probability of tag sequences.

        Args:
            emissions: `[B, L, K]`.
            tags: `[B, L]`, anything where the mask is false.
            mask: `[B, L]` of bool.

        Returns:
            `[B]`, in nats.
        """
        return self._score(emissions, tags, mask) - self.log_partition(emissions, mask)

    def log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Log Z over all tag sequences, `[B]`."""
        total = self.start + emissions[:, 0]  # [B, K]
        for place in range(1, emissions.shape[1]):
            step = torch.logsumexp(total[:, :, None] + self.transitions, dim=1) + emissions[:, place]
            total = torch.where(mask[:, place, None], step, total)
        return torch.logsumexp(total + self.end, dim=1)

    def marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Probability of each tag at each place, `[B, L, K]`; 0 where the mask is false."""
        with torch.enable_grad():
            leaf = emissions.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.log_partition(leaf, mask).sum(), leaf)
        return gradient

    def best_tags(self, emissions: Tensor, mask: Tensor) -> list[list[int]]:
        """The most probable tag sequence of each row, by the Viterbi algorithm."""
        total, back = self.start + emissions[:, 0], []
        for place in range(1, emissions.shape[1]):
            best, origin = (total[:, :, None] + self.transitions).max(dim=1)  # [B, K] each
            total = torch.where(mask[:, place, None], best + emissions[:, place], total)
            back.append(origin)
        last = (total + self.end).argmax(dim=1).tolist()
        paths = []
        for row, (tag, length) in enumerate(zip(last, mask.sum(dim=1).tolist(), strict=True)):
            path = [tag]
            for origin in reversed(back[: length - 1]):
                path.append(int(origin[row, path[-1]]))
            paths.append(path[::-1])
        return paths

    def _score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        said = emissions.gather(2, tags[..., None]).squeeze(2)  # [B, L]
        moves = self.transitions[tags[:, :-1], tags[:, 1:]]  # [B, L - 1]
        last = tags.gather(1, mask.sum(dim=1, keepdim=True) - 1).squeeze(1)
        return self.start[tags[:, 0]] + (said * mask).sum(dim=1) + (moves * mask[:, 1:]).sum(dim=1) + self.end[last]
