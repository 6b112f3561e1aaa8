"""A batch to the scalar that is minimised: alpha * L_text + (1 - alpha) * L_anchor, equations (8)-(21) for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.config import LossSettings
from cacre.losses import info_nce_with_margin
from cacre.modeling.model import Cacre
from cacre.modeling.values import Pair, Projection, Similarity
from cacre.training.batches import Batch
from cacre.training.grad_cache import compute_in_chunks
from cacre.training.parallel import gather_rows


class Objective(NamedTuple):
    """The loss and its two branches."""

    loss: Tensor
    text: Tensor
    anchor: Tensor


class Compared(NamedTuple):
    """What one branch of the loss compares: local and global cosines of N rows."""

    right: Tensor  # [N, P, 2], P = 1, or 2 if the text is pulled towards anchor and positive
    wrong: Tensor  # [N, K, 2], or [W, 2] where all rows share them
    valid: Tensor  # [N, K], which there are; or [W]


class Scores(NamedTuple):
    """All that the loss sees of a batch; flat, so that the scores of its parts can be joined."""

    text_right: Tensor  # the text branch, as `Compared`
    text_wrong: Tensor
    text_valid: Tensor
    anchor_right: Tensor  # the anchor branch, as `Compared`
    anchor_wrong: Tensor
    anchor_valid: Tensor
    apart: Tensor  # [W, 2], negatives against their own paraphrases, which all rows share
    logit: Tensor  # [J], of the reader, of each anchor and each negative once, if there is a BCE
    label: Tensor  # [J], 1 for anchors


def project(model: Cacre, batch: Batch, *, positives: bool = False) -> Projection:
    """Encode what is distinct, pair it, run the network: X_T and X_R of all C pairs of a batch.

    Args:
        model: The network.
        batch: Of `Collator`.
        positives: Whether positives are compared with the text as well, so that a reader must read them.
    """
    text, triple = batch["pair_text"], batch["pair_triple"]
    text_states, triple_states = _states(model, batch, "text"), _states(model, batch, "triple")  # [B or R, L, D]
    pair = Pair(
        text_states,
        batch["text_mask"],
        triple_states.index_select(0, triple),
        batch["triple_mask"][triple],
        batch["role_ids"][triple],
        batch["marks"].to(text_states.dtype),
        batch["values"],
        text,
        _judged(batch, positives=positives),
        batch["text_ids"],
    )
    result: Projection = model(pair)
    return result


def _judged(batch: Batch, *, positives: bool) -> Tensor:
    """The pairs that are compared with their text, once each: the others are there to be compared with triples."""
    names = ("anchor", "negative", "other", *(("positive",) if positives else ()))
    everything = torch.cat([batch[name].flatten() for name in names if name in batch])
    judged: Tensor = torch.unique(everything[everything >= 0])
    return judged


def _states(model: Cacre, batch: Batch, side: str) -> Tensor:
    """States of a batch's texts or triples, `[B, L_T, D]` or `[R, L_R, D]`, 0 at padding.

    An encoder leaves something in the padding; where padding is not masked (A3) it would count in training, but not
    with cached states nor at inference, which encode without padding.
    """
    mask = batch[f"{side}_mask"]
    if f"{side}_states" in batch:
        states: Tensor = model.narrow(
            batch[f"{side}_states"]
        )  # the cache of a frozen encoder ends where learning begins
    elif f"{side}_ids" in batch:
        encode = model.encode_triples if side == "triple" else model.encode
        states = encode(batch[f"{side}_ids"], mask)
    else:
        kinds = [kind for kind in ("piece", "long_piece") if f"{kind}_ids" in batch]
        parts = [model.encode_triples(batch[f"{kind}_ids"], batch[f"{kind}_mask"]).flatten(0, 1) for kind in kinds]
        states = functional.embedding(batch["triple_place"], torch.cat(parts))  # not by indexing: see `ReaderLayer`
    return states * mask[..., None].to(states.dtype)


def compute_objective(
    model: Cacre, batch: Batch, projection: Projection, settings: LossSettings, local_weight: float
) -> Objective:
    """Both branches of the loss on the projections of a batch."""
    return combine(compare(model, batch, projection, settings), settings, local_weight)


def compare(model: Cacre, batch: Batch, projection: Projection, settings: LossSettings) -> Scores:
    """What the loss needs of a batch. Nothing in it depends on two texts: that begins in `combine`."""
    logit = label = projection.triple.new_zeros(0)
    if settings.bce_weight and projection.logit is not None:
        logit, label = _labelled(batch, projection.logit)
    apart = _pair_cosines(model, projection, *batch["twins"].unbind(dim=1))
    text, anchor = _text_side(model, batch, projection, settings), _anchor_side(model, batch, projection, settings)
    return Scores(*text, *anchor, apart, logit, label)


def combine(scores: Scores, settings: LossSettings, local_weight: float, totals: Tensor | None = None) -> Objective:
    """Scores to the loss.

    Args:
        scores: Of a batch.
        settings: Of the loss.
        local_weight: w of equations (16)-(17).
        totals: `count_terms` of the step that this batch is a part of: the losses of its parts add up. None: it is all.
    """
    total_text, total_anchor, total_logits = (None, None, None) if totals is None else totals
    text = _mean_loss(Compared(*scores[:3]), None, settings, local_weight, total_text)
    apart = scores.apart if settings.paraphrased_negatives else None
    anchor = _mean_loss(Compared(*scores[3:6]), apart, settings, local_weight, total_anchor)
    loss = settings.text_weight * text + (1.0 - settings.text_weight) * anchor
    if settings.bce_weight:
        loss = loss + settings.bce_weight * _cross_entropy(scores.logit, scores.label, total_logits)
    return Objective(loss, text, anchor)


def count_terms(batch: Batch, settings: LossSettings) -> Tensor:
    """What the means of the loss are taken over, `[3]`: rows of L_text, rows of L_anchor, logits.

    `featurize` leaves no text without a negative, so that with a pool every row has one.
    """
    if "absent" in batch:
        return torch.zeros(3, dtype=torch.int64)
    negative = batch["negative"] >= 0
    logits = len(torch.unique(batch["anchor"])) + len(torch.unique(batch["negative"][negative]))
    rows = [len(negative), len(negative)]
    if settings.negatives != "pooled":
        rows = [int(valid.any(dim=1).sum()) for valid in (_text_negatives(batch, settings)[1], negative)]
    return torch.tensor([*rows, logits])


def pair_loss(batch: Batch, logit: Tensor) -> Tensor:
    """Binary cross-entropy of the reader's logits: anchors against the negatives of the texts, each once."""
    return _cross_entropy(*_labelled(batch, logit), None)


