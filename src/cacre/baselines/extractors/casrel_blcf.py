"""CasRelBLCF: CasRel with a BiLSTM and a CRF for subjects, focal loss for objects, and a filter for noisy texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cacre.baselines.extractors.batches import Batch
from cacre.baselines.extractors.cascade import gold_subjects, object_marks
from cacre.baselines.extractors.crf import LinearChainCRF
from cacre.baselines.extractors.heads import (
    SpanTagger,
    per_token,
    probabilities,
    span_labels,
    span_states,
    span_tensors,
)
from cacre.baselines.extractors.network import ExtractorNetwork
from cacre.baselines.extractors.noise_filter import NoiseFilter
from cacre.baselines.extractors.protocol import SystemCard
from cacre.baselines.extractors.settings import Options
from cacre.baselines.extractors.spans import FoundLink, ScoredSpan, Subject, link_objects
from cacre.baselines.extractors.windows import TokenSpan
from cacre.config import Count, Fraction
from cacre.modeling.pretrained import Encoder

OUTSIDE, BEGIN, INSIDE = range(3)


class CasRelBLCFOptions(Options):
    """What can be set of CasRelBLCF."""

    lstm_size: Count = 128
    """Width of each direction of the BiLSTM; 256 at the size of a base encoder."""
    focal_gamma: Annotated[float, Field(ge=0.0)] = 2.0
    focal_alpha: Fraction = 0.25
    """Weight of what is to be found; 1 - alpha is that of the rest."""
    noise_filter: bool = True
    noise_patience: Annotated[float, Field(gt=0.0)] = 2.0
    """Spreads above a batch's mean loss from which on a text counts as noise."""
    noise_warm_up: Annotated[int, Field(ge=0)] = 500
    """Steps in which every text is kept."""


