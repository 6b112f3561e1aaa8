"""Reading an extractor's folder without torch, with errors that say which file is at fault and what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from cacre.baselines.extractors.settings import ExtractorSettings, parse
from cacre.baselines.extractors.tags import TagSet
from cacre.errors import ConfigError, ModelError, SchemaError
from cacre.preprocessing.tokenizer import load_tokenizer
from cacre.schema import Schema

FORMAT = 1
MODEL_TYPE = "cacre-extractor"
_AGAIN = "copy the folder again, or train it anew with  cacre train-extractor"


@dataclass(frozen=True)
class FolderParts:
    """What stands in an extractor's folder, besides weights and graphs.

    Args:
        name: Name of the system.
        config: `config.json` as it is.
        tokenizer: Turns texts into token ids.
        tags: The object tags, with their schema.
        settings: It was trained with.
        threshold: Least probability of every decision.
        max_length: Tokens of a window.
    """

    name: str
    config: dict[str, Any]
    tokenizer: Tokenizer
    tags: TagSet
    settings: ExtractorSettings
    threshold: float
    max_length: int


def read_parts(folder: Path) -> FolderParts:
    """Read and check the small files of a folder.

    Raises:
        ModelError: The folder is no extractor's, or a file is missing, malformed or of another version.
    """
    config = _read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind != MODEL_TYPE:
        hint = "; a verifier goes with --model" if kind == "cacre" else ""
        raise ModelError(f"{folder}/config.json: model_type is {kind!r:.80}, expected {MODEL_TYPE!r}{hint}")
    if config.get("format") != FORMAT:
        raise ModelError(
            f"{folder}/config.json: format is {config.get('format')!r:.80}, expected {FORMAT}: update cacre"
        )
    try:
        schema = Schema.from_json(_read_json(folder / "schema.json"))
        settings = parse(ExtractorSettings, config["settings"], str(folder / "config.json"))
        name, max_length = str(config["extractor"]), int(config["max_length"])
        threshold = float(_read_json(folder / "threshold.json")["threshold"])
    except (KeyError, TypeError, ValueError, ConfigError, SchemaError) as error:
        raise ModelError(f"{folder}: damaged ({error!r:.300}); {_AGAIN}") from error
    tags = TagSet(schema)
    if config.get("tags") != list(tags.names):
        raise ModelError(f"{folder}: config.json and schema.json name other relations; {_AGAIN}")
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    return FolderParts(name, config, tokenizer, tags, settings, threshold, max_length)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(f"{path}: missing; {_AGAIN}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable as JSON ({error}); {_AGAIN}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path}: expected a JSON object, got {type(values).__name__}; {_AGAIN}")
    return values
