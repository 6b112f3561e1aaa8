"""The ELECTRA-based joint model on ONNX Runtime: the same candidates without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cacre.baselines.extractors.prediction import predict
from cacre.baselines.extractors.reading import read_parts
from cacre.baselines.extractors.spans import Array, FoundLink, find_subjects, link_objects
from cacre.baselines.extractors.windows import Window, WindowMaker
from cacre.errors import ModelError
from cacre.inference.graph import Graph
from cacre.types import Candidate

GRAPHS = ("encoder.onnx", "heads.onnx")
"""What a folder has that needs no torch."""
ENCODER = (("input_ids", "attention_mask"), ("states", "subjects"))
"""Inputs and outputs: `[B, L]` twice -> `[B, L, D]`, logits `[B, L, 1, 2]`."""
HEADS = (("states", "subject"), ("objects",))
"""`[S, L, D]`, end states of each subject `[S, 2 D]` -> logits `[S, L, K, 2]`."""
EXPORTED = "electra-joint"


class OnnxExtractor:
    """Reads a folder with `encoder.onnx` and `heads.onnx`.

    Args:
        folder: What `cacre train-extractor --onnx` wrote.
        threads: CPU threads; all by default.
        threshold: Least probability of every decision; by default the one fitted on dev.

    Raises:
        ModelError: A file is missing, damaged or of another version.
    """

    def __init__(self, folder: Path, *, threads: int | None = None, threshold: float | None = None) -> None:
        parts = read_parts(folder)
        if parts.name != EXPORTED:
            raise ModelError(f"{folder}: has the graphs of {EXPORTED}, but config.json says {parts.name!r}")
        self.name, self.tags = parts.name, parts.tags
        self.threshold = parts.threshold if threshold is None else threshold
        self.schema = parts.tags.schema
        self.maker = WindowMaker(parts.tokenizer, parts.max_length, parts.settings.data.overlap)
        self._encoder, self._heads = (
            Graph(folder / file, inputs=inputs, required=inputs, outputs=outputs, threads=threads)
            for file, (inputs, outputs) in zip(GRAPHS, (ENCODER, HEADS), strict=True)
        )

    def extract(self, texts: Sequence[str]) -> list[list[Candidate]]:
        """Extract the candidates of each text, at the threshold."""
        return predict(self._decode, self.maker, self.tags, texts)

    def _decode(self, windows: Sequence[Window], length: int) -> list[list[FoundLink]]:
        ids, mask = np.zeros((len(windows), length), np.int64), np.zeros((len(windows), length), np.int64)
        content = np.zeros((len(windows), length), bool)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window.input_ids
            mask[row, : len(window)] = 1
            content[row, 1 : len(window) - 1] = True
        states, subject_logits = self._encoder.run(input_ids=ids, attention_mask=mask)
        starts, ends = _probabilities(subject_logits, content)
        subjects = find_subjects(starts, ends, self.threshold)
        if not subjects:
            return [[] for _ in windows]
        rows = [row for row, _ in subjects]
        edges = [[states[row, found.span.first], states[row, found.span.last]] for row, found in subjects]
        (objects,) = self._heads.run(states=states[rows], subject=np.asarray(edges).reshape(len(rows), -1))
        return link_objects(len(windows), subjects, _probabilities(objects, content[rows]), self.threshold)


def _probabilities(logits: Array, content: Array) -> Array:
    """`[S, L, K, 2] -> [2, S, L, K]`, 0 where there is no token of the text."""
    sigmoid = 0.5 * (1.0 + np.tanh(0.5 * logits))  # does not overflow
    return np.moveaxis(sigmoid * content[:, :, None, None], -1, 0)
