"""The settings of cacre: frozen, typed, read from TOML, an unknown key is an error.

Each place where the paper leaves the computation open is one named setting here (Annn are the numbers of the list in
docs/paper.md). Three presets ship with the package: `paper` is literal; `similarity` is the paper's way with string
evidence, made for two CPU cores and no pretrained weights; `default` has a reader in place of the similarity, as the
bundled model has. The values in this file are those of `similarity`: the other two name where they differ.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cacre.errors import ConfigError
from cacre.types import NegativeKind

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
PRESETS = ("default", "similarity", "paper")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSettings(_Settings):
    """The BERT-type encoder E of section 2.2 (A13, A15: last hidden state, one encoder for texts and triples)."""

    name_or_path: str | None = None
    """Hub name or local folder of a pretrained encoder; None builds one from the sizes below."""
    architecture: Literal["bert", "modernbert"] = "modernbert"
    """What is built from sizes: rotary positions and pre-normalisation reached a lower loss on little text."""
    hidden_size: Count = 192
    num_layers: Count = 3
    num_heads: Count = 6
    intermediate_size: Count = 384
    max_positions: Count = 512
    dropout: Fraction = 0.1
    frozen: bool = False
    """Do not train the encoder; its states are computed once and cached (A16 b)."""


class ModelSettings(_Settings):
    """Cross-attention, projection and similarity: equations (2)-(17)."""

    attention: Literal["cross", "none"] = "cross"
    """`none` is the ablation CACRE-att: E_T and E_R go straight into the projection (A42)."""
    pair_width: Annotated[int, Field(ge=0)] = 128
    """Reduce the encoder's states to this width, once per text, before they are paired; 0 pairs them as they are, as
    the paper does. What runs once per candidate is quadratic in this width."""
    attention_heads: Count = 4
    """h of equation (3) (A7)."""
    share_attention: bool = False
    """One set of attention weights for both directions (A7)."""
    attention_residual: bool = True
    """Add the queries back and normalise, so that each side keeps its own content (A6); the paper has none."""
    second_hop: Literal["same_side", "crosswise", "none"] = "crosswise"
    """Equation (4): `same_side` is literal and needs equal lengths; `crosswise` takes the other side's V (A1)."""
    pad_to_max: bool = False
    """Pad texts and triples to `max_text_length`, as the paper does (A2)."""
    max_text_length: Count = 256
    max_triple_length: Count = 64
    mask_padding: bool = True
    """Leave padding out of attention, convolution and means (A3)."""
    local_similarity: Literal["position", "soft_alignment", "max_sim"] = "soft_alignment"
    """How text and triple are compared locally (A4): position j with j, through W_R, or by the best match."""
    pair_similarity: Literal["position", "max_sim"] = "max_sim"
    """How two triples are compared locally (A44)."""
    projection: Literal["conv", "none"] = "conv"
    """`none` is the ablation CACRE-pro: similarities are taken on V~ (A42)."""
    projection_size: Count = 128
    """P of equation (5)."""
    conv_kernel: Count = 3
    """Odd; stride 1, same padding (A8)."""
    affine_layers: Literal[2, 3] = 2
    """Equation (6): W_p and W_y (2), or a Linear between them (3) (A9)."""
    residual_init: float = 1.0
    """Start of the learnable lambda of equation (7) (A11)."""
    leaky_slope: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.01
    dropout: Fraction = 0.1
    """On attention weights and after the LeakyReLU (A18)."""
    triple_format: Literal["separators", "commas", "sentence"] = "separators"
    """`e1[SEP]r[SEP]e2`, `e1，r，e2`, or `e1的r是e2` (A14)."""
    triple_encoding: Literal["whole", "parts"] = "whole"
    """Encode a triple as one sequence, or its parts each by itself: what many triples share is encoded once, and a
    paraphrase costs nothing."""
    triple_gradient: bool = True
    """Whether triples train the encoder too. Without, they are encoded as at inference and only texts train it: triples
    are most of what a batch encodes, and a reader asks little of them."""
    role_embedding: bool = True
    """Add a learned mark of subject, predicate or object to each triple token."""
    evidence: bool = True
    """Feed string evidence (mentions, borders, cue words, negation) to the pair; `paper` stays pure."""
    evidence_layers: Annotated[int, Field(ge=0)] = 1
    """Transformer layers over the marked text, per candidate; 0 adds the marks and nothing else."""
    reader_layers: Annotated[int, Field(ge=0)] = 0
    """Decoder layers of the reader, which gives text_score in place of the similarity of X_T and X_R; 0 is none."""
    evidence_head: Annotated[float, Field(ge=0.0)] = 0.0
    """Weight of a second logit, from string evidence and predicate alone; 0 is none. Fitted last, in a minute."""
    pattern_head: Annotated[float, Field(ge=0.0)] = 0.0
    """Weight of a third logit, from the text without the names of subject and object; 0 is none. Fitted last too."""
    local_weight: Fraction = 0.7
    """w of equations (16)-(17), also at inference (A27, A31)."""

    @model_validator(mode="after")
    def _consistent(self) -> ModelSettings:
        if self.second_hop == "same_side" and not self.pad_to_max:
            raise ValueError("second_hop='same_side' multiplies [L_T, L_R] by [L_T, D]: set pad_to_max=true (A1)")
        if not self.mask_padding and not self.pad_to_max:
            raise ValueError("mask_padding=false lets padding count, so lengths must be fixed: set pad_to_max=true")
        if self.reader_layers and not (self.evidence and self.attention == "cross" and self.mask_padding):
            raise ValueError("reader_layers needs evidence, attention='cross' and mask_padding")
        for name in ("evidence_head", "pattern_head"):
            if getattr(self, name) and not (self.reader_layers and self.triple_encoding == "parts"):
                raise ValueError(f"{name} adds to a reader's logit: set reader_layers and triple_encoding='parts'")
        if self.reader_layers and (self.second_hop != "none" or self.evidence_layers):
            raise ValueError("reader_layers leaves X_T out: set second_hop='none' and evidence_layers=0")
        if self.triple_encoding == "parts" and self.triple_format != "separators":
            raise ValueError("triple_encoding='parts' has no place for joining words: use triple_format='separators'")
        if self.conv_kernel % 2 == 0:
            raise ValueError(f"conv_kernel must be odd, got {self.conv_kernel}")
        if self.local_similarity == "soft_alignment" and self.attention == "none":
            raise ValueError("local_similarity='soft_alignment' needs attention='cross': use 'max_sim' or 'position'")
        return self


