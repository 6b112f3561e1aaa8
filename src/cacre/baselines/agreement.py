"""How many of the extracting LLM's own samples say the triple."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cacre.baselines.protocol import Needs, Pairs
from cacre.evaluation.labelled_scores import LabelledText
from cacre.inference.decision import agreement

UNKNOWN = 0.5
"""Score of a candidate that carries no agreement."""


@dataclass
class Agreement:
    """The `agreement` that `cacre extract` writes beside each triple when it asks several times."""

    needs: Needs = field(default="an LLM", init=False)
    name: str = field(default="agreement", init=False)

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Do nothing: the samples are all there is."""

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Shares in [0, 1], .5 where there is none."""
        shares = [[agreement(candidate) for candidate in candidates] for _, candidates in pairs]
        return [[UNKNOWN if share is None else share for share in row] for row in shares]
