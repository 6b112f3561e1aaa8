"""Parts that the networks of several systems have: taggers of starts and ends, conditioning, and their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cacre.baselines.extractors.windows import TokenSpan

_RARE = -3.0
"""Bias that a tagger begins with: most tokens start nothing, and a probability of 0.5 would drown the rest."""


class SpanTagger(nn.Module):
    """Logits that a token starts or ends a span of each of K kinds: `[..., L, D] -> [..., L, K, 2]`."""

    def __init__(self, width: int, kinds: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * kinds)
        nn.init.constant_(self.linear.bias, _RARE)

    def forward(self, states: Tensor) -> Tensor:
        """Compute the logits; the last axis is (start, end)."""
        logits: Tensor = self.linear(states)
        return logits.reshape(*logits.shape[:-1], -1, 2)


class ConditionalNorm(nn.Module):
    """Layer normalisation whose gain and bias depend on a condition: `[S, L, D], [S, C] -> [S, L, D]`.

    Starts as an ordinary layer normalisation. Source: Su 2019, "Conditional text generation based on Conditional
    Layer Normalization".
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Linear(condition, width), nn.Linear(condition, width)
        for layer in (self.gain, self.bias):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, states: Tensor, condition: Tensor) -> Tensor:
        """Normalise over the last axis, then scale and shift."""
        normal = functional.layer_norm(states, states.shape[-1:])
        scaled: Tensor = normal * (1 + self.gain(condition)[:, None]) + self.bias(condition)[:, None]
        return scaled


def span_states(states: Tensor, rows: Tensor, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The states of S spans.

    Args:
        states: `[B, L, D]`.
        rows: `[S]`, the row that each span is in.
        first: `[S]`, its first token.
        last: `[S]`, its last token.

    Returns:
        `[S, D]` each: state of the first token, of the last, and the mean over the span.
    """
    chosen = states[rows]  # [S, L, D]
    position = torch.arange(states.shape[1], device=states.device)
    inside = ((position >= first[:, None]) & (position <= last[:, None])).to(states.dtype)  # [S, L]
    mean = torch.einsum("sl,sld->sd", inside, chosen) / inside.sum(dim=1, keepdim=True)
    each = torch.arange(len(rows), device=states.device)
    return chosen[each, first], chosen[each, last], mean


def span_tensors(spans: Sequence[tuple[int, TokenSpan]], device: Any) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
    """Rows, first and last tokens of (row, span), `[S]` each."""
    table = torch.tensor([(row, *span) for row, span in spans], dtype=torch.int64).reshape(-1, 3)
    rows, first, last = table.to(device).unbind(dim=1)
    return rows, first, last


def span_labels(shape: tuple[int, int, int], marks: Iterable[tuple[int, int, TokenSpan]], device: Any) -> Tensor:  # noqa: ANN401
    """Targets of a `SpanTagger`: `[S, L, K, 2]` with ones where a span starts and ends.

    Args:
        shape: S, L, K.
        marks: (row of S, kind of K, span).
        device: Where the tensor goes.
    """
    labels = torch.zeros(*shape, 2)
    for row, kind, span in marks:
        labels[row, span.first, kind, 0] = 1.0
        labels[row, span.last, kind, 1] = 1.0
    return labels.to(device)


def tagging_loss(logits: Tensor, labels: Tensor, content: Tensor) -> Tensor:
    """Binary cross-entropy summed over kinds and over start and end, per token of the text.

    Args:
        logits: `[S, L, K, 2]`.
        labels: The same shape.
        content: `[S, L]` of bool.

    Returns:
        `[S]`, the mean over the tokens of each row, in nats; 0 for a row without tokens.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(dim=(2, 3))
    return per_token(loss, content)


def per_token(loss: Tensor, content: Tensor) -> Tensor:
    """`[S, L] -> [S]`: the mean over the tokens of the text."""
    return (loss * content).sum(dim=1) / content.sum(dim=1).clamp(min=1)


def probabilities(logits: Tensor, content: Tensor) -> NDArray[Any]:
    """`[S, L, K, 2] -> [2, S, L, K]` as numpy: starts and ends, 0 where there is no token of the text."""
    masked = logits.sigmoid() * content[:, :, None, None]
    array: NDArray[Any] = masked.permute(3, 0, 1, 2).float().cpu().numpy()
    return array
