"""The pointer: where the text has the objects of a subject under a predicate, and the subjects of an object under it.

An extractor's question, asked of the text beside the verifier's: it is answered for each token, and learnt from all the
facts of a text, right and wrong candidates alike. What it says at the candidate's own names enters the reader's head;
what it says elsewhere tells that the fact has another object there. Not in the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.similarity import masked_mean

_HIDDEN = 64
_SCALE = 4.0
FEATURES = 4
"""For subject and object each: the mean logit at the name, and the largest anywhere."""


class Pointer(nn.Module):
    """Logits of each token, by additive attention that knows the distance from the other name.

    Args:
        width: D.
        buckets: Classes of distance.
    """

    def __init__(self, width: int, buckets: int) -> None:
        super().__init__()
        self.memory = nn.Linear(width, 2 * _HIDDEN)
        self.query = nn.ModuleList(nn.Linear(3 * width, _HIDDEN) for _ in range(2))
        self.distance = nn.Parameter(torch.zeros(2, buckets, _HIDDEN))
        self.output = nn.ModuleList(nn.Linear(_HIDDEN, 1) for _ in range(2))

    def forward(self, memory: Tensor, known: list[Tensor], buckets: list[Tensor]) -> Tensor:
        """`[C, 2, L_T]`: of each token that it belongs to a subject of the object, and to an object of the subject.

        Args:
            memory: `self.memory` of each pair's text, `[C, L_T, 2 * hidden]`.
            known: The object and its predicate, and the subject and its predicate, as states `[C, 3D]`.
            buckets: Each token's class of distance from the object, and from the subject, `[C, L_T]`.
        """
        logits = []
        for way, part in enumerate(memory.chunk(2, dim=-1)):
            hidden = part + self.query[way](known[way])[:, None] + self.distance[way][buckets[way]]
            logits.append(self.output[way](functional.gelu(hidden)).squeeze(-1))
        return torch.stack(logits, dim=1)


def pointed_at(logits: Tensor, mentions: list[Tensor], mask: Tensor) -> Tensor:
    """`[C, FEATURES]`: what the pointer says of the candidate's own subject and object.

    Args:
        logits: Of `Pointer`.
        mentions: Subject's and object's tokens, `[C, L_T]` each, none where the text lacks the name.
        mask: `[C, L_T]`, which text tokens there are.
    """
    bounded = torch.tanh(logits / _SCALE)
    own = [masked_mean(bounded[:, way, :, None], mention).squeeze(-1) for way, mention in enumerate(mentions)]
    best = bounded.masked_fill(mask[:, None] == 0, -1.0).amax(dim=2)  # [C, 2]
    return torch.cat([torch.stack(own, dim=1), best], dim=1)
