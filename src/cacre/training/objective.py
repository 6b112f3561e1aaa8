"""A batch to the scalar that is minimised: alpha * L_text + (1 - alpha) * L_anchor, equations (8)-(21) for each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.config import LossSettings
from cacre.losses import info_nce_with_margin
from cacre.modeling.model import Cacre
from cacre.modeling.values import Pair, Projection, Similarity
from cacre.training.batches import Batch


class Objective(NamedTuple):
    """The loss and its two branches."""

    loss: Tensor
    text: Tensor
    anchor: Tensor


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
        triple_states[triple],
        batch["triple_mask"][triple],
        batch["role_ids"][triple],
        batch["marks"].to(text_states.dtype),
        batch["values"],
        text,
        _judged(batch, positives=positives),
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
    if f"{side}_ids" in batch:
        encode = model.encode_triples if side == "triple" else model.encode
        states = encode(batch[f"{side}_ids"], mask)
    else:
        states = model.narrow(batch[f"{side}_states"])  # the cache of a frozen encoder ends where learning begins
    return states * mask[..., None].to(states.dtype)


def compute_objective(
    model: Cacre, batch: Batch, projection: Projection, settings: LossSettings, local_weight: float
) -> Objective:
    """Both branches of the loss on the projections of a batch."""
    text = text_loss(model, batch, projection, settings, local_weight)
    anchor = anchor_loss(model, batch, projection, settings, local_weight)
    loss = settings.text_weight * text + (1.0 - settings.text_weight) * anchor
    if settings.bce_weight and projection.logit is not None:
        loss = loss + settings.bce_weight * pair_loss(batch, projection.logit)
    return Objective(loss, text, anchor)


def pair_loss(batch: Batch, logit: Tensor) -> Tensor:
    """Binary cross-entropy of the reader's logits: anchors against the negatives of the texts, each once."""
    anchor, negative = torch.unique(batch["anchor"]), torch.unique(batch["negative"][batch["negative"] >= 0])
    chosen = logit[torch.cat([anchor, negative])]
    label = torch.cat([torch.ones_like(anchor), torch.zeros_like(negative)]).to(chosen.dtype)
    return functional.binary_cross_entropy_with_logits(chosen, label)


def text_loss(
    model: Cacre, batch: Batch, projection: Projection, settings: LossSettings, local_weight: float
) -> Tensor:
    """L_text: X_T is the anchor of equation (8) (A5, A25, A26)."""
    anchor, positive, negative = batch["anchor"], batch["positive"], batch["negative"]
    wanted = {"positive": [positive], "anchor": [anchor], "anchor_and_positive": [anchor, positive]}[
        settings.text_positives
    ]
    if "other" in batch:
        negative = torch.cat([negative, batch["other"]], dim=1)  # [N, K + Q]
    valid, index = negative >= 0, negative.clamp(min=0)
    if settings.text_view == "pairwise":
        scores = model.text_similarity(projection)  # [C] twice
        positives = [_take(scores, rows) for rows in wanted]
        if settings.negatives == "pooled":  # each negative of the batch once, scored against its own text
            negatives, valid = _share(_take(scores, torch.unique(negative[valid])), len(anchor))
        else:
            negatives = _take(scores, index)  # [N, K] twice
    else:  # one X_T, the one given the anchor, for all triples of the tuple
        positives = [_text_similarity(model, projection, anchor, rows) for rows in wanted]
        # In another window of a long text the negative has another X_T, which this one cannot stand for.
        valid = valid & (batch["pair_text"][index] == batch["pair_text"][anchor][:, None])
        flat = _text_similarity(model, projection, anchor.repeat_interleave(index.shape[1]), index.flatten())
        negatives = Similarity(flat.local.view(index.shape), flat.pooled.view(index.shape))
    return torch.stack([_info_nce(p, negatives, valid, settings, local_weight) for p in positives]).mean()


