"""CECRel: cascade tagging on enhanced features, with altered texts to learn from and a contrastive loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from cacre.baselines.extractors.batches import Batch
from cacre.baselines.extractors.cascade import gold_subjects, object_marks
from cacre.baselines.extractors.cecrel_augmentation import SUBSTITUTED, SWAP_RELATION, SWAP_ROLES, Augmenter
from cacre.baselines.extractors.cecrel_contrast import relation_contrast
from cacre.baselines.extractors.cecrel_enhancement import FeatureEnhancement
from cacre.baselines.extractors.heads import (
    ConditionalNorm,
    SpanTagger,
    probabilities,
    span_labels,
    span_states,
    span_tensors,
    tagging_loss,
)
from cacre.baselines.extractors.marks import LabelledWindow
from cacre.baselines.extractors.network import ExtractorNetwork, View
from cacre.baselines.extractors.protocol import SystemCard
from cacre.baselines.extractors.settings import Options
from cacre.baselines.extractors.spans import FoundLink, find_subjects, link_objects
from cacre.baselines.extractors.windows import TokenSpan
from cacre.config import Count, Fraction, Positive
from cacre.data.duie import DuieText
from cacre.modeling.pretrained import Encoder
from cacre.schema import Schema


class CECRelOptions(Options):
    """What can be set of CECRel."""

    augmented: Fraction = 0.5
    """Chance of a training text to be seen with altered ones beside it; 0 for no augmentation."""
    contrast_weight: Annotated[float, Field(ge=0.0)] = 0.1
    """Weight of the contrastive loss; 0 for none."""
    contrast_width: Count = 128
    """Width of the projection that texts are compared in."""
    temperature: Positive = 0.1


class CECRel(ExtractorNetwork):
    """Start and end tags of subjects, and of each subject's objects per predicate, on enhanced states."""

    name = "cecrel"
    card = SystemCard(
        title="CECRel",
        source="Tong et al. 2025, Journal of Biomedical Informatics 164, 104792",
        published="The abstract: a joint extractor with data augmentation that makes positive and negative samples for "
        "a contrastive loss, and a feature enhancement module for the structure of the text; RoBERTa; Baidu DuIE "
        "79.71/74.14/76.82.",
        built="Positions and dilated gated convolutions enhance the encoder's states, on which subjects and, per "
        "predicate, the objects of each subject are tagged by start and end. Training texts are altered: names are "
        "replaced by others of the same role (the facts stay true; these are tagged too), or the words of a relation "
        "by those of a near miss, or subject and object exchanged (negatives). InfoNCE between projected mean states "
        "brings texts of the same relations together, the altered ones among them.",
        differs="Layers, sizes, weights and rules of augmentation are not public. Texts of one batch that state "
        "the same relations count as positives, and texts that share some are left out, since they would be false "
        "negatives. A subject conditions a layer normalisation: added to the states, as in CasRel, it could not give "
        "two subjects of one relation different objects. Any BERT-type encoder can be named; without one, a small "
        "encoder with random weights is trained.",
    )
    options_type = CECRelOptions
    options: CECRelOptions

    def __init__(self, encoder: Encoder, tags: int, options: CECRelOptions) -> None:
        super().__init__(encoder, tags, options)
        width = encoder.hidden_size
        self.enhance = FeatureEnhancement(width)
        self.subjects = SpanTagger(width, 1)
        self.condition = ConditionalNorm(width, width)
        self.objects = SpanTagger(width, tags)
        self.project = nn.Linear(width, options.contrast_width)
        self.augmenter: Augmenter | None = None

    def prepare(self, texts: Sequence[DuieText], schema: Schema) -> None:
        """Take names for the altered texts from the training texts, and cue words from the schema."""
        self.augmenter = Augmenter(texts, schema)

    def views(self, item: LabelledWindow, rng: np.random.Generator) -> Sequence[View]:
        """One positive and at most one negative of a text that is not longer than its window."""
        if self.augmenter is None or not item.links or not _whole(item) or rng.random() >= self.options.augmented:
            return ()
        return [self.augmenter.positive(item.source, rng), *self.augmenter.negatives(item.source, rng)]

    def states(self, batch: Batch) -> Tensor:
        """Enhanced states `[B, L, D]`."""
        states: Tensor = self.enhance(self.encode(batch), batch.attention_mask)
        return states

    def loss(self, batch: Batch) -> Tensor:
        """Mean tagging loss of the texts and of their substituted views, plus the weighted contrastive loss."""
        states = self.states(batch)
        tagging, seen = self._tagging(batch, states), [(batch, states, [_relations(item) for item in batch.items])]
        if batch.views is not None:
            altered = self.states(batch.views)
            rows = [row for row, kind in enumerate(batch.view_kinds) if kind == SUBSTITUTED]
            if rows:
                tagging = torch.cat([tagging, self._tagging(_chosen(batch.views, rows), altered[rows])])
            seen.append((batch.views, altered, _view_relations(batch)))
        loss = tagging.mean()
        if not self.options.contrast_weight:
            return loss
        vectors = torch.cat([self.project(_mean(states, batch.content)) for batch, states, _ in seen])
        relations = [held for _, _, several in seen for held in several]
        return loss + self.options.contrast_weight * relation_contrast(vectors, relations, self.options.temperature)

    def decode(self, batch: Batch, threshold: float) -> list[list[FoundLink]]:
        """Subjects above the threshold, then the objects above it of each."""
        states = self.states(batch)
        starts, ends = probabilities(self.subjects(states), batch.content)
        subjects = find_subjects(starts, ends, threshold)
        if not subjects:
            return [[] for _ in range(len(batch))]
        logits, rows = self._object_logits(states, [(row, found.span) for row, found in subjects])
        return link_objects(len(batch), subjects, probabilities(logits, batch.content[rows]), threshold)

    def _tagging(self, batch: Batch, states: Tensor) -> Tensor:
        """`[B]`: loss of each text's subjects and of their objects, both per token and summed over tags."""
        size, length = batch.content.shape
        subjects = gold_subjects(batch)
        labels = span_labels((size, length, 1), [(row, 0, span) for row, span in subjects], states.device)
        each = tagging_loss(self.subjects(states), labels, batch.content)
        if not subjects:
            return each
        logits, rows = self._object_logits(states, subjects)
        wanted = span_labels((len(subjects), length, self.tags), object_marks(batch, subjects), states.device)
        return each.index_add(0, rows, tagging_loss(logits, wanted, batch.content[rows]))

    def _object_logits(self, states: Tensor, subjects: Sequence[tuple[int, TokenSpan]]) -> tuple[Tensor, Tensor]:
        """`[S, L, K, 2]`, and the row of each subject."""
        rows, first, last = span_tensors(subjects, states.device)
        mean = span_states(states, rows, first, last)[2]
        return self.objects(self.condition(states[rows], mean)), rows


def _whole(item: LabelledWindow) -> bool:
    """Whether the window is the whole text; an altered text is cut anew, so that windows would not correspond."""
    start, end = item.window.characters
    return not item.window.text[:start].strip() and not item.window.text[end:].strip()


def _relations(item: LabelledWindow) -> frozenset[int]:
    return frozenset(link.tag for link in item.links)


def _view_relations(batch: Batch) -> list[frozenset[int]]:
    """What each view states: what its text does, or, of a negative, nothing that counts."""
    return [
        frozenset() if kind in (SWAP_RELATION, SWAP_ROLES) else _relations(batch.items[row])
        for row, kind in zip(batch.view_rows, batch.view_kinds, strict=True)
    ]


def _chosen(batch: Batch, rows: Sequence[int]) -> Batch:
    parts = (batch.input_ids[rows], batch.attention_mask[rows], batch.content[rows])
    return Batch(*parts, tuple(batch.items[row] for row in rows))


def _mean(states: Tensor, content: Tensor) -> Tensor:
    """`[B, L, D] -> [B, D]`, over the tokens of the text."""
    return (states * content[..., None]).sum(dim=1) / content.sum(dim=1, keepdim=True).clamp(min=1)
