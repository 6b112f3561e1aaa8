"""Saving and loading a model folder: `config.json`, `model.safetensors`, `tokenizer.json`, `schema.json`. Never a pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from cacre.config import Settings, parse_settings
from cacre.errors import ConfigError, ModelError
from cacre.files import atomic_writer
from cacre.modeling.model import Cacre
from cacre.modeling.pretrained import build_encoder_from_config, encoder_config
from cacre.preprocessing.evidence import MARKS, VALUES
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import load_tokenizer
from cacre.schema import Schema

FORMAT = 1


@dataclass(frozen=True)
class LoadedModel:
    """What a model folder holds, ready for torch.

    Args:
        model: The network, in evaluation mode.
        tokenizer: Its tokenizer.
        schema: The relation schema it was trained under.
        settings: The settings it was trained with.
    """

    model: Cacre
    tokenizer: Tokenizer
    schema: Schema
    settings: Settings

    @property
    def featurizer(self) -> Featurizer:
        """The featuriser that belongs to the model."""
        return Featurizer(self.tokenizer, self.schema, self.settings.model)


def save_model(folder: Path, loaded: LoadedModel) -> None:
    """Write a model folder; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in loaded.model.state_dict().items()}
    partial = folder / ".model.safetensors.part"
    save_file(_unshared(tensors), partial)
    partial.replace(folder / "model.safetensors")
    loaded.tokenizer.save(str(folder / "tokenizer.json"))
    loaded.schema.save(folder / "schema.json")
    config = {
        "format": FORMAT,
        "model_type": "cacre",
        "encoder": encoder_config(loaded.model.encoder),
        "marks": list(MARKS),
        "values": list(VALUES),
        "settings": loaded.settings.model_dump(),
    }
    with atomic_writer(folder / "config.json") as stream:
        json.dump(config, stream, ensure_ascii=False, indent=1)


def load_model(folder: Path) -> LoadedModel:
    """Read a model folder.

    Raises:
        ModelError: The folder is missing, truncated, of another version, or not a model.
    """
    config = read_config(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    schema = _read_schema(folder / "schema.json")
    try:
        settings = parse_settings(config["settings"], str(folder / "config.json"))
        encoder = build_encoder_from_config(config["encoder"])
        model = Cacre(encoder, settings.model, marks=len(config["marks"]), values=len(config["values"]))
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise ModelError(f"{folder}/config.json: does not describe a cacre model ({error})") from error
    if config["marks"] != list(MARKS) or config["values"] != list(VALUES):
        raise ModelError(f"{folder}: trained with other evidence features than this version computes; train it again")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError(f"{weights}: missing; this folder can serve (ONNX) but cannot be trained or exported from")
    try:
        model.load_state_dict(load_file(weights), strict=False if settings.model.share_attention else True)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ModelError(f"{weights}: does not fit config.json or is truncated ({str(error).splitlines()[0]})") from error
    return LoadedModel(model.eval(), tokenizer, schema, settings)


def read_config(folder: Path) -> dict[str, Any]:
    """Read and check `config.json`.

    Raises:
        ModelError: It is missing, not JSON, of another format version, or of another model type.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{folder}: no config.json there, so it is not a model folder (cacre train -o DIR makes one)")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: not readable JSON ({error}); the model folder may be truncated") from error
    if not isinstance(config, dict) or config.get("model_type") != "cacre":
        kind = config.get("model_type") if isinstance(config, dict) else type(config).__name__
        raise ModelError(f"{path}: model_type is {kind!r}, expected 'cacre'; this is some other model")
    if config.get("format") != FORMAT:
        raise ModelError(f"{path}: format {config.get('format')!r}, this version reads {FORMAT}; update cacre or train again")
    return config


def _read_schema(path: Path) -> Schema:
    try:
        return Schema.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: no readable schema.json ({error}); the model folder may be truncated") from error


def _unshared(tensors: dict[str, Any]) -> dict[str, Any]:
    """Safetensors refuses two names for one storage (share_attention): keep the first name."""
    seen: set[int] = set()
    kept = {}
    for name, tensor in tensors.items():
        if tensor.numel() and tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        kept[name] = tensor
    return kept
