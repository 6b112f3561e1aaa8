"""How often a candidate of a relation is right, whatever it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cacre.baselines.protocol import Needs, Pairs, judged, not_fitted
from cacre.errors import ConfigError, DataError
from cacre.evaluation.labelled_scores import LabelledText


@dataclass
class RelationPrior:
    """Share of right candidates per relation in the training rows, drawn towards the overall share.

    `(right + strength * overall) / (candidates + strength)`, so that a relation not seen in training gets the overall
    share.

    Args:
        strength: Candidates that the overall share counts for, above 0.
        needs: What the labels it is fitted on are.

    Raises:
        ConfigError: `strength` is not above 0.
    """

    strength: float = 5.0
    needs: Needs = "gold"
    name: str = field(default="relation_prior", init=False)

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise ConfigError(f"strength must be above 0, got {self.strength!r}")
        self._overall: float | None = None
        self._shares: dict[str, float] = {}

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Count.

        Raises:
            DataError: There is no candidate.
        """
        counted = [(candidate.triple.predicate, label) for _, candidate, label in judged(rows)]
        if not counted:
            raise DataError("no labelled candidates to count: give rows with candidates")
        total = Counter(name for name, _ in counted)
        right = Counter(name for name, label in counted if label)
        overall = right.total() / total.total()
        self._overall = overall
        self._shares = {name: (right[name] + self.strength * overall) / (total[name] + self.strength) for name in total}

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Smoothed shares in [0, 1].

        Raises:
            ConfigError: It is not fitted.
        """
        if self._overall is None:
            raise not_fitted(self.name)
        overall = self._overall
        return [[self._shares.get(c.triple.predicate, overall) for c in candidates] for _, candidates in pairs]