class LossSettings(_Settings):
    """Multi-granularity InfoNCE with hard negatives and a dynamic margin: equations (8)-(21)."""

    temperature: Positive = 0.07
    top_k: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    base_margin: float = 0.08
    margin_scale: float = 0.1
    """beta of equation (19), which the paper does not give (A22)."""
    margin_units: Literal["logit", "cosine"] = "logit"
    """Whether base_margin is on the 1/tau scale (literal) or in cosine units (A22)."""
    detach_margin: bool = False
    """Stop the gradient through m (A23)."""
    text_weight: Fraction = 0.5
    """alpha: alpha * L_text + (1 - alpha) * L_anchor (A25); 1 is text-only, 0 anchor-only."""
    text_positives: Literal["positive", "anchor", "anchor_and_positive"] = "anchor"
    """What is pulled towards the text (A26); a candidate to be judged looks like an anchor, not like a positive."""
    text_view: Literal["pairwise", "anchor"] = "pairwise"
    """X_T of each pair, or X_T given the anchor for all pairs (A5)."""
    negatives: Literal["own", "cross_text", "pooled"] = "pooled"
    """N_neg (A20, A21): the text's own negatives; also other texts' triples, cross-attended with this text; or every
    own negative of the batch scored against its own text, which makes scores comparable between texts."""
    cross_pairs: Count = 16
    """Other texts' triples per text when negatives = cross_text."""
    bce_weight: Annotated[float, Field(ge=0.0)] = 0.0
    """Weight of a binary cross-entropy on the reader's logits, beside InfoNCE; 0 is none. Needs model.reader_layers."""
    paraphrased_negatives: bool = True
    """Also push a wrong triple away from its own paraphrase: at inference that is what pair_score compares (A28)."""

    @model_validator(mode="after")
    def _consistent(self) -> LossSettings:
        if self.text_view == "anchor" and self.negatives == "pooled":
            raise ValueError("negatives='pooled' scores each negative with its own X_T: use text_view='pairwise'")
        return self


class OptimisationSettings(_Settings):
    """The optimiser and the schedule of any training: AdamW, linear warm-up and decay, checkpoints by what dev says."""

    learning_rate: Positive = 5e-4
    """Of everything but the encoder."""
    encoder_learning_rate: Positive = 2e-4
    """Use about 3e-5 for a pretrained encoder of base size."""
    batch_size: Count = 32
    epochs: Positive = 12
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Part of the steps in which the rates rise."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    max_grad_norm: Positive = 1.0
    bf16: bool = False
    loader_workers: Annotated[int, Field(ge=0)] = 0
    """Processes that prepare the next batches meanwhile; a GPU would wait for one. Changes no result."""
    evaluations_per_epoch: Count = 1
    patience: Count | None = None
    """Evaluations on dev without a better one before training stops; None trains to the end."""
    dev_fraction: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.1
    """Part of the data held out as dev when no dev file is given; split so that no text leaks."""
    seed: Annotated[int, Field(ge=0)] = 13


