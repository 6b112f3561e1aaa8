"""What goes into the network and what comes out; the letters of the shapes are those of `modeling.model`."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Pair(NamedTuple):
    """C pairs as the network takes them; states come from the encoder, or from a cache of a frozen one."""

    text_states: Tensor  # E_T [C, L_T, D]
    text_mask: Tensor  # [C, L_T]
    triple_states: Tensor  # E_R [C, L_R, D]
    triple_mask: Tensor  # [C, L_R]
    role_ids: Tensor  # [C, L_R], 0 special, 1 subject, 2 predicate, 3 object
    marks: Tensor  # [C, L_T, M]
    values: Tensor  # [C, F]
    text_row: Tensor | None = None  # [C]; where it is given, text_states and text_mask are those of T texts, not of C
    judged: Tensor | None = None  # pairs that need a logit, where a reader would give one to all; the others get 0
    text_ids: Tensor | None = None  # of the texts, as many as text_states; for a pattern head

    @property
    def spread(self) -> Pair:
        """The same with the states of a text repeated for each of its pairs."""
        if self.text_row is None:
            return self
        states, mask = (part.index_select(0, self.text_row) for part in (self.text_states, self.text_mask))
        return self._replace(text_states=states, text_mask=mask, text_row=None, text_ids=None)


class Projection(NamedTuple):
    """What the network makes of C pairs."""

    text: Tensor  # X_T [C, L_T, P]
    text_mask: Tensor  # [C, L_T]
    triple: Tensor  # X_R [C, L_R, P]
    triple_mask: Tensor  # [C, L_R]
    attention: Tensor  # W_R [C, L_R, L_T]; with a reader its own weights, which decided
    logit: Tensor | None = None  # [C], of the reader, in whose presence X_T is [C, L_T, 0]


class Similarity(NamedTuple):
    """Cosines of C comparisons, without 1/tau."""

    local: Tensor  # [C], equations (8)-(11)
    pooled: Tensor  # [C], equations (12)-(15), "global" in the paper

    def fuse(self, local_weight: float) -> Tensor:
        """Equations (16)-(17): `w * local + (1 - w) * global`, [C]."""
        return local_weight * self.local + (1.0 - local_weight) * self.pooled
