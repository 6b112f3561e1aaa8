"""A folder that only serves, back to a network that can be trained."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from cacre.errors import ModelError
from cacre.export.graphs import graph_specs
from cacre.export.names import weights_by_name
from cacre.export.onnx import PARITY, compare, use_plain_attention
from cacre.modeling.folder import LoadedModel, load_model, load_untrained
from cacre.modeling.model import Cacre

_GRAPHS = ("encoder", "pair", "compare")


def load_trainable(folder: Path) -> LoadedModel:
    """Read a model folder for training: from `model.safetensors` or, where a folder has only its graphs, from them.

    Raises:
        ModelError: A file is missing or damaged; the graphs do not hold all weights under their names (int8, or
            exported by an earlier version), or do not compute what the network made of them does.
    """
    return load_model(folder) if (folder / "model.safetensors").is_file() else restore_model(folder)


def restore_model(folder: Path) -> LoadedModel:
    """Make a network of the weights in the graphs of a folder, and check that it computes what they do.

    The folded layers of the projection come back as a convolution and affine layers that change nothing.

    Raises:
        ModelError: As for `load_trainable`.
    """
    loaded = load_untrained(folder)
    weights: dict[str, NDArray[np.float32]] = {}
    for name in _GRAPHS:
        path = folder / f"{name}.onnx"
        try:
            weights |= weights_by_name(onnx.load(path).graph)
        except (OSError, ValueError, DecodeError) as error:
            raise ModelError(f"{path}: not a readable graph ({error!r:.120}); copy the folder again") from error
    _fill(loaded.model, weights, folder)
    _check_parity(loaded, folder)
    return loaded


def _fill(model: Cacre, weights: dict[str, NDArray[np.float32]], folder: Path) -> None:
    kernel, bias = (weights.pop(f"projection.convolution.{name}", None) for name in ("weight", "bias"))
    if model.projection is not None and kernel is not None and bias is not None:
        try:
            model.projection.unfold(torch.from_numpy(kernel), torch.from_numpy(bias))
        except ValueError as error:
            raise ModelError(f"{folder}: cannot be trained from its graphs: {error}") from error
    own = (
        model.state_dict()
    )  # what a graph does not hold is what it does not need; the check is whether it computes the same
    for name in weights.keys() & own.keys():
        if own[name].shape != weights[name].shape:
            raise ModelError(f"{folder}: the shape of {name} in its graphs is not that of config.json")
    model.load_state_dict({name: torch.from_numpy(weights[name].copy()) for name in weights.keys() & own.keys()}, False)


def _check_parity(loaded: LoadedModel, folder: Path) -> None:
    plain = copy.deepcopy(loaded)
    use_plain_attention(plain)
    for name, spec in graph_specs(plain).items():
        difference = compare(spec.module, spec, folder / f"{name}.onnx")
        if not difference <= PARITY:
            raise ModelError(
                f"{folder}: cannot be trained from its graphs, a network of the weights named in {name}.onnx computes "
                "something else (int8, or exported by an earlier version); take a folder with model.safetensors"
            )
