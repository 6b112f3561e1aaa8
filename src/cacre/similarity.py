"""Cosines between two projected sequences: equations (8)-(17) of the paper, without the division by tau.

Shape legend: `...` any leading dimensions, broadcast against each other (`[B, 1]` against `[B, N]` is one anchor
against its N negatives), `L` positions, `P` projection width.

What holds for every function here:

* A mask `[..., L]` is bool or 0/1, true where a position counts; None means that all do. Padded positions never
  influence the result, whatever they contain (NaN included), and receive a gradient of exactly 0.
* Nothing left to compare gives 0, never NaN. A vector shorter than 1e-6 has a cosine below its true one, 0 at length 0.
* float16 and bfloat16 are computed in float32, also under autocast; float64 stays float64.
* Only plain tensor operations, no branch on a value or on a length, so that one ONNX graph serves all lengths.
"""

from __future__ import annotations

import torch
from torch import Tensor

_EPS = 1e-12
"""Floor of a squared norm: keeps gradients at zero vectors finite (at most 1e6 times the incoming one)."""
_BELOW_ANY_COSINE = -2.0


def full_precision(x: Tensor) -> Tensor:
    """Give `x` as float32 if it is of half precision, else untouched. Any shape."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def masked_mean(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over the valid positions: equations (12)-(13).

    Args:
        x: [..., L, P].
        mask: [..., L].

    Returns:
        [..., P]; 0 where no position is valid.
    """
    valid = _valid(x, mask)
    total = _zero_padding(x, valid).sum(dim=-2)
    return total / valid.sum(dim=-1, keepdim=True).clamp(min=1)


def global_cosine(
    left: Tensor, right: Tensor, left_mask: Tensor | None = None, right_mask: Tensor | None = None
) -> Tensor:
    """Cosine of the two mean vectors: equations (14)-(15) without 1/tau.

    Args:
        left: [..., L, P].
        right: [..., L', P].
        left_mask: [..., L].
        right_mask: [..., L'].

    Returns:
        [...], in [-1, 1].
    """
    return (_unit(masked_mean(left, left_mask)) * _unit(masked_mean(right, right_mask))).sum(dim=-1)


def position_cosine(
    left: Tensor, right: Tensor, left_mask: Tensor | None = None, right_mask: Tensor | None = None
) -> Tensor:
    """Mean cosine of position j with position j: equations (8)-(11) without 1/tau.

    Only positions that are valid on both sides count (A4 a, b): of two sequences of different lengths the first
    min(L, L') positions.

    Args:
        left: [..., L, P].
        right: [..., L', P], L' >= 1.
        left_mask: [..., L].
        right_mask: [..., L'].

    Returns:
        [...], in [-1, 1].
    """
    left_valid, right_valid = _valid(left, left_mask), _valid(right, right_mask)
    # Gathering, unlike slicing to min(L, L'), does not fix in an exported graph which of the two is the longer.
    position = torch.arange(left.shape[-2], device=left.device)
    partner = position.clamp(max=right.shape[-2] - 1)
    left_unit = _unit(_zero_padding(left, left_valid))
    right_unit = _unit(_zero_padding(right, right_valid)).index_select(-2, partner)
    cosines = (left_unit * right_unit).sum(dim=-1)  # [..., L]
    both = left_valid & right_valid.index_select(-1, partner) & (position < right.shape[-2])
    return _mean_of_valid(cosines, both)


def soft_alignment(
    triple: Tensor,
    text: Tensor,
    weights: Tensor,
    triple_mask: Tensor | None = None,
    text_mask: Tensor | None = None,
) -> Tensor:
    """Mean over j of cos(X_R[j], sum_k W_R[j, k] X_T[k]): the triple against the text it attends to (A4 d).

    Args:
        triple: X_R, [..., L_R, P].
        text: X_T, [..., L_T, P].
        weights: W_R of equation (3), [..., L_R, L_T]. A row need not sum to 1: a cosine does not see its scale.
        triple_mask: [..., L_R].
        text_mask: [..., L_T]; may be left out if `weights` are already 0 at padding and `text` is finite there.

    Returns:
        [...], in [-1, 1].
    """
    triple_valid, text_valid = _valid(triple, triple_mask), _valid(text, text_mask)
    counts = triple_valid.unsqueeze(-1) & text_valid.unsqueeze(-2)  # [..., L_R, L_T]
    weights = torch.where(counts, full_precision(weights), 0.0)
    aligned = _matmul(weights, _zero_padding(text, text_valid))  # [..., L_R, P]
    cosines = (_unit(_zero_padding(triple, triple_valid)) * _unit(aligned)).sum(dim=-1)  # [..., L_R]
    return _mean_of_valid(cosines, triple_valid)


