"""Local transformers folders: what may be loaded, and with which tokenizer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cacre.errors import MissingExtraError, ModelError

_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")
_Loaded = TypeVar("_Loaded")


def check_folder(folder: str | Path) -> Path:
    """A folder with `config.json` and safetensors weights.

    Raises:
        ModelError: It is none: nothing is downloaded, and no pickled weights are read.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ModelError(f"{path}: no such folder; give a local transformers folder, nothing is downloaded here")
    if not any(path.glob("*.safetensors")) or not (path / "config.json").is_file():
        raise ModelError(
            f"{path}: not an encoder folder: config.json and model.safetensors are needed (pickled weights are not "
            "read); save it with save_pretrained"
        )
    return path


def tokenizer_options(path: Path) -> dict[str, Any]:
    """Options for loading the folder's tokenizer; a bare `tokenizer.json` does not say which its special tokens are."""
    return {} if any((path / name).is_file() for name in _TOKENIZER_FILES) else dict(_SPECIAL)


def loaded(path: Path, load: Callable[[], _Loaded]) -> _Loaded:
    """The result of `load`.

    Raises:
        MissingExtraError: A library is not installed.
        ModelError: The folder cannot be loaded.
    """
    try:
        return load()
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "sentence_transformers", "baselines") from error
    except Exception as error:  # transformers, safetensors and tokenizers raise what they like
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path}: cannot be loaded as an encoder ({first})") from error


def check_classifier(folder: str | Path) -> Path:
    """As `check_folder`, for a folder whose classification head is trained, too.

    Raises:
        ModelError: It is none; transformers would make up a random head.
    """
    path = check_folder(folder)
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}/config.json: not readable as JSON ({error})") from error
    names = (config.get("architectures") if isinstance(config, dict) else None) or ["none"]
    if not str(names[0]).endswith("ForSequenceClassification"):
        raise ModelError(
            f"{path}: architecture is {names[0]!r}, but one that ends in ForSequenceClassification is needed: a plain "
            "encoder has no trained classification head"
        )
    return path
