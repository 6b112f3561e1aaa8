"""Saving and loading a model folder: `config.json`, `model.safetensors`, `tokenizer.json`, `schema.json`; no pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_model as load_weights
from safetensors.torch import save_model as save_weights
from tokenizers import Tokenizer

from cacre.config import Settings, parse_settings
from cacre.errors import ConfigError, ModelError, SchemaError
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
    with atomic_writer(folder / "tokenizer.json") as stream:
        stream.write(loaded.tokenizer.to_str(pretty=True))
    loaded.schema.save(folder / "schema.json")
    partial = folder / ".model.safetensors.part"
    try:
        save_weights(loaded.model, str(partial))  # a weight with two names (share_attention) is written once
        partial.chmod(0o644)  # safetensors makes files that only their owner can read
        partial.replace(folder / "model.safetensors")
    finally:
        partial.unlink(missing_ok=True)
    config = {
        "format": FORMAT,
        "model_type": "cacre",
        "vocab_size": loaded.tokenizer.get_vocab_size(),
        "vocabulary": _fingerprint(loaded.tokenizer),
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
    loaded = load_untrained(folder)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError(f"{weights}: missing; this folder can serve (ONNX) but cannot be exported from")
    try:
        load_weights(loaded.model, str(weights))
    except (SafetensorError, RuntimeError, OSError) as error:
        first = str(error).strip().split("\n")[0]
        raise ModelError(f"{weights}: does not fit config.json or is truncated ({first})") from error
    return loaded


def load_untrained(folder: Path) -> LoadedModel:
    """Read a model folder but for its weights, which are random.

    Raises:
        ModelError: The folder is missing, truncated, of another version, or not a model.
    """
    config = read_config(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    if config.get("vocabulary", _fingerprint(tokenizer)) != _fingerprint(tokenizer):
        raise ModelError(
            f"{folder}/tokenizer.json: not the tokenizer the model was trained with; copy the folder again"
        )
    schema = _read_schema(folder / "schema.json")
    settings, model = _build(config, folder / "config.json")
    return LoadedModel(model.eval(), tokenizer, schema, settings)


def _build(config: dict[str, Any], path: Path) -> tuple[Settings, Cacre]:
    """The network that a `config.json` describes, its weights still random."""
    if config.get("marks") != list(MARKS) or config.get("values") != list(VALUES):
        raise ModelError(f"{path}: trained with other evidence features than this version computes; train it again")
    try:
        settings = parse_settings(config["settings"], str(path))
        encoder = build_encoder_from_config(config["encoder"])
        return settings, Cacre(encoder, settings.model, marks=len(MARKS), values=len(VALUES))
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise ModelError(f"{path}: does not describe a cacre model ({error!r:.200})") from error


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
        raise ModelError(
            f"{path}: format {config.get('format')!r}, this version reads {FORMAT}; update cacre or train again"
        )
    return config


def _read_schema(path: Path) -> Schema:
    try:
        return Schema.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, SchemaError) as error:
        raise ModelError(f"{path}: no readable schema.json ({error}); the model folder may be truncated") from error


def _fingerprint(tokenizer: Tokenizer) -> str:
    """Hash of tokens and ids, the same however the file is laid out: one wrong id would silently spoil all scores."""
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0]))
    return hashlib.sha256(json.dumps(vocabulary).encode()).hexdigest()
