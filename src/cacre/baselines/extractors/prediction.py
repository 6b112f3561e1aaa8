"""Texts to candidates with any decoder: windows in batches of like length, decoded and put together again. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cacre.baselines.extractors.assembling import assemble
from cacre.baselines.extractors.spans import FoundLink
from cacre.baselines.extractors.tags import TagSet
from cacre.baselines.extractors.windows import Window, WindowMaker
from cacre.errors import DataError
from cacre.inference.graph import batches
from cacre.types import Candidate

Decode = Callable[[Sequence[Window], int], list[list[FoundLink]]]
"""What is found in each of some windows, padded to so many tokens."""
_BATCH = 32
"""Windows decoded at once."""


def predict(decode: Decode, maker: WindowMaker, tags: TagSet, texts: Sequence[str]) -> list[list[Candidate]]:
    """The candidates of each text.

    A window is padded to a length of its own whatever stands beside it, so that a text's result does not depend on the
    others.

    Args:
        decode: Finds links in windows.
        maker: Cuts the texts.
        tags: What the numbers of the tags mean.
        texts: The texts.

    Raises:
        DataError: One string was given in place of a list.
    """
    if isinstance(texts, str):
        raise DataError(f"expected a list of texts, got {texts!r:.80}: put it in a list", field="texts")
    windows = maker.windows_of(texts)
    flat = [(number, place) for number, parts in enumerate(windows) for place in range(len(parts))]
    found: dict[tuple[int, int], list[FoundLink]] = {}
    lengths = [(len(windows[number][place]),) for number, place in flat]
    for rows, (length,) in batches(lengths, _BATCH, longest=maker.max_length):
        chosen = [flat[row] for row in rows]
        found |= zip(chosen, decode([windows[number][place] for number, place in chosen], length), strict=True)
    return [
        assemble(text, [(window, found[number, place]) for place, window in enumerate(parts)], tags)
        for number, (text, parts) in enumerate(zip(texts, windows, strict=True))
    ]
