"""One ONNX graph: loaded with checks, run by input name."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from cacre.errors import ModelError

BATCH_SIZE = 64
"""Most rows that a graph is given at once."""


class Graph:
    """An ONNX graph on the CPU. `run` may be called from several threads at once.

    Args:
        path: The `.onnx` file.
        inputs: Names the graph may take; an exporter drops those that a model does not use.
        required: Those of them that it must take.
        outputs: Names the graph must give.
        threads: Threads per call; None takes all CPUs that this process may use.
        batch_size: Most rows at once.

    Raises:
        ModelError: The file cannot be loaded, or takes or gives something else.
    """

    def __init__(
        self,
        path: Path,
        inputs: Sequence[str],
        required: Sequence[str],
        outputs: Sequence[str],
        *,
        threads: int | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self.path = path
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), _session_options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own, whose only common base is Exception
            raise ModelError(
                f"{path}: onnxruntime cannot load it ({_first_line(error)}); the model folder looks truncated or "
                "damaged: copy it again or export it anew with  cacre export-model"
            ) from error
        self._inputs = {node.name: node.type for node in self._session.get_inputs()}
        self._outputs = list(outputs)
        given = [node.name for node in self._session.get_outputs()]
        takes = set(self._inputs)
        if not set(required) <= takes <= set(inputs) or not set(outputs) <= set(given):
            raise ModelError(
                f"{path}: takes {sorted(self._inputs)} and gives {sorted(given)}, expected {sorted(inputs)} and "
                f"{sorted(outputs)}: it was exported by another version, export it anew with  cacre export-model"
            )
        # Dynamic quantisation takes its scale from the whole batch, so that a row's result would depend on the others.
        self.batch_size = 1 if _has_dynamic_quantisation(path) else batch_size

    def run(self, **arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """Run the graph.

        Args:
            **arrays: The inputs by name, cast to what the graph takes; those it does not take are left out.

        Returns:
            The outputs in the order given to the constructor.

        Raises:
            ModelError: The graph fails, or gives a number that is not finite.
        """
        feed: dict[str, NDArray[Any]]
        feed = {name: arrays[name].astype(_NUMPY_TYPES[kind], copy=False) for name, kind in self._inputs.items()}
        rows = max(map(len, feed.values()))
        if rows == 1:
            # One row is multiplied by another kernel, which sums in another order: let it have company.
            feed = {name: np.repeat(array, 2, axis=0) for name, array in feed.items()}
        try:
            results: list[NDArray[Any]] = [out[:rows] for out in self._session.run(self._outputs, feed)]
        except Exception as error:  # as above
            raise ModelError(
                f"{self.path}: onnxruntime fails on inputs of shapes { {n: a.shape for n, a in feed.items()} } "
                f"({_first_line(error)}); the files of the model folder do not belong together: export it anew"
            ) from error
        for name, result in zip(self._outputs, results, strict=True):
            if not np.isfinite(result).all():
                raise ModelError(f"{self.path}: output {name} holds nan or infinity: the weights are damaged")
        return results


LENGTH_STEP, SHORT_STEP, SHORT = 16, 8, 32
"""Lengths are rounded up to a multiple of 16 tokens, up to 32 of 8: names would else be mostly padding."""


def batches(
    lengths: Sequence[tuple[int, ...]], size: int, longest: int = sys.maxsize
) -> Iterator[tuple[list[int], tuple[int, ...]]]:
    """Cut rows into batches of one shape each: lengths rounded up to a multiple of 16, short ones of 8.

    A row is so padded to the same length whatever stands beside it. Sums over more or less padding are rounded
    differently, which would show in the sixth digit of some scores.

    Args:
        lengths: Lengths of each row.
        size: Most rows in a batch.
        longest: What the graph takes; nothing is rounded beyond.

    Yields:
        Row numbers, each of which occurs exactly once, and the lengths to pad them to.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, given in enumerate(lengths):
        rounded = tuple(max(length, min(_round_up(length), longest)) for length in given)
        groups.setdefault(rounded, []).append(row)
    for shape in sorted(groups):
        for start in range(0, len(groups[shape]), size):
            yield groups[shape][start : start + size], shape


def _round_up(length: int) -> int:
    step = SHORT_STEP if length <= SHORT else LENGTH_STEP
    return -(-length // step) * step


_NUMPY_TYPES: dict[str, type[np.generic]] = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
}


def _session_options(threads: int | None) -> Any:  # noqa: ANN401  (onnxruntime is not typed)
    options = onnxruntime.SessionOptions()
    # A given number also keeps onnxruntime from pinning threads to CPUs that a container may not have.
    options.intra_op_num_threads = threads or _usable_cpus()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # The graphs run in turns: a pool that spins while it waits would take the CPU from the one at work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _has_dynamic_quantisation(path: Path) -> bool:
    # Operator names stand as they are in the file; mapped, a large file takes no memory.
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"DynamicQuantize") >= 0


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
