"""DERP: heads, then the tails of each head, then the relations of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.baselines.extractors.batches import Batch
from cacre.baselines.extractors.cascade import gold_subjects
from cacre.baselines.extractors.heads import (
    ConditionalNorm,
    SpanTagger,
    probabilities,
    span_labels,
    span_states,
    span_tensors,
    tagging_loss,
)
from cacre.baselines.extractors.network import ExtractorNetwork
from cacre.baselines.extractors.protocol import SystemCard
from cacre.baselines.extractors.settings import Options
from cacre.baselines.extractors.spans import FoundLink, find_subjects, pair_spans
from cacre.baselines.extractors.windows import TokenSpan
from cacre.modeling.pretrained import Encoder

Placed = tuple[int, TokenSpan]
"""Row of a batch, and a span in it."""
_RARE = -3.0
"""Bias that the scorer begins with: most pairs stand in none of most relations."""


class Derp(ExtractorNetwork):
    """Start and end tags for heads; for each head, start and end tags of its tails; for each pair, its relations."""

    name = "derp"
    card = SystemCard(
        title="DERP (printed DEPR in the paper)",
        source="Xiao et al. 2023, Mathematics 11(22), 4583",
        published="The abstract: entities are recognised in two stages, head entities and tail entities; both are then "
        "the input of a module that predicts the triples; experiments on NYT, WebNLG, DuIE2.0 and CMeIE-V2.",
        built="Binary start and end tags for heads; a head's pooled state conditions a layer normalisation of the "
        "text's states, on which start and end tags of its tails are predicted, for all relations at once; a hidden "
        "layer over the states of head, tail and `[CLS]` then scores every relation for the pair.",
        differs="Layers, pooling and negative pairs are not public. The scorer learns from every gold head with every "
        "gold tail of its window, so that it also learns which of them do not belong together. The three losses are "
        "added with equal weights. Any BERT-type encoder can be named; without one, a small encoder with random "
        "weights is trained.",
    )

    def __init__(self, encoder: Encoder, tags: int, options: Options) -> None:
        super().__init__(encoder, tags, options)
        width = encoder.hidden_size
        self.heads = SpanTagger(width, 1)
        self.condition = ConditionalNorm(width, width)
        self.tails = SpanTagger(width, 1)
        self.relations = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, tags))
        nn.init.constant_(self.relations[-1].bias, _RARE)  # type: ignore[arg-type]

    def tail_logits(self, states: Tensor, heads: Sequence[Placed]) -> Tensor:
        """`[B, L, D]` and H heads -> `[H, L, 1, 2]`."""
        rows, first, last = span_tensors(heads, states.device)
        pooled = span_states(states, rows, first, last)[2]
        logits: Tensor = self.tails(self.condition(states[rows], pooled))
        return logits

    def relation_logits(
        self, states: Tensor, heads: Sequence[Placed], tails: Sequence[Placed], pairs: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Score pairs for every relation.

        Args:
            states: `[B, L, D]`.
            heads: Spans.
            tails: Spans.
            pairs: P of (number of the head, number of the tail), each of one row.

        Returns:
            `[P, K]`.
        """
        # Each span is pooled once, however many pairs it is in.
        pooled = [span_states(states, *span_tensors(spans, states.device))[2] for spans in (heads, tails)]
        head, tail = torch.tensor(pairs, device=states.device).unbind(dim=1)
        whole = states[torch.tensor([row for row, _ in heads], device=states.device), 0]
        logits: Tensor = self.relations(torch.cat([pooled[0][head], pooled[1][tail], whole[head]], dim=-1))
        return logits

    def loss(self, batch: Batch) -> Tensor:
        """Loss of the heads, of their tails (both per token), and of the relations (per pair, summed over them)."""
        states = self.encode(batch)
        size, length = batch.content.shape
        heads = gold_subjects(batch)
        labels = span_labels((size, length, 1), [(row, 0, span) for row, span in heads], states.device)
        loss = tagging_loss(self.heads(states), labels, batch.content).mean()
        if not heads:
            return loss
        marks = [(number, 0, span) for number, head in enumerate(heads) for span in _tails_of(batch, head)]
        wanted = span_labels((len(heads), length, 1), marks, states.device)
        content = batch.content[[row for row, _ in heads]]
        loss = loss + tagging_loss(self.tail_logits(states, heads), wanted, content).sum() / size
        return loss + self._relation_loss(states, batch, heads)

    def _relation_loss(self, states: Tensor, batch: Batch, heads: Sequence[Placed]) -> Tensor:
        tails, pairs, truth = _training_pairs(batch, heads)
        labels = torch.zeros(len(pairs), self.tags)
        for number, tags in enumerate(truth):
            labels[number, list(tags)] = 1.0
        logits = self.relation_logits(states, heads, tails, pairs)
        entropy = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.device), reduction="none")
        return entropy.sum(dim=1).mean()

    def decode(self, batch: Batch, threshold: float) -> list[list[FoundLink]]:
        """Heads above the threshold, the tails above it of each, and the relations above it of each pair."""
        states = self.encode(batch)
        found: list[list[FoundLink]] = [[] for _ in range(len(batch))]
        starts, ends = probabilities(self.heads(states), batch.content)
        heads = find_subjects(starts, ends, threshold)
        if not heads:
            return found
        placed = [(row, head.span) for row, head in heads]
        starts, ends = probabilities(self.tail_logits(states, placed), batch.content[[row for row, _ in heads]])
        of_each = [pair_spans(start[:, 0], end[:, 0], threshold) for start, end in zip(starts, ends, strict=True)]
        tails = [(number, tail) for number, several in enumerate(of_each) for tail in several]
        if not tails:
            return found
        spans = [(placed[number][0], tail.span) for number, tail in tails]
        pairs = [(number, place) for place, (number, _) in enumerate(tails)]
        scores = self.relation_logits(states, placed, spans, pairs).sigmoid()
        for place, tag in (scores > threshold).nonzero().tolist():
            number, tail = tails[place]
            row, head = heads[number]
            score = head.score * tail.score * float(scores[place, tag])
            found[row].append(FoundLink(head.span, tag, tail.span, score))
        return found


def _tails_of(batch: Batch, head: Placed) -> list[TokenSpan]:
    row, span = head
    return sorted({link.object for link in batch.items[row].links if link.subject == span})


def _training_pairs(
    batch: Batch, heads: Sequence[Placed]
) -> tuple[list[Placed], list[tuple[int, int]], list[set[int]]]:
    """All tails; every head with every tail of its window, by number; and the relations of each such pair."""
    tails = [
        (row, span) for row, item in enumerate(batch.items) for span in sorted({link.object for link in item.links})
    ]
    pairs = [(h, t) for (h, head), (t, tail) in product(enumerate(heads), enumerate(tails)) if head[0] == tail[0]]
    truth: dict[tuple[Placed, Placed], set[int]] = {}
    for row, item in enumerate(batch.items):
        for link in item.links:
            truth.setdefault(((row, link.subject), (row, link.object)), set()).add(link.tag)
    return tails, pairs, [truth.get((heads[h], tails[t]), set()) for h, t in pairs]
