"""What threshold fitting maximises, and the limits it has to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError
from cacre.evaluation.curves import Bools, Floats

Criterion = Literal["f1", "youden", "recall"]
_CRITERIA = ("f1", "youden", "recall")

_INFEASIBLE = -2.0
"""Below every value that keeps the limits: Youden's index goes down to -1."""
_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class ThresholdObjective:
    """The value of keeping so many true and so many false candidates.

    Args:
        criterion: `f1`, `youden` (tpr - fpr) or `recall`.
        total_true: True candidates, at least 1.
        total_false: False candidates.
        missed_gold: Gold triples that were never proposed.
        max_recall_loss: How far recall may fall below that of keeping everything, in points; None is no limit.
        target_precision: Precision to reach at least; None is no limit.
        expected_true: True candidates to expect by the probabilities, where the criterion is counted in these.
        expected_false: False ones.

    Raises:
        ConfigError: A value is out of its range.
    """

    criterion: Criterion
    total_true: int
    total_false: int
    missed_gold: int = 0
    max_recall_loss: float | None = None
    target_precision: float | None = None
    expected_true: float | None = None
    expected_false: float | None = None

    @classmethod
    def of(
        cls,
        counted: Floats,
        criterion: Criterion,
        missed_gold: int,
        max_recall_loss: float | None,
        target_precision: float | None,
    ) -> ThresholdObjective:
        """For candidates that count for so much, `[K, N]`: true, false and, if K is 4, what is expected of them."""
        totals = counted.sum(axis=1).tolist()
        labels, expected = (round(totals[0]), round(totals[1])), totals[2:] or (None, None)
        return cls(criterion, *labels, missed_gold, max_recall_loss, target_precision, *expected)

    def __post_init__(self) -> None:
        if self.criterion not in _CRITERIA:
            raise ConfigError(f"criterion must be one of {', '.join(_CRITERIA)}, got {self.criterion!r}")
        if self.missed_gold < 0:
            raise ConfigError(f"missed_gold must be at least 0, got {self.missed_gold}")
        for name, limit in (("max_recall_loss", self.max_recall_loss), ("target_precision", self.target_precision)):
            if limit is not None and not 0 <= limit <= 1:
                raise ConfigError(f"{name} must be between 0 and 1, got {limit}")

    @property
    def gold(self) -> int:
        """The denominator of recall: true candidates and gold that was never proposed."""
        return self.total_true + self.missed_gold

    def __call__(self, counts: Floats) -> Floats:
        """The criterion where the limits are kept, else a value below -2 that rises towards the limits.

        Args:
            counts: `[K, ...]`: kept true and false candidates, and the true and false ones to expect if K is 4. Limits
                are kept by the first two, the criterion is that of the last two.
        """
        true, false = counts[:2]
        short = np.zeros_like(true)
        if self.max_recall_loss is not None:
            short += np.maximum((self.total_true - true) / self.gold - self.max_recall_loss, 0.0)
        if self.target_precision is not None:
            kept = true + false
            precision = np.divide(true, kept, out=np.zeros_like(true), where=kept > 0)
            short += np.maximum(self.target_precision - precision, 0.0)
        return np.where(short > _EPSILON, _INFEASIBLE - short, self._criterion(*counts[-2:]))

    def prices(self) -> list[float]:
        """How many true candidates a false one costs, for the solutions that the search starts from.

        0 keeps everything. A precision of at least p means `true - p / (1 - p) * false >= 0`, so that maximising the
        left side finds kept candidates of that precision whenever there are any.
        """
        prices = [0.0, *np.geomspace(0.02, 50.0, 17).tolist()]
        if self.target_precision is not None:
            odds = self.target_precision / max(1.0 - self.target_precision, _EPSILON)
            prices.append(min(odds, float(self.total_true + 1)))
        return prices

    def require_met(self, value: float) -> None:
        """Raise unless the value belongs to thresholds that keep the limits.

        Raises:
            ConfigError: It does not.
        """
        if value > _INFEASIBLE:
            return
        limits = {"max_recall_loss": self.max_recall_loss, "target_precision": self.target_precision}
        wanted = " and ".join(f"{name}={limit}" for name, limit in limits.items() if limit is not None)
        everything = self.total_true / (self.total_true + self.total_false)
        raise ConfigError(
            f"no thresholds reach {wanted} on these {self.total_true + self.total_false} candidates (keeping all of "
            f"them has precision {everything:.4f}): ask for less, or use more candidates or a better model"
        )

    def _criterion(self, true: Floats, false: Floats) -> Floats:
        all_true = self.total_true if self.expected_true is None else self.expected_true
        all_false = self.total_false if self.expected_false is None else self.expected_false
        gold = all_true + self.missed_gold
        if self.criterion == "recall":
            return true / gold
        if self.criterion == "youden":
            return true / all_true - false / max(all_false, 1)
        return 2 * true / (true + false + gold)


def counted_as(truth: Bools, probabilities: npt.ArrayLike | None) -> Floats:
    """[K, N]: for how many true and how many false candidates each counts, by label and then by probability, if any.

    Raises:
        DataError: The lengths differ, or a probability is none.
    """
    if probabilities is None:
        return np.stack([truth, ~truth]).astype(np.float64)
    values = np.asarray(probabilities, dtype=np.float64)
    if values.shape != truth.shape:
        raise DataError(f"probabilities must be {list(truth.shape)}, got shape {list(values.shape)}")
    if not ((values >= 0) & (values <= 1)).all():
        raise DataError("probabilities must lie in [0, 1]")
    return np.stack([truth, ~truth, values, 1.0 - values]).astype(np.float64)
