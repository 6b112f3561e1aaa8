"""Windows as padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from cacre.baselines.extractors.marks import LabelledWindow
from cacre.baselines.extractors.windows import Window


@dataclass(frozen=True)
class Batch:
    """B windows, padded to L tokens.

    Args:
        input_ids: `[B, L]`.
        attention_mask: `[B, L]`, 1 for tokens, 0 for padding.
        content: `[B, L]` of bool, true for tokens of the text: neither special tokens nor padding.
        items: The windows with their gold; empty where nothing is known.
        views: Further windows made of these, for systems that learn from altered texts.
        view_rows: For each view the row of this batch that it was made of.
        view_kinds: For each view how it was made.
    """

    input_ids: Tensor
    attention_mask: Tensor
    content: Tensor
    items: tuple[LabelledWindow, ...] = ()
    views: Batch | None = None
    view_rows: tuple[int, ...] = ()
    view_kinds: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.input_ids)

    def to(self, device: Any, non_blocking: bool = False) -> Batch:  # noqa: ANN401  (whatever torch takes)
        """The batch on a device; accelerate calls it."""
        moved = {
            name: getattr(self, name).to(device, non_blocking=non_blocking)
            for name in ("input_ids", "attention_mask", "content")
        }
        return replace(self, **moved, views=None if self.views is None else self.views.to(device, non_blocking))


def make_batch(windows: Sequence[Window], items: Sequence[LabelledWindow] = (), length: int | None = None) -> Batch:
    """Pad windows to one length.

    Args:
        windows: At least one.
        items: The same windows with their gold.
        length: Tokens to pad to; the longest window by default.
    """
    length = max(length or 0, *map(len, windows))
    ids = torch.zeros(len(windows), length, dtype=torch.int64)
    lengths = torch.tensor([len(window) for window in windows])
    for row, window in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window.input_ids)
    positions = torch.arange(length).expand(len(windows), -1)
    mask = positions < lengths[:, None]
    content = (positions > 0) & (positions < lengths[:, None] - 1)
    return Batch(ids, mask.long(), content, tuple(items))
