"""A trained model folder to `encoder.onnx`, `pair.onnx`, `compare.onnx`."""

from __future__ import annotations

import copy
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from cacre.errors import ModelError
from cacre.export.graphs import GraphSpec, graph_specs
from cacre.files import atomic_writer
from cacre.modeling.folder import LoadedModel, load_model, save_model

Precision = Literal["float32", "float16"]
PARITY = 1e-4
"""Largest difference allowed between torch and ONNX Runtime on any output."""
_SMALLEST_HALVED = 1024


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Args:
        files: Size in bytes of each graph.
        parity: Largest absolute difference from torch over each graph's outputs.
    """

    files: dict[str, int]
    parity: dict[str, float]


def export_onnx(folder: Path, output: Path | None = None, precision: Precision = "float32") -> ExportReport:
    """Export the three graphs of a model folder and compare each with torch.

    With `float16` the weights are rounded to half precision, in `model.safetensors` too, and stored so; arithmetic
    stays float32. Unlike dynamic int8, whose scale is taken over the whole batch, this keeps a candidate's score
    independent of the batch it sits in.

    Args:
        folder: A trained model folder.
        output: Where to write; the same folder when not given.
        precision: How weights are stored.

    Raises:
        ModelError: The folder cannot be read, or a graph differs from torch by more than 1e-4.
    """
    output = output or folder
    output.mkdir(parents=True, exist_ok=True)
    loaded = load_model(folder)
    if precision == "float16":
        round_weights(loaded.model)
        save_model(output, loaded)
    elif output != folder:
        save_model(output, loaded)
    _copy_thresholds(folder, output)
    _use_plain_attention(loaded)
    trained = {name: copy.deepcopy(spec.module) for name, spec in graph_specs(loaded).items()}
    if loaded.model.projection is not None:
        loaded.model.projection.fold()
    files, parity = {}, {}
    for name, spec in graph_specs(loaded).items():
        path = output / f"{name}.onnx"
        partial = output / f".{name}.onnx.part"
        export_graph(spec, partial, precision)
        parity[name] = compare(trained[name], spec, partial)
        if not parity[name] <= PARITY:
            partial.unlink()
            raise ModelError(f"{path}: differs from torch by {parity[name]:.2e}, at most {PARITY:.0e} is allowed")
        partial.replace(path)
        files[path.name] = path.stat().st_size
    return ExportReport(files, parity)


def _copy_thresholds(folder: Path, output: Path) -> None:
    """Without `thresholds.json` the new folder could not serve; those of the old one fit it within rounding."""
    source = folder / "thresholds.json"
    if source.is_file() and output.resolve() != folder.resolve():
        with atomic_writer(output / "thresholds.json") as stream:
            stream.write(source.read_text(encoding="utf-8"))


def round_weights(module: nn.Module) -> None:
    """Round the large weights of a module to half precision, in place."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() >= _SMALLEST_HALVED:
                parameter.copy_(parameter.half().float())


def _use_plain_attention(loaded: LoadedModel) -> None:
    """Fused attention kernels have no ONNX counterpart that pads in the same way."""
    loaded.model.encoder.backbone.set_attn_implementation("eager")  # type: ignore[operator]


def export_graph(spec: GraphSpec, path: Path, precision: Precision) -> None:
    """Write one graph, without traces of this machine.

    Args:
        spec: Module and example inputs.
        path: The file.
        precision: With `float16`, weights that are halves already are stored so.

    Raises:
        ModelError: The exporter fails.
    """
    batch = {
        name: torch.export.Dim(name, min=1, max=1 << 20) for axes in spec.dynamic.values() for name in axes.values()
    }
    shapes = {name: {axis: batch[label] for axis, label in axes.items()} for name, axes in spec.dynamic.items()}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            spec.module.eval(),
            kwargs=dict(spec.inputs),
            input_names=list(spec.inputs),
            output_names=list(spec.outputs),
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError(f"{path.name}: the exporter gave no program")
    proto = program.model_proto
    _strip_traces(proto.graph)
    if precision == "float16":
        _halve(proto.graph)
    onnx.save(proto, path)


def _strip_traces(graph: onnx.GraphProto) -> None:
    """Drop the exporter's stack traces: half of a small file, and paths of the machine that exported it."""
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.metadata_props[:]


def _halve(graph: onnx.GraphProto) -> None:
    """Store large weights in half precision, with a cast to float32 in front of their use.

    Those that are no halves, such as products of two of them, stay as they are: nothing is rounded here.
    """
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < _SMALLEST_HALVED:
            continue
        name, value = tensor.name, numpy_helper.to_array(tensor)
        half = value.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), value):
            continue
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.float16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.float16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    kept = [info for info in graph.value_info if info.name not in {c.output[0] for c in casts}]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def compare(module: nn.Module, spec: GraphSpec, path: Path) -> float:
    """Largest difference from what was trained, on inputs of another size than those the graph was traced with."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for repeat in (1, 2):
        inputs = {name: _resized(value, spec.dynamic[name], repeat) for name, value in spec.inputs.items()}
        with torch.no_grad():
            expected = module.eval()(**inputs)
        expected = (expected,) if isinstance(expected, Tensor) else expected
        wanted = {node.name for node in session.get_inputs()}
        found = session.run(list(spec.outputs), {n: v.numpy() for n, v in inputs.items() if n in wanted})
        worst = max([worst, *(float(np.abs(e.numpy() - f).max()) for e, f in zip(expected, found, strict=True))])
    return worst


def _resized(value: Tensor, axes: dict[int, str], repeat: int) -> Tensor:
    for axis in axes:
        value = torch.cat([value] * repeat, dim=axis)
    return value