class CasRelBLCF(ExtractorNetwork):
    """BIO tags of subjects by BiLSTM and CRF; for each subject, start and end tags of objects per predicate."""

    name = "casrel-blcf"
    card = SystemCard(
        title="CasRelBLCF",
        source="Tang et al. 2024, CasRelBLCF, PLoS ONE 19(2):e0298974",
        published="The abstract: CasRel whose head-entity decoder is a BiLSTM with a CRF, with focal loss against "
        "class imbalance, and noise reduction by reinforcement learning for distantly supervised data.",
        built="A BiLSTM and a CRF tag subjects (BIO); the mean state of a subject is added to the text's states, on "
        "which start and end tags of objects are predicted per predicate, with focal loss. A linear policy on the "
        "text's mean state keeps or drops each training text (REINFORCE; the reward of keeping is how likely the "
        "text's labels are to the extractor, against the mean of its batch).",
        differs="Sizes and the filter's states and rewards are not public: the filter here is a compact one and works "
        "within a batch. A hidden layer lies between the sum and the tags, without which a subject could not say "
        "which of two objects is its own. Every gold subject is trained on, not one at random. BIO tags cannot nest: "
        "of overlapping subjects the longest is tagged. Subjects are scored by the CRF's marginals.",
    )
    options_type = CasRelBLCFOptions
    options: CasRelBLCFOptions

    def __init__(self, encoder: Encoder, tags: int, options: CasRelBLCFOptions) -> None:
        super().__init__(encoder, tags, options)
        width = encoder.hidden_size
        self.lstm = nn.LSTM(width, options.lstm_size, bidirectional=True, batch_first=True)
        self.emissions = nn.Linear(2 * options.lstm_size, 3)
        self.crf = LinearChainCRF(3)
        self.joint = nn.Sequential(nn.Linear(width, width), nn.GELU())
        self.objects = SpanTagger(width, tags)
        self.filter = NoiseFilter(width, options.noise_patience, options.noise_warm_up)

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the texts kept of the subjects' negative log-likelihood and the objects' focal loss, per token."""
        states = self.encode(batch)
        each = self._subject_loss(batch, states) + self._object_loss(batch, states)
        if not (self.training and self.options.noise_filter):
            return each.mean()
        content = batch.content[..., None]
        loss: Tensor = self.filter((states * content).sum(dim=1) / content.sum(dim=1).clamp(min=1), each)
        return loss

    def decode(self, batch: Batch, threshold: float) -> list[list[FoundLink]]:
        """Subjects of the best tag sequence with marginals above the threshold, then the objects above it of each."""
        states = self.encode(batch)
        subjects = self._find_subjects(batch, states, threshold)
        if not subjects:
            return [[] for _ in range(len(batch))]
        logits, rows = self._object_logits(states, [(row, found.span) for row, found in subjects])
        return link_objects(len(batch), subjects, probabilities(logits, batch.content[rows]), threshold)

    def _emissions(self, batch: Batch, states: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, L - 1, 3]` and their mask, without `[CLS]`; a row without tokens keeps one place."""
        lengths = batch.attention_mask.sum(dim=1).cpu()
        # Packed, else the backward direction would begin in the padding.
        packed = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=states.shape[1])
        mask = batch.content[:, 1:].clone()
        mask[:, 0] = True
        return self.emissions(out)[:, 1:], mask

    def _subject_loss(self, batch: Batch, states: Tensor) -> Tensor:
        emissions, mask = self._emissions(batch, states)
        tags = subject_tags(batch).to(states.device)[:, 1:]
        return -self.crf.log_likelihood(emissions, tags, mask) / mask.sum(dim=1)

    def _object_loss(self, batch: Batch, states: Tensor) -> Tensor:
        total = states.new_zeros(len(batch))
        subjects = gold_subjects(batch)
        if not subjects:
            return total
        logits, rows = self._object_logits(states, subjects)
        labels = span_labels((len(subjects), states.shape[1], self.tags), object_marks(batch, subjects), states.device)
        focal = focal_loss(logits, labels, self.options.focal_gamma, self.options.focal_alpha).sum(dim=(2, 3))
        return total.index_add(0, rows, per_token(focal, batch.content[rows]))

    def _object_logits(self, states: Tensor, subjects: Sequence[tuple[int, TokenSpan]]) -> tuple[Tensor, Tensor]:
        """`[S, L, K, 2]`, and the row of each subject."""
        rows, first, last = span_tensors(subjects, states.device)
        _, _, mean = span_states(states, rows, first, last)
        return self.objects(self.joint(states[rows] + mean[:, None])), rows

    def _find_subjects(self, batch: Batch, states: Tensor, threshold: float) -> list[Subject]:
        emissions, mask = self._emissions(batch, states)
        marginals = self.crf.marginals(emissions, mask).float().cpu().numpy()
        has_tokens, found = batch.content.any(dim=1).tolist(), []
        for row, tags in enumerate(self.crf.best_tags(emissions, mask)):
            for span in tagged(tags) if has_tokens[row] else ():
                score = min(float(marginals[row, at, tags[at]]) for at in range(span.first, span.last + 1))
                if score > threshold:
                    found.append((row, ScoredSpan(TokenSpan(span.first + 1, span.last + 1), score)))
        return found


def focal_loss(logits: Tensor, labels: Tensor, gamma: float, alpha: float) -> Tensor:
    """Binary focal loss, element by element, in nats: `-alpha_t (1 - p_t)^gamma log p_t`.

    Source: Lin et al. 2017, "Focal loss for dense object detection", equation (5).
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    weight = alpha * labels + (1 - alpha) * (1 - labels)
    return weight * (1 - torch.exp(-entropy)) ** gamma * entropy


def subject_tags(batch: Batch) -> Tensor:
    """BIO tags `[B, L]` of the gold subjects; of those that overlap the longest, then the leftmost."""
    tags = torch.full(batch.input_ids.shape, OUTSIDE)
    spans = sorted(gold_subjects(batch), key=lambda found: (found[0], found[1].first - found[1].last, found[1]))
    for row, (first, last) in spans:
        if (tags[row, first : last + 1] == OUTSIDE).all():
            tags[row, first : last + 1] = INSIDE
            tags[row, first] = BEGIN
    return tags


def tagged(tags: Sequence[int]) -> list[TokenSpan]:
    """The spans of a BIO sequence; an inside tag without a beginning is no span."""
    spans: list[TokenSpan] = []
    for place, tag in enumerate(tags):
        if tag == BEGIN:
            spans.append(TokenSpan(place, place))
        elif tag == INSIDE and spans and spans[-1].last == place - 1:
            spans[-1] = TokenSpan(spans[-1].first, place)
    return spans