class TrainingSettings(OptimisationSettings):
    """The training of a verifier (A16-A17, A45)."""

    batch_size: Count = 32
    """Texts per batch, over all processes that train together."""
    gradient_accumulation_steps: Count = 1
    """Batches of `batch_size` texts whose gradients add up to one step; negatives are shared within each of them."""
    gradient_checkpointing: bool = False
    """Compute the layers of the encoder again in the backward pass rather than keep what they computed."""
    grad_cache_chunk: Count | None = None
    """Texts that go through the network at a time; the loss is still that of the whole batch, which needs no more
    memory than they do. Costs a second forward pass. None: all at once."""
    chosen_by: Literal["mean_auc", "text_auc"] = "mean_auc"
    """Which validation AUC a checkpoint is chosen by: the mean of both branches, or that of the text scores, which
    decide most verdicts."""
    patience: Count | None = 4
    """Evaluations without a better AUC of that kind before training stops; None trains to the end."""
    renamed_copies: Annotated[int, Field(ge=0)] = 0
    """Copies of each training text in which other names of the same types stand."""
    extracted_negatives: Count = 8
    """Most negatives of a text that come from an extractor's candidates, where there are any."""
    generated_negatives: Annotated[int, Field(ge=0)] = 2
    """Negatives that cacre corrupts itself, per anchor, besides those in the data (A34)."""
    generated_kinds: Annotated[tuple[NegativeKind, ...], Field(min_length=1)] = get_args(NegativeKind)
    """How they are made, the kinds taking turns."""
    generated_of_each: bool = False
    """Make `generated_negatives` of every kind instead, so that no kind takes another's place."""
    generated_without: tuple[str, ...] = ()
    """Relations that no generated negative and no paraphrase names: with data that has none of them, those that
    training is to see nothing of (A37)."""
    start_weight: Fraction | None = None
    """Where training goes on from a trained model (`--from`), the start's part in the average of the weights before and
    after: it forgets less. 0 takes those after; None is 0 where the schema has relations new to the start, else 0.5."""
    complete_annotation: bool = False
    """Whether the training texts are annotated completely. Then 作曲 is wrong where only 作词 is annotated, and may be
    generated; else what often holds together is left alone."""


class Settings(_Settings):
    """All settings of one run."""

    preset: str = "similarity"
    """Name of the preset it starts from. In what is saved, information only: all values stand there."""
    encoder: EncoderSettings = EncoderSettings()
    model: ModelSettings = ModelSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.loss.bce_weight and not self.model.reader_layers:
            raise ValueError("loss.bce_weight needs a logit: set model.reader_layers")
        if self.model.reader_layers and self.loss.text_view == "anchor":
            raise ValueError("model.reader_layers gives each pair a logit of its own: set loss.text_view='pairwise'")
        return self


def load_settings(
    name_or_path: str | Path = "default", overrides: dict[str, Any] | None = None, *, base: str = "default"
) -> Settings:
    """Read settings from a preset or a TOML file.

    Args:
        name_or_path: `default`, `similarity`, `paper`, or the path of a TOML file with the tables of `Settings`.
        overrides: Nested values that win over the file, such as `{"training": {"seed": 2}}`.
        base: The preset that a file starts from which names none as `preset`.

    Raises:
        ConfigError: The file is missing or malformed, names no preset, or a key or value is not allowed.
    """
    values = read_tables(name_or_path)
    if (start := values.setdefault("preset", base)) not in PRESETS:
        raise ConfigError(f"{name_or_path}: preset = {start!r:.80}: there are {', '.join(PRESETS)}")
    values = _merged(read_tables(start), values)
    return parse_settings(_merged(values, overrides or {}), str(name_or_path))


def _merged(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """The values with the others on top, key by key within each table."""
    both = [name for name in others if isinstance(values.get(name), dict) and isinstance(others[name], dict)]
    return values | others | {name: values[name] | others[name] for name in both}


def read_tables(name_or_path: str | Path) -> dict[str, Any]:
    """What a preset or a TOML file says, as it is: nothing is checked, and nothing else is added.

    Raises:
        ConfigError: The file is missing or malformed.
    """
    preset = resources.files("cacre.resources") / "presets" / f"{name_or_path}.toml"
    source = preset if preset.is_file() else Path(name_or_path)
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{name_or_path}: no preset ({', '.join(PRESETS)}) and no readable file: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name_or_path}: not valid TOML: {error}") from error


def parse_settings(values: dict[str, Any], origin: str) -> Settings:
    """Validate nested values; `origin` names them in errors.

    Raises:
        ConfigError: A key is unknown or a value is not allowed; each fault on a line of its own.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{origin}: {faults}") from error
