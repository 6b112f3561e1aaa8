"""What to ask and how often: the settings of extraction and generation, validated at the edge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from cacre.errors import ConfigError
from cacre.extraction.values import Language, Style
from cacre.llm.chat import AnswerFormat

Count = Annotated[int, Field(ge=1)]


class ExtractionSettings(BaseModel):
    """Everything that shapes the questions; the rows of a job depend on nothing else but the text and the answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    llm: Annotated[str, Field(min_length=1)]
    """Name of the model as its server knows it."""
    prompt: str | Path | None = None
    """`extract`, `contrastive`, or a prompt file; None takes the command's own."""
    language: Language = "zh"
    style: Style = "json"
    """What the LLM is asked to write; answers in the other style are understood all the same."""
    answer_format: AnswerFormat = "json_schema"
    """What the server is asked to force, with style `json`; it falls to what the server can do."""
    relations_per_prompt: Count | None = None
    """Split a long schema over several questions; None asks for all relations at once."""
    samples: Annotated[int, Field(ge=1, le=64)] = 1
    """Independent answers to each question, united; the share that says a triple is its `agreement`."""
    gleanings: Annotated[int, Field(ge=0, le=8)] = 0
    """How often to ask for what was missed; it ends early when nothing new comes."""
    window: Annotated[int, Field(ge=50)] = 1500
    """Longest stretch of text in one question, in characters."""
    overlap: Annotated[int, Field(ge=0)] = 200
    """How far neighbouring windows overlap, in characters."""
    max_tokens: Count = 2048
    """Longest answer, in tokens."""
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    """None takes 0 for one sample (A38) and 0.7 for several, which would be equal otherwise."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Sample number i is asked with `seed + i`."""
    logprobs: bool = False
    """Ask for log probabilities and give each triple the mean of its tokens."""
    thinking: bool = False
    """Let a model that can think aloud do so; it costs tokens."""
    canonical_predicates: bool = False
    """Replace a synonym by the schema's own name (A36); the word as said is kept beside it."""

    @model_validator(mode="after")
    def _consistent(self) -> ExtractionSettings:
        if self.overlap >= self.window:
            raise ValueError(f"overlap={self.overlap} must be smaller than window={self.window}")
        return self

    @property
    def sampling_temperature(self) -> float:
        """The temperature that is sent."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.samples == 1 else 0.7


def parse_settings(**values: Any) -> ExtractionSettings:  # noqa: ANN401  (pydantic checks them)
    """Validate settings.

    Raises:
        ConfigError: A name is unknown or a value is not allowed.
    """
    try:
        return ExtractionSettings(**values)
    except ValidationError as error:
        raise ConfigError("; ".join(map(_in_words, error.errors(include_url=False)))) from error


def _in_words(fault: ErrorDetails) -> str:
    said = fault["msg"].removeprefix("Value error, ")
    name = ".".join(map(str, fault["loc"]))
    return f"setting {name}: {said}, got {fault['input']!r:.80}" if name else said
