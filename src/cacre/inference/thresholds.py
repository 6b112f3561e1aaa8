"""The fitted numbers a verdict depends on: two thresholds and a calibration, as they stand in `thresholds.json`.

They are fitted in `cacre.evaluation`; this module only holds, checks and applies them, so that judging needs neither
scikit-learn nor torch.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal

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


def _numbers(value: object, where: str) -> tuple[float, ...]:
    """Read a list of at least one finite number, none smaller than the one before.

    Raises:
        ModelError: It is something else.
    """
    rising = isinstance(value, list) and value and all(map(_is_number, value)) and sorted(value) == value
    if not isinstance(value, list) or not rising:
        raise ModelError(f"{where} must be a list of rising numbers, got {value!r:.80}: run  cacre calibrate  again")
    return tuple(float(number) for number in value)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


_WEIGHTS = ("text_weight", "pair_weight", "has_pair_weight", "bias")
_AGREEMENT_WEIGHTS = ("agreement_weight", "has_agreement_weight")


@dataclass(frozen=True, slots=True)
class Calibration:
    """From the scores, the relation and the LLM's agreement with itself to a probability.

    `logit = text_weight * text_score + pair_weight * pair_score + has_pair_weight * has_pair + agreement_weight *
    agreement + has_agreement_weight * has_agreement + relation_offsets[relation] + bias`, where `pair_score` and
    `agreement` are 0 for a candidate without one, and a relation without an offset has 0. The probability is
    `1 / (1 + exp(-logit))`, or with knots what the straight lines between them give at the logit.

    Args:
        text_weight: Weight of the text score.
        pair_weight: Weight of the pair score.
        has_pair_weight: Weight of having a pair score at all.
        bias: The intercept.
        agreement_weight: Weight of the agreement, the share of the LLM's samples that gave the candidate.
        has_agreement_weight: Weight of having an agreement at all.
        relation_offsets: What a relation adds to the logit, by the schema's name for it.
        knots: (logit, probability) pairs of an isotonic calibration, both rising; empty for a logistic one.
    """

    text_weight: float
    pair_weight: float
    has_pair_weight: float
    bias: float
    agreement_weight: float = 0.0
    has_agreement_weight: float = 0.0
    relation_offsets: Mapping[str, float] = field(default_factory=dict)
    knots: tuple[tuple[float, float], ...] = ()

    @property
    def kind(self) -> Literal["logistic", "isotonic"]:
        """How a logit becomes a probability."""
        return "isotonic" if self.knots else "logistic"

    def logit(
        self,
        text_score: float,
        pair_score: float | None,
        *,
        agreement: float | None = None,
        relation: str | None = None,
    ) -> float:
        """The sum before it becomes a probability; arguments as in `probability`."""
        logit = self.text_weight * text_score + self.bias
        if pair_score is not None and not math.isnan(pair_score):
            logit += self.pair_weight * pair_score + self.has_pair_weight
        if agreement is not None and not math.isnan(agreement):
            logit += self.agreement_weight * agreement + self.has_agreement_weight
        return logit if relation is None else logit + self.relation_offsets.get(relation, 0.0)

    def probability(
        self,
        text_score: float,
        pair_score: float | None,
        *,
        agreement: float | None = None,
        relation: str | None = None,
    ) -> float:
        """Probability in [0, 1] that the text supports the candidate.

        Args:
            text_score: S_st.
            pair_score: S_tt; None or nan means there is none.
            agreement: Share of the LLM's samples that gave the candidate, in [0, 1]; None or nan if unknown.
            relation: The schema's name of its relation; None or an unknown one uses what all relations share.
        """
        logit = self.logit(text_score, pair_score, agreement=agreement, relation=relation)
        if self.knots:
            return _interpolated(self.knots, logit)
        # exp of a positive number can overflow, of a negative one cannot
        small = math.exp(-abs(logit))
        return 1.0 / (1.0 + small) if logit >= 0 else small / (1.0 + small)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `from_dict` reads; what says nothing is left out."""
        values: dict[str, Any] = {"kind": self.kind, **{name: getattr(self, name) for name in _WEIGHTS}}
        if self.agreement_weight or self.has_agreement_weight:
            values |= {name: getattr(self, name) for name in _AGREEMENT_WEIGHTS}
        if self.relation_offsets:
            values["relation_offsets"] = dict(sorted(self.relation_offsets.items()))
        if self.knots:
            logits, probabilities = zip(*self.knots, strict=True)
            values["knots"] = {"logits": list(logits), "probabilities": list(probabilities)}
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "calibration") -> Calibration:
        """Read a calibration; `where` names its place in errors.

        Raises:
            ModelError: It is of another kind, or a number is missing or not finite.
        """
        values = _object(values, where)
        kind = values.get("kind")
        if kind not in ("logistic", "isotonic"):
            raise ModelError(f"{where}: kind must be 'logistic' or 'isotonic', got {kind!r:.80}: update cacre")
        offsets = _object(values.get("relation_offsets", {}), f"{where}: relation_offsets")
        return cls(
            **{name: _number(values, name, where) for name in _WEIGHTS},
            **{name: _number(values, name, where) for name in _AGREEMENT_WEIGHTS if name in values},
            relation_offsets={name: _number(offsets, name, f"{where}: relation_offsets") for name in offsets},
            knots=_knots(values.get("knots"), f"{where}: knots") if kind == "isotonic" else (),
        )


