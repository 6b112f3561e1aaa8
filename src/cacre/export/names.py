"""Weights of an ONNX graph by the names they have in torch, so that they can be found again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

TRANSPOSED = ".T"
HALF = ".float16"


def name_weights(graph: onnx.GraphProto, module: nn.Module) -> None:
    """Name the constants that the exporter has made of weights: `NAME`, `NAME.T` transposed, `NAME.0` the first slice.

    The exporter transposes the weights of a matrix product in advance, and calls them `val_173`.
    """
    weights = {key: name for name, value in module.state_dict().items() for key, name in _forms(name, value)}
    taken = {tensor.name for tensor in graph.initializer}
    renamed = {}
    for tensor in graph.initializer:
        name = weights.get(_content(numpy_helper.to_array(tensor)))
        if name and name not in taken and not tensor.name.startswith("model."):
            renamed[tensor.name] = tensor.name = name
            taken.add(name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    for info in graph.value_info:
        info.name = renamed.get(info.name, info.name)


def weights_by_name(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """The weights of a graph whose names are those of `name_weights`, each as torch has it; slices stacked."""
    found: dict[str, NDArray[np.float32]] = {}
    slices: dict[str, dict[int, NDArray[np.float32]]] = {}
    for tensor in graph.initializer:
        name, value = tensor.name.removesuffix(HALF), numpy_helper.to_array(tensor)
        if not name.startswith("model.") or value.dtype not in (np.float16, np.float32):
            continue
        name, value = name.removeprefix("model."), value.astype(np.float32)
        if name.endswith(TRANSPOSED):
            name, value = name.removesuffix(TRANSPOSED), value.T
        stem, _, last = name.rpartition(".")
        if last.isdecimal():
            slices.setdefault(stem, {})[int(last)] = value
        else:
            found[name] = value
    return found | {name: np.stack([parts[key] for key in sorted(parts)]) for name, parts in slices.items()}


def _forms(name: str, value: Tensor) -> Iterator[tuple[tuple[object, ...], str]]:
    array = value.detach().cpu().numpy()
    if array.size > 1 and array.dtype == np.float32:
        yield _content(array), name
        if array.ndim == 2:
            yield _content(array.T), name + TRANSPOSED
        if array.ndim > 2:
            yield from ((_content(part), f"{name}.{index}") for index, part in enumerate(array))


def _content(array: NDArray[np.generic]) -> tuple[object, ...]:
    return array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes()
