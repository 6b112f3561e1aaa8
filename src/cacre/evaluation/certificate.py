"""A guarantee of precision as it is asked for, and as it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cacre.errors import ConfigError
from cacre.evaluation.left_out import LeftOut
from cacre.evaluation.mean_tests import MEAN_TESTS, MeanTest
from cacre.evaluation.score_table import LabelSource
from cacre.inference.thresholds import Calibration, Thresholds

ASSUMPTIONS = (
    "texts to come are exchangeable with the labelled ones",
    "same extractor, prompt and schema",
    "same model, default checks, these thresholds",
    "labels are right",
)
"""What the guarantee rests on; where one fails, it says nothing."""


@dataclass(frozen=True, slots=True)
class GuaranteeSettings:
    """How a guarantee is sought; to be chosen before the labels are looked at.

    Args:
        max_per_text: Accepted candidates that a text counts for at most. Power falls in proportion to it.
        fit_share: Share of the texts that choose the path; the others test it.
        seed: Decides which texts are which, and their order.
        test: `betting` (Waudby-Smith & Ramdas), or the weaker `hoeffding_bentkus`.

    Raises:
        ConfigError: A value is out of its range.
    """

    max_per_text: int = 8
    fit_share: float = 0.3
    seed: int = 13
    test: MeanTest = "betting"

    def __post_init__(self) -> None:
        if self.max_per_text < 1:
            raise ConfigError(f"max_per_text must be at least 1, got {self.max_per_text}")
        if not 0 < self.fit_share < 1:
            raise ConfigError(f"fit_share must lie between 0 and 1, got {self.fit_share}")
        if self.test not in MEAN_TESTS:
            raise ConfigError(f"test must be one of {', '.join(MEAN_TESTS)}, got {self.test!r}")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Thresholds with a guarantee, and what it was found on.

    Args:
        text_threshold: The laxest certified tau_1.
        pair_thresholds: tau_2 of each pair strategy, fixed along the path.
        precision: What is guaranteed at least.
        delta: Chance that the procedure certifies less than that.
        p_value: Of the certified threshold.
        texts: Texts with candidates that tested it.
        accepted: Candidates of these texts above the thresholds.
        empirical_precision: Of these; its expected value is guaranteed, not this number.
        recall: Share of the right candidates and missed gold of the testing texts that is kept.
        heavier_texts: Testing texts with more accepted candidates than `settings.max_per_text`.
        hypotheses: Thresholds tested, the certified one and the first refused one included.
        label_source: Whose labels it is about.
        settings: How it was sought.
        left_out: What the checks leave out, of all labelled candidates.
    """

    text_threshold: float
    pair_thresholds: Mapping[str, float]
    precision: float
    delta: float
    p_value: float
    texts: int
    accepted: int
    empirical_precision: float
    recall: float
    heavier_texts: int
    hypotheses: int
    label_source: LabelSource
    settings: GuaranteeSettings = field(default_factory=GuaranteeSettings)
    left_out: LeftOut = field(default_factory=LeftOut)

    def as_thresholds(
        self, calibration: Calibration | None = None, fitted_on: Mapping[str, Any] | None = None
    ) -> Thresholds:
        """The content of `thresholds.json`, with the certificate and its assumptions under `fitted_on.guarantee`."""
        facts = {k: v for k, v in asdict(self).items() if k not in ("text_threshold", "pair_thresholds")}
        facts["left_out"] = dict(self.left_out.reasons)
        record = {**(fitted_on or {}), "guarantee": {**facts, "rests_on": list(ASSUMPTIONS)}}
        return Thresholds(self.text_threshold, dict(self.pair_thresholds), calibration, record)