def _text_negatives(batch: Batch, settings: LossSettings) -> tuple[Tensor, Tensor]:
    """The pairs a text is pushed away from, `[N, K]`, and which of them there are."""
    negative = batch["negative"]
    if "other" in batch:
        negative = torch.cat([negative, batch["other"]], dim=1)  # [N, K + Q]
    valid, index = negative >= 0, negative.clamp(min=0)
    if settings.text_view == "anchor":
        # In another window of a long text the negative has another X_T, which this one cannot stand for.
        valid = valid & (batch["pair_text"][index] == batch["pair_text"][batch["anchor"]][:, None])
    return index, valid


def _text_side(model: Cacre, batch: Batch, projection: Projection, settings: LossSettings) -> Compared:
    """X_T is the anchor of equation (8) (A5, A25, A26)."""
    anchor = batch["anchor"]
    wanted = [batch[name] for name in ("anchor", "positive") if name in settings.text_positives.split("_and_")]
    index, valid = _text_negatives(batch, settings)
    if settings.text_view == "pairwise":
        scores = _cosines(model.text_similarity(projection))  # [C, 2]
        right = scores[torch.stack(wanted, dim=1)]
        if settings.negatives == "pooled":  # each negative of the batch once, scored against its own text
            pool = scores[torch.unique(index[valid])]
            return Compared(right, pool, torch.ones_like(pool[:, 0], dtype=torch.bool))
        return Compared(right, scores[index], valid)
    # One X_T, the one given the anchor, for all triples of the tuple.
    right = torch.stack([_text_cosines(model, projection, anchor, rows) for rows in wanted], dim=1)
    flat = _text_cosines(model, projection, anchor.repeat_interleave(index.shape[1]), index.flatten())
    return Compared(right, flat.view(*index.shape, 2), valid)


def _anchor_side(model: Cacre, batch: Batch, projection: Projection, settings: LossSettings) -> Compared:
    """X_a is the anchor, X_p the positive, the X_n of the text the negatives."""
    # With `paraphrased_negatives` each wrong triple against its own paraphrase is one more negative. Whose twin it is
    # does not matter: the two must be further apart than any right pair.
    anchor, negative = batch["anchor"], batch["negative"]
    valid = negative >= 0
    row, column = valid.nonzero(as_tuple=True)
    right = _pair_cosines(model, projection, anchor, batch["positive"])[:, None]
    flat = _pair_cosines(model, projection, anchor[row], negative[row, column])  # [number valid, 2]
    if settings.negatives == "pooled":
        return Compared(right, flat, torch.ones_like(flat[:, 0], dtype=torch.bool))
    return Compared(right, flat.new_zeros(*valid.shape, 2).index_put((row, column), flat), valid)


