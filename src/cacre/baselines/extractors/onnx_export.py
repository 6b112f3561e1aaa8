"""The ELECTRA-based joint model to `encoder.onnx` and `heads.onnx`, each compared with torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from cacre.baselines.extractors.electra_joint import ElectraJoint
from cacre.baselines.extractors.folder import load_torch_extractor
from cacre.baselines.extractors.onnx_extractor import ENCODER, GRAPHS, HEADS
from cacre.errors import ConfigError, ModelError

PARITY = 1e-4
"""Largest difference allowed between torch and ONNX Runtime on any output."""


class _EncoderGraph(nn.Module):
    def __init__(self, network: ElectraJoint) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self.network.encoder(input_ids, attention_mask)
        return states, self.network.subjects(states)


class _HeadsGraph(nn.Module):
    def __init__(self, network: ElectraJoint) -> None:
        super().__init__()
        self.network = network

    def forward(self, states: Tensor, subject: Tensor) -> Tensor:
        return self.network.conditioned(states, subject)


def export_onnx(folder: Path) -> dict[str, float]:
    """Write the two graphs of a trained folder beside its weights.

    Returns:
        Largest absolute difference from torch over each graph's outputs.

    Raises:
        ConfigError: The folder's system cannot be exported.
        ModelError: The folder cannot be read, or a graph differs from torch by more than 1e-4.
    """
    extractor = load_torch_extractor(folder)
    network = extractor.network
    if not isinstance(network, ElectraJoint):
        raise ConfigError(f"{extractor.name} cannot be exported to ONNX, only {ElectraJoint.name}: leave out --onnx")
    # Fused attention kernels have no ONNX counterpart that pads in the same way.
    network.encoder.backbone.set_attn_implementation("eager")  # type: ignore[operator]
    width = network.encoder.hidden_size
    mask = torch.ones(3, 9, dtype=torch.int64)
    mask[0, 7:] = 0  # so that no exporter takes it for constant
    ids = torch.randint(5, extractor.tokenizer.get_vocab_size(), (3, 9))
    examples: tuple[Mapping[str, Tensor], ...] = (
        {"input_ids": ids, "attention_mask": mask},
        {"states": torch.randn(3, 9, width), "subject": torch.randn(3, 2 * width)},
    )
    modules = (_EncoderGraph(network), _HeadsGraph(network))
    parity = {}
    for name, module, example, (_, outputs) in zip(GRAPHS, modules, examples, (ENCODER, HEADS), strict=True):
        partial = folder / f".{name}.part"
        try:
            _export(module.eval(), example, outputs, partial)
            parity[name] = _difference(module, example, partial)
            if not parity[name] <= PARITY:
                raise ModelError(f"{folder / name}: differs from torch by {parity[name]:.2e}, allowed is {PARITY:.0e}")
            partial.replace(folder / name)
        finally:
            partial.unlink(missing_ok=True)
    return parity


def _export(module: nn.Module, example: Mapping[str, Tensor], outputs: tuple[str, ...], path: Path) -> None:
    rows, length = (torch.export.Dim(name, min=1, max=1 << 20) for name in ("rows", "length"))
    shapes = {name: {0: rows, 1: length} if name != "subject" else {0: rows} for name in example}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module,
            kwargs=dict(example),
            input_names=list(example),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError(f"{path.name}: the exporter gave no program")
    proto = program.model_proto
    for item in (*proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        del item.metadata_props[:]  # stack traces, with paths of the machine that exported it
        item.doc_string = ""
    onnx.save(proto, path)


def _difference(module: nn.Module, example: Mapping[str, Tensor], path: Path) -> float:
    """Largest difference on twice as many rows as the graph was traced with."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = {name: torch.cat([value, value]) for name, value in example.items()}
    with torch.no_grad():
        wanted = module(**inputs)
    wanted = (wanted,) if isinstance(wanted, Tensor) else wanted
    found = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return max(float(np.abs(a.numpy() - b).max()) for a, b in zip(wanted, found, strict=True))
