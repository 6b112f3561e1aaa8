"""The contrastive loss of CECRel: texts that state the same relations come together, others move apart."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import torch
from torch import Tensor
from torch.nn import functional


def relation_contrast(vectors: Tensor, relations: Sequence[AbstractSet[int]], temperature: float) -> Tensor:
    """InfoNCE over texts, grouped by the relations that they state.

    Texts with the same relations are positives of each other; texts that share none are negatives; texts that share
    some are neither. A text without relations is nobody's positive, but everybody's negative: so are texts that were
    altered to state something else. With s = cosine / temperature,

        loss = -mean over the pairs (i, p) of positives of  log( exp s_ip / (exp s_ip + sum over negatives n exp s_in) )

    where a text's pairs weigh 1 together. Sources: Oord et al. 2018, "Representation learning with contrastive
    predictive coding"; Khosla et al. 2020, "Supervised contrastive learning", for several positives, which here do not
    stand in each other's denominators.

    Args:
        vectors: `[N, P]`, one of each text; their lengths do not matter.
        relations: For each text what it states.
        temperature: Above 0.

    Returns:
        Scalar in nats; 0 where no text has both a positive and a negative.
    """
    same, apart = (mask.to(vectors.device) for mask in _pairs(relations))
    unit = functional.normalize(vectors.float(), dim=-1)
    similar = unit @ unit.T / temperature  # [N, N]
    # A finite mask: -inf would make NaN gradients in rows without a negative, which count nothing below.
    against = similar.masked_fill(~apart, torch.finfo(similar.dtype).min).logsumexp(dim=1, keepdim=True)
    each = functional.softplus(against - similar) * same  # [N, N]
    counted = same.any(dim=1) & apart.any(dim=1)
    per_text = each.sum(dim=1) / same.sum(dim=1).clamp(min=1)
    return (per_text * counted).sum() / counted.sum().clamp(min=1)


def _pairs(relations: Sequence[AbstractSet[int]]) -> tuple[Tensor, Tensor]:
    """Which texts are positives and which negatives of each other, `[N, N]` of bool each."""
    size = len(relations)
    kinds, distinct = [], list({frozenset(held): None for held in relations})
    for held in map(frozenset, relations):
        kinds.append(distinct.index(held))
    same = torch.tensor([[bool(a) and a == b for b in distinct] for a in distinct])
    apart = torch.tensor([[not a & b for b in distinct] for a in distinct])
    index = torch.tensor(kinds)
    other = ~torch.eye(size, dtype=torch.bool)
    return same[index][:, index] & other, apart[index][:, index] & other