def max_sim(
    query: Tensor, document: Tensor, query_mask: Tensor | None = None, document_mask: Tensor | None = None
) -> Tensor:
    """Mean over the query's positions of the best cosine with any of the document's (A4 e).

    Reference: late interaction of ColBERT (Khattab and Zaharia, SIGIR 2020), with a mean instead of a sum.

    Args:
        query: [..., L, P].
        document: [..., L', P], L' >= 1.
        query_mask: [..., L].
        document_mask: [..., L'].

    Returns:
        [...], in [-1, 1].
    """
    cosines, query_valid, document_valid = _all_cosines(query, document, query_mask, document_mask)
    return _mean_of_best(cosines, query_valid, document_valid)


def symmetric_max_sim(
    left: Tensor, right: Tensor, left_mask: Tensor | None = None, right_mask: Tensor | None = None
) -> Tensor:
    """Mean of `max_sim` in the two directions, so that swapping the sides changes nothing.

    Args:
        left: [..., L, P], L >= 1.
        right: [..., L', P], L' >= 1.
        left_mask: [..., L].
        right_mask: [..., L'].

    Returns:
        [...], in [-1, 1].
    """
    cosines, left_valid, right_valid = _all_cosines(left, right, left_mask, right_mask)
    forth = _mean_of_best(cosines, left_valid, right_valid)
    back = _mean_of_best(cosines.transpose(-1, -2), right_valid, left_valid)
    return (forth + back) / 2


def _valid(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mask of `x` [..., L, P] as bool [..., L]."""
    if mask is None:
        return torch.ones(x.shape[:-1], dtype=torch.bool, device=x.device)
    return mask.bool()


def _zero_padding(x: Tensor, valid: Tensor) -> Tensor:
    # Selected, not multiplied: 0 * NaN is NaN, in the value and in the gradient.
    return torch.where(valid.unsqueeze(-1), full_precision(x), 0.0)


def _unit(x: Tensor) -> Tensor:
    """Scale the vectors of `x` [..., P] to length 1; zero vectors stay zero."""
    return x * (x * x).sum(dim=-1, keepdim=True).clamp(min=_EPS).rsqrt()


def _matmul(left: Tensor, right: Tensor) -> Tensor:
    """Product of the last two dimensions that autocast leaves alone."""
    if not torch.is_autocast_enabled(left.device.type):
        return left @ right
    with torch.autocast(left.device.type, enabled=False):
        return left @ right


def _all_cosines(
    left: Tensor, right: Tensor, left_mask: Tensor | None, right_mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Cosine of each position with each, [..., L, L'], and the two masks as bool."""
    left_valid, right_valid = _valid(left, left_mask), _valid(right, right_mask)
    left_unit = _unit(_zero_padding(left, left_valid))
    right_unit = _unit(_zero_padding(right, right_valid))
    return _matmul(left_unit, right_unit.transpose(-1, -2)), left_valid, right_valid


def _mean_of_best(cosines: Tensor, row_valid: Tensor, column_valid: Tensor) -> Tensor:
    """Mean over valid rows of the maximum over valid columns: [..., L, L'], [..., L], [..., L'] -> [...]."""
    best = torch.where(column_valid.unsqueeze(-2), cosines, _BELOW_ANY_COSINE).amax(dim=-1)  # [..., L]
    return _mean_of_valid(best, row_valid & column_valid.any(dim=-1, keepdim=True))


def _mean_of_valid(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of `values` [..., L] over the valid ones, 0 if there is none."""
    return torch.where(valid, values, 0.0).sum(dim=-1) / valid.sum(dim=-1).clamp(min=1)
