"""Large weights of an ONNX graph stored in half precision."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from cacre.export.names import HALF

SMALLEST_HALVED = 1024
"""Numbers in a weight from which on it is large."""


def halve(graph: onnx.GraphProto) -> None:
    """Store large weights in half precision, with a cast to float32 in front of their use.

    Those that are no halves, such as products of two of them, stay as they are: nothing is rounded here.
    """
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST_HALVED:
            continue
        name, value = tensor.name, numpy_helper.to_array(tensor)
        half = value.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), value):
            continue
        tensor.CopyFrom(numpy_helper.from_array(half, name + HALF))
        casts.append(onnx.helper.make_node("Cast", [name + HALF], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    kept = [info for info in graph.value_info if info.name not in {c.output[0] for c in casts}]
    del graph.value_info[:]
    graph.value_info.extend(kept)
