"""What the figures show, computed from scores and labels (numpy only)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cacre.errors import ConfigError, DataError
from cacre.evaluation.score_table import Bools, Floats, ScoreTable


@dataclass(frozen=True)
class Similarities:
    """Cosines of the four kinds of pairs of the paper's Figures 2 and 3.

    Args:
        anchor_positive: Right triples against their paraphrases.
        anchor_negative: Wrong triples against what they are compared with.
        text_positive: Texts against right triples.
        text_negative: Texts against wrong triples.
    """

    anchor_positive: Floats
    anchor_negative: Floats
    text_positive: Floats
    text_negative: Floats

    @classmethod
    def of_table(cls, table: ScoreTable) -> Similarities:
        """Pair scores and text scores of right and of wrong candidates; candidates without a score are left out."""
        right, text, pair = table.labels, table.text_score, table.pair_score
        parts = (pair[right], pair[~right], text[right], text[~right])
        return cls(*(part[np.isfinite(part)] for part in parts))

    def labelled(self, side: Literal["anchor", "text"]) -> tuple[Bools, Floats]:
        """Labels (true = positive pair) and cosines of one side, `[N]` each."""
        anchor = side == "anchor"
        positive = self.anchor_positive if anchor else self.text_positive
        negative = self.anchor_negative if anchor else self.text_negative
        labels = np.arange(len(positive) + len(negative)) < len(positive)
        return labels, np.concatenate([positive, negative])


@dataclass(frozen=True)
class ThresholdSurface:
    """F1 at each pair of thresholds.

    Args:
        text_thresholds: `[I]`, ascending.
        pair_thresholds: `[J]`, ascending.
        f1: `[I, J]`.
        unfiltered: F1 of keeping everything.
    """

    text_thresholds: Floats
    pair_thresholds: Floats
    f1: Floats
    unfiltered: float

    @property
    def best(self) -> tuple[float, float]:
        """The thresholds of the best F1, the laxest of equal ones."""
        place = np.unravel_index(int(self.f1.argmax()), self.f1.shape)
        return float(self.text_thresholds[place[0]]), float(self.pair_thresholds[place[1]])

    def place(self, text_threshold: float, pair_threshold: float) -> tuple[float, float]:
        """Where thresholds stand on the grid, counted in grid points; those outside it stand on its border."""
        grids = ((text_threshold, self.text_thresholds), (pair_threshold, self.pair_thresholds))
        text, pair = (float(np.interp(value, grid, np.arange(len(grid)))) for value, grid in grids)
        return text, pair


def threshold_surface(table: ScoreTable, size: int = 60) -> ThresholdSurface:
    """F1 over a grid of both thresholds; a candidate without a pair score passes every pair threshold.

    Gold that no candidate proposes counts in the recall. One pair threshold stands for all pair strategies.

    Args:
        table: Labelled candidates.
        size: Most grid points per threshold, at least 2; they are evenly spaced in rank.

    Raises:
        DataError: No candidate has a text score or none a pair score, or nothing is right.
        ConfigError: `size` is below 2.
    """
    if size < 2:
        raise ConfigError(f"size must be at least 2, got {size}")
    scored = np.isfinite(table.text_score)
    text, pair, right = table.text_score[scored], table.pair_score[scored], table.labels[scored]
    gold = int(right.sum() + table.missed_gold.sum())
    if not np.isfinite(pair).any() or not right.any():
        raise DataError(
            f"a surface needs right candidates and pair scores, got {int(right.sum())} right of {len(right)} "
            f"and {int(np.isfinite(pair).sum())} pair scores"
        )
    text_grid, pair_grid = _grid(text, size), _grid(pair[np.isfinite(pair)], size)
    passes_text = (text[:, None] >= text_grid).astype(np.float64)
    passes_pair = ((pair[:, None] >= pair_grid) | np.isnan(pair)[:, None]).astype(np.float64)
    kept_right = passes_text[right].T @ passes_pair[right]
    kept_wrong = passes_text[~right].T @ passes_pair[~right]
    unfiltered = 2 * int(right.sum()) / (len(right) + gold)
    return ThresholdSurface(text_grid, pair_grid, 2 * kept_right / (kept_right + kept_wrong + gold), unfiltered)


def read_history(path: str | Path) -> list[Mapping[str, Any]]:
    """Read a training log: `metrics.json`, `pretraining.json` or a checkpoint's `trainer_state.json`.

    Raises:
        DataError: The file cannot be read or holds no log.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read as JSON: {error}", path=str(path)) from error
    keys = ("history", "log", "log_history")
    found = next((content[key] for key in keys if key in content), None) if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise DataError(f"expected a list of objects under one of {', '.join(keys)}", path=str(path))
    return found


def _grid(values: Floats, size: int) -> Floats:
    """Thresholds evenly spaced in rank, from the lowest score, where all pass, to one that few reach; at least two."""
    grid = np.unique(np.quantile(values, np.linspace(0.0, 0.98, size)))
    return grid if len(grid) > 1 else np.asarray([grid[0], np.nextafter(grid[0], np.inf)])