def _mean_loss(
    side: Compared, shared: Tensor | None, settings: LossSettings, local_weight: float, total: Tensor | None
) -> Tensor:
    """Equations (16)-(21): the mean over the rows, or their sum over `total`; `shared [W, 2]` are negatives of all."""
    right, wrong, valid = side
    if wrong.ndim == 2:
        shared = wrong if shared is None else torch.cat([wrong, shared])
        wrong, valid = wrong.new_zeros(len(right), 0, 2), valid.new_zeros(len(right), 0)
    if shared is not None:
        everyones = gather_rows(shared).expand(len(right), -1, -1)  # [N, W, 2]
        wrong = torch.cat([wrong, everyones], dim=1)
        valid = torch.cat([valid, torch.ones_like(everyones[..., 0], dtype=torch.bool)], dim=1)
    losses = []
    for positive in right.unbind(dim=1):
        parts = info_nce_with_margin(
            positive[:, 0],
            positive[:, 1],
            wrong[..., 0],
            wrong[..., 1],
            negative_valid=valid,
            return_parts=True,
            temperature=settings.temperature,
            local_weight=local_weight,
            top_k=settings.top_k,
            base_margin=settings.base_margin,
            margin_scale=settings.margin_scale,
            margin_units=settings.margin_units,
            detach_margin=settings.detach_margin,
        )
        losses.append(parts.loss if total is None else parts.per_row.sum() / total.clamp(min=1))
    return torch.stack(losses).mean()


def _labelled(batch: Batch, logit: Tensor) -> tuple[Tensor, Tensor]:
    anchor, negative = torch.unique(batch["anchor"]), torch.unique(batch["negative"][batch["negative"] >= 0])
    chosen = logit[torch.cat([anchor, negative])]
    return chosen, torch.cat([torch.ones_like(anchor), torch.zeros_like(negative)]).to(chosen.dtype)


def _cross_entropy(logit: Tensor, label: Tensor, total: Tensor | None) -> Tensor:
    total = torch.tensor(len(logit)) if total is None else total
    return functional.binary_cross_entropy_with_logits(logit, label, reduction="sum") / total.clamp(min=1)


def _cosines(similarity: Similarity) -> Tensor:
    return torch.stack([similarity.local, similarity.pooled], dim=-1)


def _text_cosines(model: Cacre, projection: Projection, view: Tensor, triple: Tensor) -> Tensor:
    x_t, t_mask, x_r, r_mask, attention = projection[:5]
    part = Projection(x_t[view], t_mask[view], x_r[triple], r_mask[triple], attention[triple])
    return _cosines(model.text_similarity(part))


def _pair_cosines(model: Cacre, projection: Projection, left: Tensor, right: Tensor) -> Tensor:
    x_r, mask = projection.triple, projection.triple_mask
    return _cosines(model.pair_similarity(x_r[left], mask[left], x_r[right], mask[right]))


class Criterion(nn.Module):
    """Network and loss as one module, so that Trainer, accelerate and DDP see an ordinary `forward`.

    Args:
        model: The network.
        settings: Of the loss.
    """

    def __init__(self, model: Cacre, settings: LossSettings) -> None:
        super().__init__()
        self.model, self.settings = model, settings

    def forward(
        self, num_items_in_batch: Tensor | None = None, chunks: Sequence[Batch] | None = None, **batch: Tensor
    ) -> dict[str, Tensor]:
        """A batch of `Collator`, or its parts one after the other, to `loss`, `text_loss` and `anchor_loss`, scalars.

        `num_items_in_batch` (the Trainer's name) is `count_terms` of the step that the batch is a part of.
        """
        scores = self._scores(batch) if chunks is None else compute_in_chunks(self._scores, chunks)
        result = combine(scores, self.settings, self.model.settings.local_weight, num_items_in_batch)
        return {"loss": result.loss, "text_loss": result.text.detach(), "anchor_loss": result.anchor.detach()}

    def _scores(self, batch: Batch) -> Scores:
        projection = project(self.model, batch, positives=self.settings.text_positives != "anchor")
        scores = compare(self.model, batch, projection, self.settings)
        return Scores(*(part[:0] for part in scores)) if "absent" in batch else scores
