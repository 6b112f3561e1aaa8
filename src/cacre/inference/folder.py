"""Finding and reading a model folder, with errors that say which file is at fault and what to do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from cacre.config import ModelSettings, parse_settings
from cacre.errors import ConfigError, ModelError, SchemaError
from cacre.inference.thresholds import Thresholds
from cacre.preprocessing.tokenizer import load_tokenizer
from cacre.schema import Schema

FORMAT = 1
"""Version of `config.json` that this code reads."""
GRAPHS = ("encoder.onnx", "pair.onnx", "compare.onnx")
DEFAULT_MODEL = "mini-zh"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What stands in a model folder, besides the graphs.

    Args:
        path: The folder.
        config: `config.json` as it is.
        settings: The model's settings.
        tokenizer: Turns strings into token ids.
        schema: The relation schema it was trained under.
        thresholds: Fitted thresholds and calibration.
    """

    path: Path
    config: dict[str, Any]
    settings: ModelSettings
    tokenizer: Tokenizer
    schema: Schema
    thresholds: Thresholds


def bundled_models() -> dict[str, Path]:
    """The models that ship with the package, by name."""
    root = Path(str(resources.files("cacre.resources"))) / "models"
    if not root.is_dir():
        return {}
    return {path.name: path for path in sorted(root.iterdir()) if (path / "config.json").is_file()}


def find_folder(name_or_path: str | Path) -> Path:
    """Turn the name of a bundled model, or a path, into a folder that exists.

    A bundled name goes before a folder of that name; write `./NAME` for the folder.

    Raises:
        ModelError: It is neither; the message lists the bundled names.
    """
    bundled = bundled_models()
    if isinstance(name_or_path, str) and name_or_path in bundled:
        return bundled[name_or_path]
    path = Path(name_or_path)
    if not path.is_dir():
        names = ", ".join(bundled) or "none in this installation"
        what = "is a file, not a folder" if path.exists() else "no such folder"
        raise ModelError(f"{name_or_path}: {what}, and not a bundled model (bundled: {names}): give a model folder")
    return path


def read_folder(path: Path) -> ModelFolder:
    """Read everything but the graphs, whose presence is checked.

    Raises:
        ModelError: A file is missing, malformed or of another version.
    """
    config = _read_config(path)
    _check_graphs(path)
    try:
        settings = parse_settings(config.get("settings", {}), str(path / "config.json"))
        schema = Schema.from_json(_read_json(path / "schema.json"))
    except (ConfigError, SchemaError) as error:
        raise ModelError(f"{path}: {error}; the model folder is damaged or of another version") from error
    return ModelFolder(
        path=path,
        config=config,
        settings=settings.model,
        tokenizer=load_tokenizer(path / "tokenizer.json"),
        schema=schema,
        thresholds=Thresholds.from_dict(_read_json(path / "thresholds.json"), str(path / "thresholds.json")),
    )


def folder_digest(path: Path) -> str:
    """SHA-256 over all that verdicts depend on: graphs, tokenizer, schema, settings and thresholds."""
    names = sorted((*GRAPHS, "config.json", "schema.json", "thresholds.json", "tokenizer.json"))
    whole = hashlib.sha256()
    for name in names:
        with (path / name).open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _read_config(path: Path) -> dict[str, Any]:
    # Checked first, because the usual checkpoint with pickled weights has a config.json of its own.
    pickles = sorted(found.name for pattern in _PICKLES for found in path.glob(pattern))
    if pickles and not any((path / name).exists() for name in GRAPHS):
        raise ModelError(
            f"{path}: holds {pickles[0]}, a pickle, which can run code and is never loaded, and no *.onnx: "
            "train or convert to model.safetensors and export it with  cacre export-model"
        )
    config = _read_json(path / "config.json")
    if config.get("model_type") != "cacre":
        raise ModelError(f"{path / 'config.json'}: model_type is {config.get('model_type')!r:.80}, expected 'cacre'")
    if config.get("format") != FORMAT or isinstance(config["format"], bool):
        raise ModelError(
            f"{path / 'config.json'}: format is {config.get('format')!r:.80}, this version of cacre reads {FORMAT}: "
            "update cacre, or export the model anew with  cacre export-model"
        )
    return config


def _check_graphs(path: Path) -> None:
    missing = [name for name in GRAPHS if not (path / name).is_file()]
    if len(missing) == len(GRAPHS) and (path / "model.safetensors").is_file():
        raise ModelError(f"{path}: trained but not exported (no *.onnx): run  cacre export-model {path}")
    if missing:
        raise ModelError(f"{path}: {', '.join(missing)} missing: the folder looks truncated, copy or export it again")


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(f"{path}: missing; {path.parent} is not a complete model folder: copy or export it again")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable as JSON ({error}); the model folder looks truncated") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path}: expected a JSON object, got {type(values).__name__}")
    return values
