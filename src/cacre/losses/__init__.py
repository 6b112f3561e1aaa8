"""Losses of cacre: tensors in, scalar out."""

from __future__ import annotations

from cacre.losses.hard_negatives import hard_count, select_hard
from cacre.losses.hyper_parameters import HyperParameters, LossOptions, MarginUnits
from cacre.losses.multi_granularity_info_nce import (
    LossParts,
    MultiGranularityInfoNCE,
    info_nce_with_margin,
    multi_granularity_info_nce,
)

__all__ = [
    "HyperParameters",
    "LossOptions",
    "LossParts",
    "MarginUnits",
    "MultiGranularityInfoNCE",
    "hard_count",
    "info_nce_with_margin",
    "multi_granularity_info_nce",
    "select_hard",
]
