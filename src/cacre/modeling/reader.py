"""The reader: a few questions about a triple read the text, and a logit says whether it is supported. Not in the paper.

Where the paper compares projected sequences, the reader decides: transformer decoder layers in which what stands at the
mentions, beside them, and the predicate query the text. What a text contributes to the attention (keys and values) is
computed once per text, whatever the number of its candidates; only the handful of queries is computed per pair.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.errors import ConfigError
from cacre.modeling.evidence_head import EvidenceHead
from cacre.modeling.mentions import mention_borders
from cacre.modeling.pattern_head import PatternHead
from cacre.preprocessing.evidence import MARKS
from cacre.similarity import masked_mean

_NEAREST = (MARKS.index("nearest_subject"), MARKS.index("nearest_object"))
_STEPS = (1, 2, 3, 5, 9, 17)
"""Distances, in tokens, from which on a token counts as further away from a mention."""
_BUCKETS = 2 * len(_STEPS) + 2  # before, inside, after, and: there is no mention
QUERIES = 12
"""Q: mean of subject and of object, four tokens at the borders of each, the whole text, the predicate."""
_BY_ROLE = [QUERIES - 2, 0, QUERIES - 1, 1]
"""The query that speaks for the tokens of each role: none of them, subject, predicate, object."""


class Question(NamedTuple):
    """C pairs as the reader takes them."""

    text_states: Tensor  # E_T [T, L_T, D] of T texts
    text_mask: Tensor  # [T, L_T]
    text_row: Tensor | None  # [C], the text of each pair; None where there is one text for each, in their order
    triple_states: Tensor  # E_R [C, L_R, D]
    role_ids: Tensor  # [C, L_R]
    marks: Tensor  # [C, L_T, M]
    values: Tensor  # [C, F], standardised
    text_ids: Tensor | None = None  # [T, L_T], for a pattern head

    def take(self, rows: Tensor) -> Question:
        """Some of the pairs."""
        row = rows if self.text_row is None else self.text_row[rows]
        return self._replace(
            text_row=row, triple_states=self.triple_states[rows], role_ids=self.role_ids[rows],
            marks=self.marks[rows], values=self.values[rows],
        )  # fmt: skip

    def spread(self, x: Tensor) -> Tensor:
        """What belongs to a text, `[T, ...]`, repeated for each of its pairs, `[C, ...]`."""
        return x if self.text_row is None else x.index_select(0, self.text_row)


class ReaderLayer(nn.Module):
    """A transformer decoder layer, normalised before each part, whose attention knows marks and distances."""

    def __init__(self, width: int, heads: int, marks: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_self, self.norm_text, self.norm_feed_forward = (nn.LayerNorm(width) for _ in range(3))
        self.self_attention, self.self_output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.mark = nn.Linear(marks, 2 * width, bias=False)
        self.distance = nn.Parameter(torch.zeros(2, _BUCKETS, QUERIES * heads))
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, question: Question, mask: Tensor, buckets: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """One layer.

        Args:
            x: Queries `[C, Q, D]`.
            question: The pairs.
            mask: `[C, L_T]`, which text tokens there are.
            buckets: Distance classes of each text token from subject and object, `[C, L_T]` twice.

        Returns:
            `[C, Q, D]`, and the weights of the text tokens, averaged over the heads, `[C, Q, L_T]`.
        """
        q, k, v = (self._split(part) for part in self.self_attention(self.norm_self(x)).chunk(3, dim=-1))
        x = x + self.drop(self.self_output(self._join(self._attend(q, k, v, None)[0])))
        memory = question.spread(self.memory(question.text_states)) + self.mark(question.marks)  # [C, L_T, 2D]
        k, v = (self._split(part) for part in memory.chunk(2, dim=-1))
        # As an embedding and not by indexing, whose gradient adds one by one on a GPU what goes to the same few rows.
        near = [functional.embedding(bucket, table) for bucket, table in zip(buckets, self.distance, strict=True)]
        bias = near[0] + near[1]  # [C, L_T, Q * H]
        bias = bias.reshape(*bias.shape[:2], QUERIES, self.heads).permute(0, 3, 2, 1)  # [C, H, Q, L_T]
        bias = bias.masked_fill(mask[:, None, None, :] == 0, torch.finfo(bias.dtype).min)
        read, weights = self._attend(self._split(self.query(self.norm_text(x))), k, v, bias)
        x = x + self.drop(self.output(self._join(read)))
        return x + self.drop(self.feed_forward(self.norm_feed_forward(x))), weights.mean(dim=1)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        logits = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        weights = (logits if bias is None else logits + bias).softmax(dim=-1)
        return functional.dropout(weights, self.dropout, self.training) @ v, weights

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)  # [C, L, D] -> [C, H, L, D/H]

    def _join(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)


class Reader(nn.Module):
    """Pairs to logits.

    Args:
        width: D.
        layers: Decoder layers.
        heads: Attention heads; must divide the width.
        marks: M, of which those named `nearest_*` must be the ones of `preprocessing.evidence`.
        values: F.
        dropout: On attention weights, layers and head.
        evidence_head: Weight of the logit of an `EvidenceHead`, which is added; 0 is none.
        pattern_head: Weight of the logit of a `PatternHead`, which is added; 0 is none.
        vocabulary: Token ids there are, for a pattern head.

    Raises:
        ConfigError: The heads do not divide the width, or there are other marks.
    """

    def __init__(
        self,
        width: int,
        *,
        layers: int,
        heads: int,
        marks: int,
        values: int,
        dropout: float,
        evidence_head: float = 0.0,
        pattern_head: float = 0.0,
        vocabulary: int = 0,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ConfigError(f"attention_heads={heads} must divide the width {width}")
        if marks != len(MARKS):
            raise ConfigError(f"the reader needs the {len(MARKS)} marks of string evidence, got {marks}")
        hidden = 128
        self.state, self.name = nn.Linear(width, width), nn.Linear(width, width)
        self.predicate = nn.Linear(width, width)
        self.values = nn.Sequential(
            nn.Linear(values + width, 192), nn.GELU(), nn.Dropout(dropout), nn.Linear(192, hidden), nn.GELU()
        )
        self.from_values = nn.Linear(hidden, width)
        self.kind = nn.Parameter(0.02 * torch.randn(QUERIES, width))
        self.layers = nn.ModuleList(ReaderLayer(width, heads, marks, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Sequential(
            nn.Linear(QUERIES * width + hidden, 256), nn.GELU(), nn.Dropout(dropout), nn.Linear(256, 1)
        )
        self.evidence_head = EvidenceHead(width, values, evidence_head) if evidence_head else None
        self.pattern_head = None
        if pattern_head:
            self.pattern_head = PatternHead(width, vocabulary=vocabulary, marks=marks, weight=pattern_head)

    def forward(self, question: Question) -> tuple[Tensor, Tensor]:
        """Logits `[C]`, above 0 where the text is taken to support the triple, and where its parts look.

        The latter are the weights of the last layer, `[C, 4, L_T]`, by role: the whole, subject, predicate, object.
        """
        text, mask = question.spread(question.text_states), question.spread(question.text_mask)
        mentions = [question.marks[..., column] * mask for column in _NEAREST]  # [C, L_T] twice
        borders = [mention_borders(mention) for mention in mentions]
        end = mask.sum(dim=1) - 1
        names = [masked_mean(question.triple_states, question.role_ids == role) for role in (1, 2, 3)]  # [C, D] each
        predicate = self.predicate(names[1])
        values = self.values(torch.cat([question.values, names[1]], dim=-1))  # [C, 128]
        read = [masked_mean(text, mention) for mention in mentions]
        read += [_at(text, place) * found for first, last, found in borders for place in _places(first, last, end)]
        seen = self.state(torch.stack([*read, text[:, 0]], dim=1))  # [C, Q - 1, D]
        said = torch.stack([self.name(names[0]), self.name(names[2])], dim=1)  # [C, 2, D]
        asked = (predicate + self.from_values(values))[:, None]
        x = torch.cat([seen[:, :2] + said, seen[:, 2:], asked], dim=1) + predicate[:, None] + self.kind
        buckets = [_buckets(first, last, found, text.shape[1]) for first, last, found in borders]
        for layer in self.layers:
            x, weights = layer(x, question, mask, (buckets[0], buckets[1]))
        logit: Tensor = self.head(torch.cat([self.norm(x).flatten(1), values], dim=-1)).squeeze(-1)
        if self.evidence_head is not None:
            logit = logit + self.evidence_head.weight * self.evidence_head(question.values, names[1])
        if self.pattern_head is not None:
            assert question.text_ids is not None
            ids = question.spread(question.text_ids)
            logit = logit + self.pattern_head.weight * self.pattern_head(ids, mask, question.marks, names[1])
        return logit, weights[:, _BY_ROLE]


def _places(first: Tensor, last: Tensor, end: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The token before a mention, its first, its last, and the one after, as far as the text goes; `[C]` each."""
    return (first - 1).clamp(min=0), first, last, torch.minimum(last + 1, end)


def _at(text: Tensor, place: Tensor) -> Tensor:
    index = place[:, None, None].expand(-1, 1, text.shape[2])
    return text.gather(1, index).squeeze(1)  # [C, D]


def _buckets(first: Tensor, last: Tensor, found: Tensor, length: int) -> Tensor:
    """Class of each token's distance from a mention: 0 inside it, then before and after it; `[C, L_T]`."""
    places = torch.arange(length, device=first.device)[None]
    before, after = first[:, None] - places, places - last[:, None]
    near = sum(((before >= step).long() for step in _STEPS), torch.zeros_like(before))
    far = sum(((after >= step).long() for step in _STEPS), torch.zeros_like(after))
    bucket = near + torch.where(far > 0, far + len(_STEPS), far)
    return torch.where(found > 0, bucket, torch.full_like(bucket, _BUCKETS - 1))
