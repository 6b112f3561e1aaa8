"""An opinion on how a text speaks, whoever it speaks of: a piecewise convolutional network (PCNN). Not in the paper.

Subject and object are blanked out, so that nothing can be learnt by heart about names, and the text is cut at them into
three pieces, each of which is pooled by itself: D. Zeng et al., "Distant Supervision for Relation Extraction via
Piecewise Convolutional Neural Networks", EMNLP 2015. Its logit is added to the reader's, which has seen the names.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.errors import ConfigError
from cacre.modeling.mentions import mention_borders
from cacre.preprocessing.evidence import MARKS

SIZE = 96
"""E, of the vector of a token."""
LAYERS = 1
"""Gated convolutions, each with a residual round it."""
_WIDTH = 5
_DROPOUT = 0.3
_BLANK = [MARKS.index(name) for name in ("subject", "object", "nearest_subject", "nearest_object")]
_NEAREST = [MARKS.index(name) for name in ("nearest_subject", "nearest_object")]


class PatternHead(nn.Module):
    """Token ids, marks and predicate to a logit; 0 for every pair until it is fitted.

    It learns nothing while the network is trained: `training.pattern_head` fits it afterwards.

    Args:
        width: D, of the predicate's vector.
        vocabulary: Token ids there are.
        marks: M.
        weight: Of its logit beside the reader's.

    Raises:
        ConfigError: The marks are not those of string evidence.
    """

    def __init__(self, width: int, *, vocabulary: int, marks: int, weight: float) -> None:
        super().__init__()
        if marks != len(MARKS):
            raise ConfigError(f"the pattern head needs the {len(MARKS)} marks of string evidence, got {marks}")
        self.weight = weight
        with torch.random.fork_rng(devices=()):  # the rest of the network starts as it would without a head
            self.token: nn.Module = nn.Embedding(vocabulary, SIZE)
            self.mark = nn.Linear(marks, SIZE)
            self.predicate = nn.Sequential(nn.Linear(width, SIZE), nn.GELU())
            self.norms = nn.ModuleList(nn.LayerNorm(SIZE) for _ in range(LAYERS))
            self.convolutions = nn.ModuleList(
                nn.Conv1d(SIZE, 2 * SIZE, _WIDTH, padding=_WIDTH // 2) for _ in range(LAYERS)
            )
            self.asked = nn.ModuleList(nn.Linear(SIZE, 2 * SIZE) for _ in range(LAYERS))
            self.drop = nn.Dropout(_DROPOUT)
            self.head = nn.Sequential(
                nn.Linear(4 * SIZE, 256), nn.GELU(), nn.Dropout(_DROPOUT),
                nn.Linear(256, 128), nn.GELU(), nn.Dropout(_DROPOUT), nn.Linear(128, 1),
            )  # fmt: skip
        for parameter in self.head[-1].parameters():
            nn.init.zeros_(parameter)
        self.requires_grad_(False)

    @property
    def fitted(self) -> bool:
        """Whether it says anything."""
        return any(bool(parameter.any()) for parameter in self.head[-1].parameters())

    def train(self, mode: bool = True) -> Self:
        """Without dropout unless it is being fitted: to what is trained beside it, it is a constant."""
        return super().train(mode and next(self.parameters()).requires_grad)

    def forward(self, ids: Tensor, mask: Tensor, marks: Tensor, predicate: Tensor) -> Tensor:
        """Logits of C pairs.

        Args:
            ids: Token ids of the text, `[C, L_T]`.
            mask: Which of them there are, `[C, L_T]`.
            marks: `[C, L_T, M]`.
            predicate: Mean state of the predicate's tokens, `[C, D]`.

        Returns:
            `[C]`.
        """
        there = mask[..., None].to(marks.dtype)
        shown = 1.0 - marks[..., _BLANK].amax(dim=-1, keepdim=True)
        asked = self.predicate(predicate)  # [C, E]
        x = self.drop(self.token(ids) * shown + self.mark(marks))
        for norm, convolution, condition in zip(self.norms, self.convolutions, self.asked, strict=True):
            read = convolution((norm(x) * there).transpose(1, 2)).transpose(1, 2) + condition(asked)[:, None]
            x = x + self.drop(functional.glu(read, dim=-1))
        pooled = [_largest(x, piece & (mask > 0)) for piece in _pieces(marks)]
        logit: Tensor = self.head(torch.cat([*pooled, asked], dim=-1))
        return logit.squeeze(-1)


def _pieces(marks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The text up to the first of both mentions, from there to the second, and on; `[C, L_T]` each.

    A mention is in both pieces beside it. Where one is missing, `[CLS]` stands for it.
    """
    (s_first, s_last, _), (o_first, o_last, _) = (mention_borders(marks[..., column]) for column in _NEAREST)
    place = torch.arange(marks.shape[1], device=marks.device)[None]
    end, start = torch.minimum(s_last, o_last)[:, None], torch.maximum(s_first, o_first)[:, None]
    return place <= end, (place >= end) & (place <= start), place >= start


def _largest(x: Tensor, piece: Tensor) -> Tensor:
    """Maximum over the tokens of a piece, `[C, L_T, E]` to `[C, E]`; 0 where it has none."""
    lowest = torch.finfo(x.dtype).min
    largest = x.masked_fill(~piece[..., None], lowest).amax(dim=1)
    return largest.masked_fill(~piece.any(dim=1, keepdim=True), 0.0)
