"""A trained model folder to `encoder.onnx`, `pair.onnx`, `compare.onnx`."""

from __future__ import annotations

import copy
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from cacre.errors import ConfigError, ModelError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.export.graphs import GraphSpec, graph_specs
from cacre.export.halves import SMALLEST_HALVED, halve
from cacre.export.names import name_weights
from cacre.export.quantisation import labels_to_measure, quantise
from cacre.modeling.folder import LoadedModel, load_model, save_model

Precision = Literal["float32", "float16", "int8"]
PARITY = 1e-4
"""Largest difference allowed between torch and ONNX Runtime on any output."""


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Args:
        files: Size in bytes of each graph.
        parity: Largest absolute difference from torch over each graph's outputs, before the encoder becomes int8.
        auc_loss: With int8, by how much the AUC of the text score is lower for it.
    """

    files: dict[str, int]
    parity: dict[str, float]
    auc_loss: float | None = None


def export_onnx(
    folder: Path,
    output: Path | None = None,
    precision: Precision = "float32",
    labelled: Sequence[LabelledText] = (),
) -> ExportReport:
    """Export the three graphs of a model folder and compare each with torch.

    With `float16` the weights are rounded to half precision, in `model.safetensors` too, and stored so; arithmetic
    stays float32. With `int8` the encoder's matrix products are those of integers besides, with scales fixed here, so
    that a candidate's score stays independent of the batch it sits in; dynamic int8 takes its scale from the batch.

    Args:
        folder: A trained model folder.
        output: Where to write; the same folder when not given.
        precision: How weights are stored.
        labelled: For `int8`: the scales come from its texts, and what int8 costs is measured on it.

    Raises:
        ConfigError: `int8` without labelled candidates.
        DataError: They are not of two kinds.
        ModelError: The folder cannot be read, a graph differs from torch by more than 1e-4, or int8 costs more than
            .005 of AUC. What stands at `output` stays as it was.
    """
    if precision == "int8":
        if not labelled:
            raise ConfigError("int8 takes its scales from texts: give labelled rows (--data)")
        labels_to_measure(labelled)  # before the minutes that an export takes
    loaded = load_model(folder)
    output = output or folder
    apart = output.resolve() != folder.resolve()
    with _all_or_nothing(output) as made:
        if precision != "float32":
            round_weights(loaded.model)
        if apart or precision != "float32":
            save_model(made, loaded)
        # Without thresholds a new folder could not serve; those of the old one fit it within rounding.
        if apart and (folder / "thresholds.json").is_file():
            shutil.copyfile(folder / "thresholds.json", made / "thresholds.json")
        parity = _write_graphs(loaded, made, precision)
        loss = quantise(made, labelled) if precision == "int8" else None
    files = {f"{name}.onnx": (output / f"{name}.onnx").stat().st_size for name in parity}
    return ExportReport(files, parity, loss)


@contextmanager
def _all_or_nothing(output: Path) -> Iterator[Path]:
    """A folder whose files go to `output` when the block ends without an error; otherwise that stays as it was.

    It is made in `output`, so that files need only be renamed, whatever disk is mounted there.
    """
    new = [path for path in (output, *output.parents) if not path.exists()]
    output.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=output, prefix=".export.", suffix=".part") as name:
            yield Path(name)
            for path in sorted(Path(name).iterdir()):
                path.replace(output / path.name)
    except BaseException:
        with suppress(OSError):  # somebody else has put something there meanwhile
            for path in new:
                path.rmdir()
        raise


def _write_graphs(loaded: LoadedModel, folder: Path, precision: Precision) -> dict[str, float]:
    """Write the graphs and give the largest difference of each from torch. The model is changed for it.

    Raises:
        ModelError: One differs too much.
    """
    use_plain_attention(loaded)
    trained = {name: copy.deepcopy(spec.module) for name, spec in graph_specs(loaded).items()}
    if loaded.model.projection is not None:
        loaded.model.projection.fold()
    parity = {}
    for name, spec in graph_specs(loaded).items():
        # What is quantised must be constants, not casts of halves.
        whole = precision == "int8" and name == "encoder"
        export_graph(spec, folder / f"{name}.onnx", "float32" if whole else precision)
        parity[name] = compare(trained[name], spec, folder / f"{name}.onnx")
        if not parity[name] <= PARITY:
            raise ModelError(
                f"{name}.onnx: differs from torch by {parity[name]:.2e}, at most {PARITY:.0e} is allowed; nothing was "
                "exported"
            )
    return parity


def round_weights(module: nn.Module) -> None:
    """Round the large weights of a module to half precision, in place."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() >= SMALLEST_HALVED:
                parameter.copy_(parameter.half().float())


def use_plain_attention(loaded: LoadedModel) -> None:
    """Fused attention kernels have no ONNX counterpart that pads in the same way."""
    loaded.model.encoder.backbone.set_attn_implementation("eager")  # type: ignore[operator]


def export_graph(spec: GraphSpec, path: Path, precision: Precision) -> None:
    """Write one graph, without traces of this machine.

    Args:
        spec: Module and example inputs.
        path: The file.
        precision: But for `float32`, weights that are halves already are stored so.

    Raises:
        ModelError: The exporter fails.
    """
    batch = {
        name: torch.export.Dim(name, min=1, max=1 << 20) for axes in spec.dynamic.values() for name in axes.values()
    }
    shapes = {name: {axis: batch[label] for axis, label in axes.items()} for name, axes in spec.dynamic.items()}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        for talkative in ("torch.onnx", "onnx_ir"):
            logging.getLogger(talkative).setLevel(logging.ERROR)
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
    name_weights(proto.graph, spec.module)
    if precision != "float32":
        halve(proto.graph)
    onnx.save(proto, path)


def _strip_traces(graph: onnx.GraphProto) -> None:
    """Drop the exporter's stack traces: half of a small file, and paths of the machine that exported it."""
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.metadata_props[:]


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
