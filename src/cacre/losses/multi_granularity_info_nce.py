"""Multi-granularity InfoNCE with hard negatives and a dynamic margin: equations (8)-(21).

`multi_granularity_info_nce` takes the projections; `info_nce_with_margin`, on which it is built, takes cosines computed
elsewhere; `MultiGranularityInfoNCE` is the former as a module. Equation, reference, shapes and a worked number stand in
the docstring of the class.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Unpack, overload

import torch
from torch import Tensor, nn
from torch.nn import functional

from cacre.losses.hard_negatives import select_hard
from cacre.losses.hyper_parameters import HyperParameters, LossOptions
from cacre.similarity import full_precision, global_cosine, position_cosine


class _MasksAndOptions(LossOptions, total=False):
    anchor_mask: Tensor | None
    positive_mask: Tensor | None
    negative_mask: Tensor | None
    negative_valid: Tensor | None


class LossParts(NamedTuple):
    """The loss and what it is made of; a row without valid negatives has per_row, margin and hard_count 0."""

    loss: Tensor
    """Scalar: mean of `per_row` over the rows that have a negative."""
    per_row: Tensor
    """L, [B] (21)."""
    positive: Tensor
    """S+, [B] (16), with 1/tau."""
    negatives: Tensor
    """S-, [B, N] (17), with 1/tau; 0 where there is no valid negative."""
    margin: Tensor
    """m, [B] (19)."""
    hard_count: Tensor
    """K, [B] int64 (18)."""


@overload
def info_nce_with_margin(
    positive_local: Tensor,
    positive_global: Tensor,
    negative_local: Tensor,
    negative_global: Tensor,
    *,
    negative_valid: Tensor | None = None,
    return_parts: Literal[False] = False,
    **options: Unpack[LossOptions],
) -> Tensor: ...
@overload
def info_nce_with_margin(
    positive_local: Tensor,
    positive_global: Tensor,
    negative_local: Tensor,
    negative_global: Tensor,
    *,
    negative_valid: Tensor | None = None,
    return_parts: Literal[True],
    **options: Unpack[LossOptions],
) -> LossParts: ...
def info_nce_with_margin(
    positive_local: Tensor,
    positive_global: Tensor,
    negative_local: Tensor,
    negative_global: Tensor,
    *,
    negative_valid: Tensor | None = None,
    return_parts: bool = False,
    **options: Unpack[LossOptions],
) -> Tensor | LossParts:
    """Equations (16)-(21) on cosines in [-1, 1], which are not yet divided by the temperature.

    Args:
        positive_local: [B], local cosine of the anchor and its positive.
        positive_global: [B], global cosine of the two.
        negative_local: [B, N], local cosines of the anchor and its negatives.
        negative_global: [B, N], global cosines of these.
        negative_valid: [B, N] bool or 0/1: which negatives exist; None means all.
        return_parts: Give `LossParts` instead of the scalar.
        **options: See `HyperParameters`.

    Raises:
        ValueError: Shapes do not fit together, or a hyper-parameter is out of its range.
    """
    hyper = HyperParameters(**options)
    _check_shapes(positive_local, positive_global, negative_local, negative_global, negative_valid)
    valid = torch.ones_like(negative_local, dtype=torch.bool) if negative_valid is None else negative_valid.bool()
    negative_local, negative_global = (x.masked_fill(~valid, 0.0) for x in (negative_local, negative_global))
    positive, positive_global = _fuse(positive_local, positive_global, hyper)  # [B] (14)(16)
    negatives, negative_global = _fuse(negative_local, negative_global, hyper)  # [B, N] (15)(17)
    margin = _margin(positive_global, negative_global, valid, hyper)  # [B] (19)
    hard, count = select_hard(negatives, valid, hyper.top_k)  # [B, K] (18)
    per_row = _row_losses(positive, hard, margin)  # [B]; log 1 = 0 in a row without negatives
    loss = per_row.sum() / (count > 0).sum().clamp(min=1)
    return LossParts(loss, per_row, positive, negatives, margin, count) if return_parts else loss


@overload
def multi_granularity_info_nce(
    anchor: Tensor,
    positive: Tensor,
    negatives: Tensor,
    *,
    return_parts: Literal[False] = False,
    **options: Unpack[_MasksAndOptions],
) -> Tensor: ...
@overload
def multi_granularity_info_nce(
    anchor: Tensor,
    positive: Tensor,
    negatives: Tensor,
    *,
    return_parts: Literal[True],
    **options: Unpack[_MasksAndOptions],
) -> LossParts: ...
def multi_granularity_info_nce(
    anchor: Tensor,
    positive: Tensor,
    negatives: Tensor,
    *,
    anchor_mask: Tensor | None = None,
    positive_mask: Tensor | None = None,
    negative_mask: Tensor | None = None,
    negative_valid: Tensor | None = None,
    return_parts: bool = False,
    **options: Unpack[LossOptions],
) -> Tensor | LossParts:
    """Equations (8)-(21) on projections, position j compared with position j.

    Args:
        anchor: X_a (or X_T in the text branch), [B, L, P].
        positive: X_p, [B, L, P].
        negatives: X_n, [B, N, L, P].
        anchor_mask: [B, L] bool or 0/1; None means no padding, here and below.
        positive_mask: [B, L].
        negative_mask: [B, N, L].
        negative_valid: [B, N]: which negatives exist; None means all.
        return_parts: Give `LossParts` instead of the scalar.
        **options: See `HyperParameters`.

    Raises:
        ValueError: Shapes do not fit together, or a hyper-parameter is out of its range.
    """
    if anchor.dim() != 3 or positive.dim() != 3 or negatives.dim() != 4:
        raise ValueError(
            "expected anchor [B, L, P], positive [B, L, P], negatives [B, N, L, P], got "
            f"{list(anchor.shape)}, {list(positive.shape)}, {list(negatives.shape)}: add or drop a dimension"
        )
    one, one_mask = anchor.unsqueeze(1), None if anchor_mask is None else anchor_mask.unsqueeze(1)  # [B, 1, L, P]
    cosines = (
        position_cosine(anchor, positive, anchor_mask, positive_mask),  # [B] (8)(10)
        global_cosine(anchor, positive, anchor_mask, positive_mask),  # [B] (12)-(14)
        position_cosine(one, negatives, one_mask, negative_mask),  # [B, N] (9)(11)
        global_cosine(one, negatives, one_mask, negative_mask),  # [B, N] (13)(15)
    )
    if return_parts:
        return info_nce_with_margin(*cosines, negative_valid=negative_valid, return_parts=True, **options)
    return info_nce_with_margin(*cosines, negative_valid=negative_valid, **options)


class MultiGranularityInfoNCE(nn.Module):
    """The loss of CACRE with its hyper-parameters, as a module without weights.

    Equation:
        S+    = [w cos_local(a, p)    + (1 - w) cos_global(a, p)]    / tau                       (8)-(16)
        S-(i) = [w cos_local(a, n_i)  + (1 - w) cos_global(a, n_i)]  / tau                       (9)-(17)
        S-_hard = the K = ceil(top_k N) highest S-(i)                                            (18)
        m     = base_margin + beta [cos_global(a, p) - mean_i cos_global(a, n_i)] / tau          (19)
        L     = -log( exp S+ / (exp S+ + sum_k exp(S-_hard(k) - m)) )                            (20)-(21)

        cos_local is the mean over positions j of cos(a[j], x[j]), cos_global the cosine of the mean vectors. m is taken
        off the negatives: a positive margin makes the task easier, unlike the one of CosFace (A22).

    Reference:
        CACRE, section 2.3; InfoNCE: van den Oord et al., 2018. What the paper leaves open: A2-A4, A22-A24.

    Shapes:
        anchor [B, L, P], positive [B, L, P], negatives [B, N, L, P] -> scalar, the mean over the rows that have a
        valid negative; 0 (with a gradient of 0) if no row has one.

    Example:
        One negative, cosines 0.8497 and 0.6720 both locally and globally: S+ = 12.1386, S- = 9.6000,
        m = 0.08 + 0.1 (12.1386 - 9.6000) = 0.3339, L = log(1 + exp(9.6000 - 0.3339 - 12.1386)).

        >>> positive, negative = torch.tensor([0.8497]), torch.tensor([[0.6720]])
        >>> loss = info_nce_with_margin(positive, positive, negative, negative)
        >>> round(loss.item(), 5)
        0.05502

    Args:
        **options: See `HyperParameters`.

    Raises:
        ValueError: A hyper-parameter is out of its range.
    """

    def __init__(self, **options: Unpack[LossOptions]) -> None:
        super().__init__()
        HyperParameters(**options)  # a wrong value shows here, not at the first step
        self.options = options

    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        negatives: Tensor,
        anchor_mask: Tensor | None = None,
        positive_mask: Tensor | None = None,
        negative_mask: Tensor | None = None,
        negative_valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss; shapes as in `multi_granularity_info_nce`. Returns a scalar."""
        return multi_granularity_info_nce(
            anchor,
            positive,
            negatives,
            anchor_mask=anchor_mask,
            positive_mask=positive_mask,
            negative_mask=negative_mask,
            negative_valid=negative_valid,
            **self.options,
        )

    def extra_repr(self) -> str:
        """The hyper-parameters that were given, for `repr`."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


def _fuse(local: Tensor, overall: Tensor, hyper: HyperParameters) -> tuple[Tensor, Tensor]:
    """Fused similarity (16)-(17) and the global one alone (14)-(15), both with 1/tau."""
    local, overall = full_precision(local) / hyper.temperature, full_precision(overall) / hyper.temperature
    return hyper.local_weight * local + (1 - hyper.local_weight) * overall, overall


def _margin(positive_global: Tensor, negative_global: Tensor, valid: Tensor, hyper: HyperParameters) -> Tensor:
    """Equation (19): [B], [B, N] (0 where not valid), [B, N] -> [B]."""
    base = hyper.base_margin / hyper.temperature if hyper.margin_units == "cosine" else hyper.base_margin
    available = valid.sum(dim=-1)
    mean = negative_global.sum(dim=-1) / available.clamp(min=1)  # over all negatives, not only the hard ones (A24)
    margin = torch.where(available > 0, base + hyper.margin_scale * (positive_global - mean), 0.0)
    return margin.detach() if hyper.detach_margin else margin


def _row_losses(positive: Tensor, hard: Tensor, margin: Tensor) -> Tensor:
    """Equations (20)-(21): [B], [B, K], [B] -> [B]."""
    logits = torch.cat([positive.unsqueeze(-1), hard - margin.unsqueeze(-1)], dim=-1)  # [B, 1 + K]
    target = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    return functional.cross_entropy(logits, target, reduction="none")


def _check_shapes(
    positive_local: Tensor,
    positive_global: Tensor,
    negative_local: Tensor,
    negative_global: Tensor,
    negative_valid: Tensor | None,
) -> None:
    # Broadcasting would accept most wrong shapes and quietly train on a wrong loss.
    rows, shape = positive_local.shape, negative_local.shape
    fits = len(rows) == 1 and len(shape) == 2 and shape[0] == rows[0]
    fits = fits and positive_global.shape == rows and negative_global.shape == shape
    if not fits or (negative_valid is not None and negative_valid.shape != shape):
        got = [list(x.shape) for x in (positive_local, positive_global, negative_local, negative_global)]
        valid = None if negative_valid is None else list(negative_valid.shape)
        raise ValueError(
            f"expected positives [B], [B] and negatives [B, N], [B, N], got {got}; negative_valid {valid} must be "
            "[B, N] or None: reduce the positions first and give each row its own negatives"
        )
