"""Hyper-parameters of the loss: equations (16)-(19)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

MarginUnits = Literal["logit", "cosine"]


class LossOptions(TypedDict, total=False):
    """Keyword arguments of the loss; meaning, defaults and ranges stand in `HyperParameters`."""

    temperature: float
    local_weight: float
    top_k: float
    base_margin: float
    margin_scale: float
    margin_units: MarginUnits
    detach_margin: bool


@dataclass(frozen=True, slots=True)
class HyperParameters:
    """What the loss is computed with; the defaults are the paper's, except that it gives no margin_scale.

    Args:
        temperature: tau, above 0.
        local_weight: w of equations (16)-(17), in [0, 1].
        top_k: Share of the negatives that counts as hard (18), in (0, 1].
        base_margin: Constant part of the margin (19).
        margin_scale: beta of equation (19).
        margin_units: `logit` adds base_margin as it is (literal), `cosine` adds base_margin / temperature (A22).
        detach_margin: Stop the gradient through m (A23).

    Raises:
        ValueError: A value is out of its range.
    """

    temperature: float = 0.07
    local_weight: float = 0.7
    top_k: float = 0.8
    base_margin: float = 0.08
    margin_scale: float = 0.1
    margin_units: MarginUnits = "logit"
    detach_margin: bool = False

    def __post_init__(self) -> None:
        allowed = {
            "temperature": (self.temperature > 0.0, "above 0, such as 0.07"),
            "local_weight": (0.0 <= self.local_weight <= 1.0, "0 to 1, such as 0.7"),
            "top_k": (0.0 < self.top_k <= 1.0, "above 0 and at most 1, such as 0.8"),
            "margin_units": (
                self.margin_units in ("logit", "cosine"),
                "'logit' or 'cosine'; 'logit' is the literal one",
            ),
        }
        for name, (fits, what) in allowed.items():
            if not fits:
                raise ValueError(f"{name} is {getattr(self, name)!r}, allowed is {what}")
