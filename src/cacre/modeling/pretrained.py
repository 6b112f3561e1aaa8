"""The encoder E of section 2.2. The only file of the network that knows transformers."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, BertConfig, BertModel, ModernBertConfig, ModernBertModel

from cacre.config import EncoderSettings
from cacre.errors import ConfigError, HubError, ModelError
from cacre.preprocessing.tokenizer import checked, load_tokenizer

_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "embedding_dropout",
    "attention_dropout",
    "mlp_dropout",
)
"""What BERT and ModernBERT call dropout."""


class Encoder(nn.Module):
    """Token ids to states: `input_ids [B, L], attention_mask [B, L] -> [B, L, D]`.

    The states are those of the last layer (A15). Texts and triples share it.
    """

    def __init__(self, backbone: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.hidden_size = hidden_size

    @property
    def token_vectors(self) -> Tensor:
        """What it begins with for each token id, `[V, D']`; D' is its width, or less where it factorises."""
        table = self.backbone.get_input_embeddings().weight  # type: ignore[operator]
        return table.detach()  # type: ignore[no-any-return]

    @property
    def vocabulary(self) -> int:
        """V, token ids there are."""
        return len(self.token_vectors)

    @property
    def longest_input(self) -> int | None:
        """Tokens that the table of absolute positions suffices for; None where positions are relative."""
        table = getattr(getattr(self.backbone, "embeddings", None), "position_embeddings", None)
        if table is None:
            return None
        # RoBERTa counts its positions from the one after padding.
        return int(table.num_embeddings) - (0 if table.padding_idx is None else int(table.padding_idx) + 1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode.

        Args:
            input_ids: `[B, L]`.
            attention_mask: `[B, L]`, 1 for tokens, 0 for padding.

        Returns:
            States `[B, L, D]`.
        """
        states: Tensor = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states


def build_encoder(settings: EncoderSettings, vocab_size: int) -> Encoder:
    """Build an encoder with random weights from sizes alone.

    Raises:
        ConfigError: The heads do not divide the width.
    """
    if settings.hidden_size % settings.num_heads:
        raise ConfigError(f"encoder.num_heads={settings.num_heads} must divide hidden_size={settings.hidden_size}")
    sizes: dict[str, Any] = {
        "vocab_size": vocab_size,
        "hidden_size": settings.hidden_size,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": settings.num_heads,
        "intermediate_size": settings.intermediate_size,
        "max_position_embeddings": settings.max_positions,
        "pad_token_id": 0,
    }
    if settings.architecture == "modernbert":
        drops = dict.fromkeys(("embedding_dropout", "attention_dropout", "mlp_dropout"), settings.dropout)
        # Every layer sees the whole text: it is shorter than the window of a local layer.
        tokens = dict.fromkeys(
            ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")
        )  # of another vocabulary
        config = ModernBertConfig(**sizes, **drops, **tokens, global_attn_every_n_layers=1)
        return Encoder(ModernBertModel(config), settings.hidden_size)
    drops = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), settings.dropout)
    # Two token types, as BERT has: cacre gives one, but a cross-encoder that starts from this folder gives both.
    return Encoder(BertModel(BertConfig(**sizes, **drops), add_pooling_layer=False), settings.hidden_size)


def load_encoder(settings: EncoderSettings) -> Encoder:
    """Load the pretrained encoder that `settings.name_or_path` names, from a folder or a hub.

    Only safetensors weights are read, and no code from the folder is run.

    Raises:
        HubError: The name is no local folder and the hub cannot be reached.
        ModelError: The folder holds no usable encoder, or lacks some of its weights.
        ConfigError: No name is given.
    """
    name = settings.name_or_path
    if not name:
        raise ConfigError(f"encoder.name_or_path is {name!r}: name a folder or a hub model, or build one from sizes")
    config = _from_pretrained(AutoConfig, name)
    if not hasattr(config, "hidden_size") or config.is_encoder_decoder:
        raise ModelError(f"{name}: model_type {config.model_type!r} is no BERT-type encoder; bert or roberta would do")
    for key in _DROPOUTS:
        if hasattr(config, key):
            setattr(config, key, settings.dropout)
    options = {"config": config, "use_safetensors": True, "output_loading_info": True, **_without_pooler(config)}
    backbone, report = _from_pretrained(AutoModel, name, **options)
    absent = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if absent:  # transformers only warns, and goes on with random weights
        raise ModelError(f"{name}: model.safetensors lacks {len(absent)} weights of the encoder, such as {absent[0]}")
    return Encoder(backbone.float(), config.hidden_size)


def build_encoder_from_config(config: dict[str, Any]) -> Encoder:
    """Rebuild the architecture stored in a cacre model folder, with random weights to be overwritten."""
    values = dict(config)
    for name, value in config.items():
        if name.endswith("_token_id") and value is not None and value >= config["vocab_size"]:
            values[name] = None  # of another vocabulary, as older folders have it: transformers would warn of it
    encoder_config = AutoConfig.for_model(values.pop("model_type"), **values)
    backbone = AutoModel.from_config(encoder_config, **_without_pooler(encoder_config))
    return Encoder(backbone, encoder_config.hidden_size)


def _without_pooler(config: Any) -> dict[str, Any]:  # noqa: ANN401  (any transformers configuration)
    return {"add_pooling_layer": False} if config.model_type in ("bert", "roberta") else {}


def encoder_config(encoder: Encoder) -> dict[str, Any]:
    """The architecture of an encoder as JSON values, without the weights."""
    config: dict[str, Any] = encoder.backbone.config.to_diff_dict()  # type: ignore[union-attr,operator]
    dropped = {"transformers_version", "architectures", "_name_or_path", "dtype", "torch_dtype"}
    return {key: value for key, value in config.items() if key not in dropped}


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write an encoder as an ordinary transformers folder (`config.json`, `model.safetensors`)."""
    encoder.backbone.save_pretrained(folder)  # type: ignore[operator]


def load_encoder_tokenizer(name: str) -> Any:  # noqa: ANN401  (tokenizers ships no types)
    """The fast tokenizer that belongs to a pretrained encoder, as a `tokenizers.Tokenizer`.

    Raises:
        HubError: The name is no local folder and the hub cannot be reached.
        ModelError: The folder holds no fast tokenizer.
    """
    if (Path(name) / "tokenizer.json").is_file():
        return load_tokenizer(Path(name) / "tokenizer.json")
    loaded = _from_pretrained(AutoTokenizer, name, use_fast=True)
    tokenizer = getattr(loaded, "backend_tokenizer", None)
    # Where there is no vocabulary, transformers makes up a tokenizer that knows its special tokens and nothing else.
    if tokenizer is None or tokenizer.get_vocab_size() <= len(loaded.all_special_tokens):
        raise ModelError(f"{name}: has no fast tokenizer; save its tokenizer.json or vocab.txt beside the weights")
    return checked(tokenizer, name)


def _from_pretrained(cls: Any, name: str, **options: Any) -> Any:  # noqa: ANN401  (any Auto class)
    local = Path(name).exists()
    try:
        return cls.from_pretrained(
            name, trust_remote_code=False, local_files_only=local or not _hub_answers(), **options
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if local:
            raise ModelError(
                f"{name}: not a usable encoder folder (config.json, model.safetensors): {first}"
            ) from error
        raise HubError(
            f"encoder {name!r} is no local folder and could not be had from the model hub ({first}). Download it where "
            f"there is a network (hf download {name} --local-dir FOLDER), then set "
            f"encoder.name_or_path = 'FOLDER'; or leave it out to build a small encoder from the sizes in [encoder]"
        ) from error


def _hub_answers() -> bool:
    """Whether the model hub can be reached; asked first because its client retries for a minute before it gives up."""
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        with urllib.request.urlopen(constants.ENDPOINT, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError) as error:
        # The client may know certificates that Python does not: only a connection that fails is an answer.
        return isinstance(getattr(error, "reason", None), ssl.SSLError)


def seeded(seed: int) -> None:
    """Seed torch, so that building with random weights is repeatable."""
    torch.manual_seed(seed)
