"""An extractor's folder: `config.json`, `model.safetensors`, `tokenizer.json`, `schema.json`, `threshold.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from tokenizers import Tokenizer

from cacre.baselines.extractors.batches import make_batch
from cacre.baselines.extractors.network import ExtractorNetwork
from cacre.baselines.extractors.prediction import predict
from cacre.baselines.extractors.reading import FORMAT, MODEL_TYPE, FolderParts, read_parts
from cacre.baselines.extractors.registry import network_class
from cacre.baselines.extractors.settings import ExtractorSettings, parse
from cacre.baselines.extractors.tags import TagSet
from cacre.baselines.extractors.windows import WindowMaker
from cacre.errors import ModelError
from cacre.files import atomic_writer
from cacre.modeling.pretrained import Encoder, build_encoder_from_config, encoder_config
from cacre.schema import Schema
from cacre.types import Candidate

DEFAULT_THRESHOLD = 0.5


@dataclass
class TorchExtractor:
    """A trained network with all that it needs to be asked.

    Args:
        network: Of any system.
        tokenizer: Its tokenizer.
        schema: The relations it finds.
        settings: It was trained with.
        threshold: Least probability of every decision.
    """

    network: ExtractorNetwork
    tokenizer: Tokenizer
    schema: Schema
    settings: ExtractorSettings
    threshold: float = DEFAULT_THRESHOLD

    def __post_init__(self) -> None:
        self.name = self.network.name
        self.tags = TagSet(self.schema)
        longest = self.network.encoder.longest_input or self.settings.data.max_length
        self.maker = WindowMaker(
            self.tokenizer, min(longest, self.settings.data.max_length), self.settings.data.overlap
        )

    def extract(self, texts: Sequence[str]) -> list[list[Candidate]]:
        """Extract the candidates of each text, at the threshold."""
        return self.extract_at(texts, self.threshold)

    def extract_at(self, texts: Sequence[str], threshold: float) -> list[list[Candidate]]:
        """The same at another threshold in (0, 1)."""
        device, was_training = next(self.network.parameters()).device, self.network.training
        self.network.eval()
        with torch.no_grad():
            found = predict(
                lambda windows, length: self.network.decode(make_batch(windows, length=length).to(device), threshold),
                self.maker,
                self.tags,
                texts,
            )
        self.network.train(was_training)
        return found


def make_network(name: str, encoder: Encoder, schema: Schema, settings: ExtractorSettings) -> ExtractorNetwork:
    """A system's network with new heads.

    Raises:
        ConfigError: There is no such system, or it has no such option.
    """
    kind = network_class(name)
    return kind(encoder, len(TagSet(schema)), parse(kind.options_type, settings.system, "system"))


def save_extractor(folder: Path, extractor: TorchExtractor, fitted_on: dict[str, Any]) -> None:
    """Write the folder; each file appears whole or not at all.

    Args:
        folder: Where to.
        extractor: What to write.
        fitted_on: How the threshold was found, for `threshold.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_writer(folder / "tokenizer.json") as stream:
        stream.write(extractor.tokenizer.to_str(pretty=True))
    extractor.schema.save(folder / "schema.json")
    partial = folder / ".model.safetensors.part"
    try:
        save_model(extractor.network, str(partial))
        partial.chmod(0o644)  # safetensors makes files that only their owner can read
        partial.replace(folder / "model.safetensors")
    finally:
        partial.unlink(missing_ok=True)
    threshold = {"format": FORMAT, "threshold": extractor.threshold, "fitted_on": fitted_on}
    config = {
        "format": FORMAT,
        "model_type": MODEL_TYPE,
        "extractor": extractor.name,
        "max_length": extractor.maker.max_length,
        "tags": list(extractor.tags.names),
        "encoder": encoder_config(extractor.network.encoder),
        "settings": extractor.settings.model_dump(mode="json"),
    }
    for name, values in (("threshold", threshold), ("config", config)):
        with atomic_writer(folder / f"{name}.json") as stream:
            json.dump(values, stream, ensure_ascii=False, indent=1)


def load_torch_extractor(folder: Path) -> TorchExtractor:
    """Read a folder with torch; weights from safetensors only.

    Raises:
        ModelError: A file is missing, malformed or of another version, or the weights do not fit.
    """
    parts = read_parts(folder)
    network = _build(parts, folder)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelError(f"{weights}: missing; copy the folder again, or train it anew with  cacre train-extractor")
    try:
        load_model(network, str(weights))
    except (SafetensorError, RuntimeError, OSError) as error:
        first = str(error).strip().split("\n")[0]
        raise ModelError(f"{weights}: does not fit config.json or is truncated ({first})") from error
    return TorchExtractor(network.eval(), parts.tokenizer, parts.tags.schema, parts.settings, parts.threshold)


def _build(parts: FolderParts, folder: Path) -> ExtractorNetwork:
    try:
        encoder = build_encoder_from_config(parts.config["encoder"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder}/config.json: does not describe an encoder ({error!r:.200})") from error
    return make_network(parts.name, encoder, parts.tags.schema, parts.settings)
