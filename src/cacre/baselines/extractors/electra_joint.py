"""The ELECTRA-based joint model: subjects first, then the predicates and objects of each subject."""

from __future__ import annotations

import torch
from torch import Tensor

from cacre.baselines.extractors.batches import Batch
from cacre.baselines.extractors.cascade import gold_subjects, object_marks
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
from cacre.baselines.extractors.spans import FoundLink, find_subjects, link_objects
from cacre.modeling.pretrained import Encoder


class ElectraJoint(ExtractorNetwork):
    """Start and end tags for subjects; for each subject, start and end tags of objects per predicate."""

    name = "electra-joint"
    card = SystemCard(
        title="Electra-based joint model",
        source="Zhu, Xue, Zhou 2020, Joint extraction of entities and relations based on ELECTRA, IHMSC, 179-183",
        published="The abstract: a subject extractor, then a predicate-object extractor based on the encoded "
        "representation vector of the detected subject; Chinese ELECTRA; experiments on DuIE2.0.",
        built="Binary start and end tags for subjects; the states of a subject's first and last token condition a "
        "layer normalisation of the text's states, on which start and end tags of objects are predicted per predicate.",
        differs="The layers' details are not public. Every gold subject of a text is trained on, not one at random. "
        "Any BERT-type encoder can be named; without one, a small encoder with random weights is trained.",
    )

    def __init__(self, encoder: Encoder, tags: int, options: Options) -> None:
        super().__init__(encoder, tags, options)
        width = encoder.hidden_size
        self.subjects = SpanTagger(width, 1)
        self.condition = ConditionalNorm(width, 2 * width)
        self.objects = SpanTagger(width, tags)

    def object_logits(self, states: Tensor, rows: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """`[B, L, D]` and S subjects -> `[S, L, K, 2]`."""
        start, end, _ = span_states(states, rows, first, last)
        return self.conditioned(states[rows], torch.cat([start, end], dim=-1))

    def conditioned(self, states: Tensor, subject: Tensor) -> Tensor:
        """`[S, L, D]` and the subject's end states `[S, 2 D]` -> `[S, L, K, 2]`."""
        logits: Tensor = self.objects(self.condition(states, subject))
        return logits

    def loss(self, batch: Batch) -> Tensor:
        """Loss of the subjects plus that of their objects, both per token and summed over tags."""
        states = self.encode(batch)
        size, length = batch.content.shape
        subjects = gold_subjects(batch)
        labels = span_labels((size, length, 1), [(row, 0, span) for row, span in subjects], states.device)
        loss = tagging_loss(self.subjects(states), labels, batch.content).mean()
        if not subjects:
            return loss
        rows, first, last = span_tensors(subjects, states.device)
        links = object_marks(batch, subjects)
        wanted = span_labels((len(subjects), length, self.tags), links, states.device)
        objects = tagging_loss(self.object_logits(states, rows, first, last), wanted, batch.content[rows])
        return loss + objects.sum() / size

    def decode(self, batch: Batch, threshold: float) -> list[list[FoundLink]]:
        """Subjects above the threshold, then the objects above it of each."""
        states = self.encode(batch)
        starts, ends = probabilities(self.subjects(states), batch.content)
        subjects = find_subjects(starts, ends, threshold)
        if not subjects:
            return [[] for _ in range(len(batch))]
        rows, first, last = span_tensors([(row, found.span) for row, found in subjects], states.device)
        objects = probabilities(self.object_logits(states, rows, first, last), batch.content[rows])
        return link_objects(len(batch), subjects, objects, threshold)
