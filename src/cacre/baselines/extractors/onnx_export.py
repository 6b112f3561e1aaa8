"""The ELECTRA-based joint model to `encoder.onnx` and `heads.onnx`, each compared with torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from cacre.baselines.extractors.electra_joint import ElectraJoint
from cacre.baselines.extractors.folder import TorchExtractor, load_torch_extractor
from cacre.baselines.extractors.onnx_extractor import ENCODER, GRAPHS, HEADS
from cacre.errors import ConfigError, ModelError
from cacre.export.graphs import GraphSpec
from cacre.export.onnx import PARITY, Precision, compare, export_graph, round_weights


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


def export_onnx(folder: Path, precision: Precision = "float32") -> dict[str, float]:
    """Write the two graphs of a trained folder beside its weights.

    Args:
        folder: Of a trained extractor.
        precision: How weights are stored; `float16` rounds them, in the graphs only.

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
    if precision == "float16":
        round_weights(network)
    # Fused attention kernels have no ONNX counterpart that pads in the same way.
    network.encoder.backbone.set_attn_implementation("eager")  # type: ignore[operator]
    parity = {}
    for name, spec in _specs(extractor, network).items():
        partial = folder / f".{name}.part"
        try:
            export_graph(spec, partial, precision)
            parity[name] = compare(spec.module, spec, partial)
            if not parity[name] <= PARITY:
                raise ModelError(f"{folder / name}: differs from torch by {parity[name]:.2e}, allowed is {PARITY:.0e}")
            partial.replace(folder / name)
        finally:
            partial.unlink(missing_ok=True)
    return parity


def _specs(extractor: TorchExtractor, network: ElectraJoint) -> dict[str, GraphSpec]:
    mask = torch.ones(3, 9, dtype=torch.int64)
    mask[0, 7:] = 0  # so that no exporter takes it for constant
    ids = torch.randint(5, extractor.tokenizer.get_vocab_size(), (3, 9))
    width = network.encoder.hidden_size
    sequence, row = {0: "rows", 1: "length"}, {0: "rows"}
    encoder, heads = GRAPHS
    return {
        encoder: GraphSpec(
            _EncoderGraph(network),
            {"input_ids": ids, "attention_mask": mask},
            ENCODER[1],
            {"input_ids": sequence, "attention_mask": sequence},
        ),
        heads: GraphSpec(
            _HeadsGraph(network),
            {"states": torch.randn(3, 9, width), "subject": torch.randn(3, 2 * width)},
            HEADS[1],
            {"states": sequence, "subject": row},
        ),
    }
