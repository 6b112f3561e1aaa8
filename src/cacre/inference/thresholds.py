"""The fitted numbers a verdict depends on: two thresholds and a calibration, as they stand in `thresholds.json`.

They are fitted in `cacre.evaluation`; this module only holds, checks and applies them, so that judging needs neither
scikit-learn nor torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cacre.errors import ModelError

FORMAT = 1
"""Version of `thresholds.json` that this code reads and writes."""

OFF = -1.0
"""A threshold of -1 lets everything through (A28); cosines are never smaller."""


def _number(values: Mapping[str, Any], key: str, where: str) -> float:
    """Read a finite number out of a JSON object; a boolean is not one.

    Raises:
        ModelError: It is missing or something else.
    """
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ModelError(f"{where}: {key} must be a finite number, got {value!r:.80}: run  cacre calibrate  again")
    return float(value)


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ModelError(f"{where} must be a JSON object, got {value!r:.80}: run  cacre calibrate  again")
    return value


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression from the two scores to a probability.

    `p = 1 / (1 + exp(-(text_weight * text_score + pair_weight * pair_score + has_pair_weight * has_pair + bias)))`,
    where `pair_score` and `has_pair` are 0 for a candidate without a pair score.

    Args:
        text_weight: Weight of the text score.
        pair_weight: Weight of the pair score.
        has_pair_weight: Weight of having a pair score at all.
        bias: The intercept.
    """

    text_weight: float
    pair_weight: float
    has_pair_weight: float
    bias: float

    def probability(self, text_score: float, pair_score: float | None) -> float:
        """Probability in [0, 1] that the text supports the candidate; `pair_score` None or nan means there is none."""
        logit = self.text_weight * text_score + self.bias
        if pair_score is not None and not math.isnan(pair_score):
            logit += self.pair_weight * pair_score + self.has_pair_weight
        # exp of a positive number can overflow, of a negative one cannot
        small = math.exp(-abs(logit))
        return 1.0 / (1.0 + small) if logit >= 0 else small / (1.0 + small)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `from_dict` reads."""
        return {
            "kind": "logistic",
            "text_weight": self.text_weight,
            "pair_weight": self.pair_weight,
            "has_pair_weight": self.has_pair_weight,
            "bias": self.bias,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "calibration") -> Calibration:
        """Read a calibration; `where` names its place in errors.

        Raises:
            ModelError: It is of another kind, or a number is missing or not finite.
        """
        values = _object(values, where)
        if values.get("kind") != "logistic":
            raise ModelError(f"{where}: kind must be 'logistic', got {values.get('kind')!r:.80}: update cacre")
        names = ("text_weight", "pair_weight", "has_pair_weight", "bias")
        return cls(*(_number(values, name, where) for name in names))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers of `thresholds.json`.

    Args:
        text_threshold: The paper's tau_1; a candidate needs `text_score >= text_threshold`; -1 is off.
        pair_thresholds: The paper's tau_2, one for each way of finding the pair (`paraphrase`, `schema`, `siblings`).
        calibration: From scores to a probability, if one was fitted.
        fitted_on: Where the numbers come from (data, criterion, scores reached); information only.
    """

    text_threshold: float
    pair_thresholds: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    fitted_on: Mapping[str, Any] = field(default_factory=dict)

    def pair_threshold(self, strategy: str | None) -> float:
        """tau_2 of a pair strategy; off (-1) where none was fitted or there is no pair."""
        return OFF if strategy is None else self.pair_thresholds.get(strategy, OFF)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `from_dict` reads; the same keys in the same order each time."""
        return {
            "format": FORMAT,
            "text_threshold": self.text_threshold,
            "pair_thresholds": dict(sorted(self.pair_thresholds.items())),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "fitted_on": dict(self.fitted_on),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "thresholds.json") -> Thresholds:
        """Read thresholds; `where` names the file in errors. `calibration` and `fitted_on` may be absent.

        Raises:
            ModelError: Another format, or a value missing or of the wrong type.
        """
        values = _object(values, where)
        if values.get("format") != FORMAT or isinstance(values["format"], bool):
            raise ModelError(
                f"{where}: format must be {FORMAT}, got {values.get('format')!r:.80}: "
                "the file is not one of cacre's or is of a newer version; update cacre or run  cacre calibrate  again"
            )
        pairs = _object(values.get("pair_thresholds"), f"{where}: pair_thresholds")
        calibration = values.get("calibration")
        return cls(
            text_threshold=_number(values, "text_threshold", where),
            pair_thresholds={name: _number(pairs, name, f"{where}: pair_thresholds") for name in pairs},
            calibration=None
            if calibration is None
            else Calibration.from_dict(calibration, where=f"{where}: calibration"),
            fitted_on=dict(_object(values.get("fitted_on", {}), f"{where}: fitted_on")),
        )