def anchor_loss(
    model: Cacre, batch: Batch, projection: Projection, settings: LossSettings, local_weight: float
) -> Tensor:
    """L_anchor: X_a is the anchor, X_p the positive, the X_n of the text the negatives.

    With `paraphrased_negatives` each wrong triple against its own paraphrase is one more negative. Whose twin it is
    does not matter: the two must be further apart than any right pair.
    """
    anchor, negative, twins = batch["anchor"], batch["negative"], batch["twins"]
    valid = negative >= 0
    row, column = valid.nonzero(as_tuple=True)
    positives = _pair_similarity(model, projection, anchor, batch["positive"])  # [N] twice
    flat = _pair_similarity(model, projection, anchor[row], negative[row, column])  # [number valid] twice
    apart = None
    if settings.paraphrased_negatives and len(twins):
        apart = _pair_similarity(model, projection, twins[:, 0], twins[:, 1])  # [W] twice
    if settings.negatives == "pooled":
        pool = flat if apart is None else _join(flat, apart)
        negatives, valid = _share(pool, len(anchor))
    else:
        empty = flat.local.new_zeros(valid.shape)
        negatives = Similarity(*(empty.index_put((row, column), part) for part in flat))  # [N, K] twice
        if apart is not None:
            shared, all_valid = _share(apart, len(anchor))
            negatives, valid = _join(negatives, shared), torch.cat([valid, all_valid], dim=1)
    return _info_nce(positives, negatives, valid, settings, local_weight)


def _info_nce(
    positive: Similarity, negatives: Similarity, valid: Tensor, settings: LossSettings, local_weight: float
) -> Tensor:
    return info_nce_with_margin(
        positive.local,
        positive.pooled,
        negatives.local,
        negatives.pooled,
        negative_valid=valid,
        temperature=settings.temperature,
        local_weight=local_weight,
        top_k=settings.top_k,
        base_margin=settings.base_margin,
        margin_scale=settings.margin_scale,
        margin_units=settings.margin_units,
        detach_margin=settings.detach_margin,
    )


def _share(pool: Similarity, rows: int) -> tuple[Similarity, Tensor]:
    """The same negatives `[W]` for each of N anchors: `[N, W]` twice, and which of them are valid (all)."""
    shared = Similarity(*(part.expand(rows, -1) for part in pool))
    return shared, torch.ones_like(shared.local, dtype=torch.bool)


def _join(left: Similarity, right: Similarity) -> Similarity:
    return Similarity(*(torch.cat(parts, dim=-1) for parts in zip(left, right, strict=True)))


def _take(scores: Similarity, rows: Tensor) -> Similarity:
    return Similarity(scores.local[rows], scores.pooled[rows])


def _text_similarity(model: Cacre, projection: Projection, view: Tensor, triple: Tensor) -> Similarity:
    x_t, t_mask, x_r, r_mask, attention = projection[:5]
    return model.text_similarity(Projection(x_t[view], t_mask[view], x_r[triple], r_mask[triple], attention[triple]))


def _pair_similarity(model: Cacre, projection: Projection, left: Tensor, right: Tensor) -> Similarity:
    x_r, mask = projection.triple, projection.triple_mask
    return model.pair_similarity(x_r[left], mask[left], x_r[right], mask[right])


class Criterion(nn.Module):
    """Network and loss as one module, so that Trainer, accelerate and DDP see an ordinary `forward`.

    Args:
        model: The network.
        settings: Of the loss.
    """

    def __init__(self, model: Cacre, settings: LossSettings) -> None:
        super().__init__()
        self.model, self.settings = model, settings

    def forward(self, **batch: Tensor) -> dict[str, Tensor]:
        """A batch of `Collator` to `loss`, `text_loss` and `anchor_loss`, scalars."""
        projection = project(self.model, batch, positives=self.settings.text_positives != "anchor")
        result = compute_objective(self.model, batch, projection, self.settings, self.model.settings.local_weight)
        return {"loss": result.loss, "text_loss": result.text.detach(), "anchor_loss": result.anchor.detach()}
