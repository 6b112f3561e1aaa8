"""Gradient-boosted trees over a relation and a row of numbers: what the two tree baselines share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cacre.errors import ConfigError, DataError, MissingExtraError

Floats = NDArray[np.float64]

_MOST_RELATIONS = 200
"""Categories that a column of the trees may have are limited to 255; rarer relations share the missing value."""


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """Size of the ensemble.

    Args:
        iterations: Number of trees.
        learning_rate: Share of each tree that is added.
        l2: Penalty on the leaves.
        min_leaf: Least candidates in a leaf.
        features_per_split: Share of the columns that each split may choose from; below 1 the seed matters.
        seed: Seed of that choice.
    """

    iterations: int = 300
    learning_rate: float = 0.03
    l2: float = 10.0
    min_leaf: int = 40
    features_per_split: float = 0.3
    seed: int = 0


class RelationTrees:
    """`P(right | relation, numbers)`; a relation not seen in training counts as missing.

    Args:
        settings: Size of the ensemble.

    Raises:
        ConfigError: A number of `settings` is out of its range.
    """

    def __init__(self, settings: TreeSettings) -> None:
        for name in ("iterations", "learning_rate", "min_leaf", "features_per_split"):
            if not getattr(settings, name) > 0:
                raise ConfigError(f"trees: {name} must be above 0, got {getattr(settings, name)!r}")
        if settings.l2 < 0 or settings.features_per_split > 1:
            raise ConfigError(
                f"trees: l2 must be at least 0 and features_per_split at most 1, got {settings.l2} and "
                f"{settings.features_per_split}"
            )
        self.settings = settings
        self._codes: dict[str, int] = {}
        self._unknown: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._model: Any = None

    @property
    def fitted(self) -> bool:
        """Whether `fit` was called."""
        return self._model is not None

    def fit(self, relations: Sequence[str], numbers: Floats, labels: Sequence[bool | None]) -> None:
        """Fit anew.

        Args:
            relations: `[N]`.
            numbers: `[N, F]`; nan where a number is unknown.
            labels: `[N]`; true = right, None = not judged, and left out.

        Raises:
            DataError: All labels are the same.
            MissingExtraError: scikit-learn is not installed.
        """
        places = [place for place, label in enumerate(labels) if label is not None]
        truth = np.asarray([labels[place] for place in places], dtype=bool)
        if truth.all() or not truth.any():
            raise DataError(f"{len(truth)} candidates, {truth.sum()} of them right: trees need right and wrong ones")
        try:
            from sklearn.ensemble import HistGradientBoostingClassifier
        except ImportError as error:
            raise MissingExtraError("sklearn", "eval") from error
        relations, numbers = [relations[place] for place in places], numbers[places]
        self._unknown = np.asarray(np.isnan(numbers).all(axis=0))
        frequent = Counter(relations).most_common(_MOST_RELATIONS)
        self._codes = {name: code for code, name in enumerate(sorted(name for name, _ in frequent))}
        self._model = HistGradientBoostingClassifier(
            categorical_features=[0],
            max_iter=self.settings.iterations,
            learning_rate=self.settings.learning_rate,
            l2_regularization=self.settings.l2,
            min_samples_leaf=self.settings.min_leaf,
            max_features=self.settings.features_per_split,
            early_stopping=False,
            random_state=self.settings.seed,
        ).fit(self._matrix(relations, numbers), truth)

    def probabilities(self, relations: Sequence[str], numbers: Floats) -> list[float]:
        """`[N]`, in [0, 1], of fitted trees; arguments as in `fit`."""
        if not relations:
            return []
        found: list[float] = self._model.predict_proba(self._matrix(relations, numbers))[:, 1].tolist()
        return found

    def _matrix(self, relations: Sequence[str], numbers: Floats) -> Floats:
        codes = np.asarray([self._codes.get(name, np.nan) for name in relations], dtype=np.float64)
        # scikit-learn cannot bin a column that no row of the training data has a number in.
        return np.column_stack([codes, np.where(self._unknown, 0.0, numbers)])
