"""The encoder E of section 2.2. The only file of the network that knows transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, BertConfig, BertModel

from cacre.config import EncoderSettings
from cacre.errors import HubError, ModelError
from cacre.preprocessing.tokenizer import load_tokenizer


class Encoder(nn.Module):
    """Token ids to states: `input_ids [B, L], attention_mask [B, L] -> [B, L, D]`.

    The states are those of the last layer (A15). Texts and triples share it.
    """

    def __init__(self, backbone: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.hidden_size = hidden_size

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode.

        Args:
            input_ids: `[B, L]`.
            attention_mask: `[B, L]`, 1 for tokens, 0 for padding.

        Returns:
            States `[B, L, D]`.
        """
        return self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # type: ignore[no-any-return]


def build_encoder(settings: EncoderSettings, vocab_size: int) -> Encoder:
    """Build an encoder with random weights from sizes alone."""
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_layers,
        num_attention_heads=settings.num_heads,
        intermediate_size=settings.intermediate_size,
        max_position_embeddings=settings.max_positions,
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
        type_vocab_size=1,
        pad_token_id=0,
    )
    return Encoder(BertModel(config, add_pooling_layer=False), settings.hidden_size)


def load_encoder(settings: EncoderSettings) -> Encoder:
    """Load the pretrained encoder that `settings.name_or_path` names, from a folder or a hub.

    Only safetensors weights are read, and no code from the folder is run.

    Raises:
        HubError: The name is no local folder and the hub cannot be reached.
        ModelError: The folder holds no usable encoder.
    """
    name = settings.name_or_path or ""
    config = _from_pretrained(AutoConfig, name)
    for key in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        if hasattr(config, key):
            setattr(config, key, settings.dropout)
    options: dict[str, Any] = {"config": config, "use_safetensors": True}
    if config.model_type in ("bert", "roberta", "electra"):
        options |= {"add_pooling_layer": False} if config.model_type != "electra" else {}
    return Encoder(_from_pretrained(AutoModel, name, **options), config.hidden_size)


def build_encoder_from_config(config: dict[str, Any]) -> Encoder:
    """Rebuild the architecture stored in a cacre model folder, with random weights to be overwritten."""
    values = dict(config)
    encoder_config = AutoConfig.for_model(values.pop("model_type"), **values)
    pooling = {"add_pooling_layer": False} if encoder_config.model_type in ("bert", "roberta") else {}
    return Encoder(AutoModel.from_config(encoder_config, **pooling), encoder_config.hidden_size)


def encoder_config(encoder: Encoder) -> dict[str, Any]:
    """The architecture of an encoder as JSON values, without the weights."""
    config: dict[str, Any] = encoder.backbone.config.to_diff_dict()  # type: ignore[union-attr,operator,assignment]
    dropped = {"transformers_version", "architectures", "_name_or_path", "dtype", "torch_dtype"}
    return {key: value for key, value in config.items() if key not in dropped}


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write an encoder as an ordinary transformers folder (`config.json`, `model.safetensors`)."""
    encoder.backbone.save_pretrained(folder)  # type: ignore[union-attr,operator]


def load_encoder_tokenizer(name: str) -> Any:  # noqa: ANN401  (tokenizers ships no types)
    """The fast tokenizer that belongs to a pretrained encoder, as a `tokenizers.Tokenizer`.

    Raises:
        HubError: The name is no local folder and the hub cannot be reached.
        ModelError: The folder holds no fast tokenizer.
    """
    if (Path(name) / "tokenizer.json").is_file():
        return load_tokenizer(Path(name) / "tokenizer.json")
    tokenizer = _from_pretrained(AutoTokenizer, name, use_fast=True).backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _from_pretrained(cls: Any, name: str, **options: Any) -> Any:  # noqa: ANN401  (any Auto class)
    local = Path(name).exists()
    try:
        return cls.from_pretrained(name, trust_remote_code=False, **options)
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if local:
            raise ModelError(f"{name}: not a usable encoder folder (config.json, model.safetensors): {first}") from error
        raise HubError(
            f"encoder {name!r} is no local folder and could not be had from the model hub ({first}). Download it where "
            f"there is a network (huggingface-cli download {name} --local-dir FOLDER), then set "
            f"encoder.name_or_path = 'FOLDER'; or leave it out to build a small encoder from the sizes in [encoder]"
        ) from error


def seeded(seed: int) -> None:
    """Seed torch, so that building with random weights is repeatable."""
    torch.manual_seed(seed)