def _knots(value: object, where: str) -> tuple[tuple[float, float], ...]:
    """Read the knots of an isotonic calibration.

    Raises:
        ModelError: They are not two rising lists of one length, or a probability is outside [0, 1].
    """
    lists = _object(value, where)
    logits = _numbers(lists.get("logits"), f"{where}: logits")
    probabilities = _numbers(lists.get("probabilities"), f"{where}: probabilities")
    if len(logits) != len(probabilities) or probabilities[0] < 0 or probabilities[-1] > 1:
        raise ModelError(
            f"{where}: as many probabilities in [0, 1] as logits are needed, got {len(probabilities)} from "
            f"{probabilities[0]} to {probabilities[-1]} for {len(logits)} logits: run  cacre calibrate  again"
        )
    return tuple(zip(logits, probabilities, strict=True))


def _interpolated(knots: tuple[tuple[float, float], ...], logit: float) -> float:
    """The straight line between the knots around the logit; beyond the ends it stays level."""
    right = bisect_right(knots, logit, key=itemgetter(0))
    if right in (0, len(knots)):
        return knots[min(right, len(knots) - 1)][1]
    (low, below), (high, above) = knots[right - 1], knots[right]
    return below + (above - below) * ((logit - low) / (high - low))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers of `thresholds.json`.

    Args:
        text_threshold: The paper's tau_1; a candidate needs `text_score >= text_threshold`; -1 is off.
        pair_thresholds: The paper's tau_2, one for each way of finding the pair (`paraphrase`, `schema`, `siblings`).
        calibration: From scores to a probability, if one was fitted.
        fitted_on: Where the numbers come from (data, criterion, scores reached); information only.
        new_relations: What takes their place for relations that the model has not learned, whose scores are lower and
            less sure; None where nothing does.
    """

    text_threshold: float
    pair_thresholds: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    fitted_on: Mapping[str, Any] = field(default_factory=dict)
    new_relations: Thresholds | None = None

    def of(self, *, new_relation: bool) -> Thresholds:
        """The numbers for a relation that the model has learned, or for one that is new to it."""
        return self.new_relations if new_relation and self.new_relations is not None else self

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
            **({} if self.new_relations is None else {"new_relations": self.new_relations.to_dict()}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "thresholds.json") -> Thresholds:
        """Read thresholds; `where` names the file in errors.

        `calibration`, `fitted_on` and `new_relations` may be absent.

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
        calibration, new = values.get("calibration"), values.get("new_relations")
        return cls(
            text_threshold=_number(values, "text_threshold", where),
            pair_thresholds={name: _number(pairs, name, f"{where}: pair_thresholds") for name in pairs},
            calibration=None
            if calibration is None
            else Calibration.from_dict(calibration, where=f"{where}: calibration"),
            fitted_on=dict(_object(values.get("fitted_on", {}), f"{where}: fitted_on")),
            new_relations=None if new is None else cls.from_dict(new, f"{where}: new_relations"),
        )
