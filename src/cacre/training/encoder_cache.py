"""States of a frozen encoder, computed once and kept in a memory-mapped file, so that a CPU trains only what learns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cacre.modeling.pretrained import Encoder
from cacre.preprocessing.featurizer import Ints, pad


class EncoderCache:
    """Maps token ids `[L]` to encoder states `[L, D]`.

    The states are float32 on disk, laid end to end; a sequence that is not in the file is encoded when asked for and
    not stored (a batch may pair a text with a triple of another example, but the triple itself is always known).

    Args:
        encoder: The frozen encoder; it is put into evaluation mode for each call, so that no state has dropout in it.
        path: The file; written anew.
        sequences: All token sequences to encode.
        batch_size: Sequences per encoder call.
    """

    def __init__(self, encoder: Encoder, path: Path, sequences: Iterable[Ints], batch_size: int = 64) -> None:
        self._encoder = encoder
        distinct = {ids.tobytes(): ids for ids in sequences}
        keys = sorted(distinct, key=lambda key: (len(key), key))
        self._place: dict[bytes, tuple[int, int]] = {}
        total = 0
        for key in keys:
            self._place[key] = (total, total + len(distinct[key]))
            total += len(distinct[key])
        path.parent.mkdir(parents=True, exist_ok=True)
        self._states = np.memmap(path, np.float32, mode="w+", shape=(max(total, 1), encoder.hidden_size))
        for start in range(0, len(keys), batch_size):
            chunk = keys[start : start + batch_size]
            for key, states in zip(chunk, self._encode([distinct[key] for key in chunk]), strict=True):
                begin, end = self._place[key]
                self._states[begin:end] = states

    def __len__(self) -> int:
        return len(self._place)

    def __getitem__(self, ids: Ints) -> NDArray[np.float32]:
        """States `[L, D]` of a token sequence `[L]`."""
        place = self._place.get(ids.tobytes())
        if place is None:
            return self._encode([ids])[0]
        return np.asarray(self._states[place[0] : place[1]])

    @torch.no_grad()
    def _encode(self, sequences: list[Ints]) -> list[NDArray[np.float32]]:
        ids, mask = pad(sequences)
        self._encoder.eval()  # the Trainer puts the whole network back into training mode
        device = next(self._encoder.parameters()).device
        states = (
            self._encoder(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)).float().cpu().numpy()
        )
        return [row[: len(one)] for row, one in zip(states, sequences, strict=True)]
