"""The settings of an extractor: encoder, data, training, and the options of the system itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cacre.config import Count, EncoderSettings, OptimisationSettings, Positive
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


class TrainingSettings(OptimisationSettings):
    """The training of an extractor, which flat F1 on dev watches."""

    learning_rate: Positive = 1e-3
    """Of everything but the encoder."""
    batch_size: Count = 16
    """Windows per step."""
    patience: Count | None = None
    """Evaluations without a better F1 on dev before training stops; None trains to the end."""


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
