"""The settings of an extractor: encoder, data, training, and the options of the system itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cacre.config import Count, EncoderSettings, Fraction, Positive
from cacre.errors import ConfigError


class Options(BaseModel):
    """Base of the options of a system; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(Options):
    """How texts are cut and marked."""

    max_length: Annotated[int, Field(ge=8)] = 256
    """Tokens of a window, `[CLS]` and `[SEP]` included; at most what the encoder takes."""
    overlap: Annotated[int, Field(ge=0)] = 64
    """Tokens that the windows of a long text share."""
    occurrences: Literal["first", "all"] = "first"
    """Which occurrences of a name are marked; CasRel marks the first."""


class TrainingSettings(Options):
    """The optimiser and the schedule; AdamW, linear warm-up and decay."""

    learning_rate: Positive = 1e-3
    """Of everything but the encoder."""
    encoder_learning_rate: Positive = 2e-4
    """Use about 3e-5 for a pretrained encoder of base size."""
    batch_size: Count = 16
    """Windows per step."""
    epochs: Positive = 12
    warmup_ratio: Fraction = 0.1
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    max_grad_norm: Positive = 1.0
    bf16: bool = False
    evaluations_per_epoch: Count = 1
    patience: Count | None = None
    """Evaluations without a better F1 on dev before training stops; None trains to the end."""
    dev_fraction: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.1
    """Part of the data held out as dev when no dev file is given; split so that nothing leaks."""
    seed: Annotated[int, Field(ge=0)] = 13


class ExtractorSettings(Options):
    """All settings of one extractor."""

    encoder: EncoderSettings = EncoderSettings()
    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()
    system: dict[str, Any] = Field(default_factory=dict)
    """Options of the system, as its `Options` class takes them."""


_Settings = TypeVar("_Settings", bound=BaseModel)


def parse(kind: type[_Settings], values: Any, origin: str) -> _Settings:  # noqa: ANN401  (JSON or TOML values)
    """Validate nested values; `origin` names them in errors.

    Raises:
        ConfigError: A key is unknown or a value is not allowed.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{origin}: {faults}; it takes {', '.join(kind.model_fields) or 'no options'}") from error
