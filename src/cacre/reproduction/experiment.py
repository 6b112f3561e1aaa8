"""What is to be reproduced: data, candidate files, settings and ablations, read from a TOML file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cacre.config import Settings, load_settings
from cacre.errors import ConfigError
from cacre.schema import Schema, load_schema
from cacre.schema.loading import BUILT_IN

Name = Annotated[str, Field(pattern=r"^[\w .+-]+$", max_length=60)]
"""Also names a folder, so it has no separators."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CandidateFile(_Part):
    """A file of candidates with gold.

    Contrastive rows stand for the LLM that wrote them: their anchors are the candidates, their positives the
    paraphrases (A32).
    """

    path: str
    """Below the data folder; failing that, below the folder that the command runs in. A pattern such as
    `derp-*.jsonl` stands for one file per seed of the extractor, all with the same texts."""
    gold: str | None = None
    """Annotated rows of the same texts, found like `path`, where the candidate rows have no gold of their own."""
    fit: str | None = None
    """Candidates of the same extractor on other texts, with gold, found like `path`, a file per seed: thresholds of
    the verifier are fitted there, for each seed of the extractor. Without it they are those in the verifier's
    folder."""
    fit_gold: str | None = None
    """As `gold`, for the texts of `fit`."""
    support: str | None = None
    """Judgements of the candidates by somebody who read the text, below the data folder."""
    paper_row: str | None = None
    """Name of the paper's row that it stands beside in Table 3."""


class Variant(_Part):
    """A configuration to train: what it changes of the base settings."""

    set: dict[str, dict[str, Any]] = {}
    labels: Literal["lists", "gold"] = "lists"
    """`lists` is the zero-shot setting: nothing but what the LLM wrote. `gold`: anchors outside gold become negatives
    as they come, and thresholds are fitted on gold of the held-out part (the calibrated setting)."""
    hold_out: list[str] = []
    """Relations that no training text speaks of and nothing that training makes names (A37); measured on them in a
    table of its own."""
    texts: Annotated[int, Field(ge=1)] | None = None
    """Only the first so many training rows, to see what more of them would bring."""
    note: str = ""
    """What it changes, for the table."""


class Experiment(_Part):
    """The whole experiment.

    Paths are below the data folder that the command is given.
    """

    name: Name
    preset: str = "default"
    set: dict[str, dict[str, Any]] = {}
    """Settings on top of the preset, for every variant."""
    schema_name: Annotated[str, Field(alias="schema")] = "duie"
    """A built-in schema, or a schema file below the data folder."""
    train: list[str]
    """Contrastive rows to train on (the zero-shot setting), or annotated rows, whose negatives are then generated; part
    of them is held out as dev, on which thresholds are fitted."""
    splits: dict[str, str] = {}
    """Further files to count in Table 1, by name."""
    candidates: dict[Name, CandidateFile]
    variants: dict[Name, Variant]
    main: Name
    """The variant that Table 3 and the figures are made with."""
    seeds: Annotated[list[int], Field(min_length=1)] = [13]
    """Seeds of the main variant; the others are trained with the first."""
    resamples: Annotated[int, Field(ge=100)] = 1000
    """B, resamples of texts for intervals."""
    finetuning_rate: Annotated[float, Field(gt=0.0)] = 3e-4
    """Highest learning rate of the baselines that train the encoder; one that was pre-trained at length wants less."""
    note: str = ""
    """What a reader has to know of the data, printed below the tables."""

    def settings(self, variant: str, seed: int) -> Settings:
        """The settings of one run.

        Raises:
            ConfigError: There is no such variant, or its settings are not allowed.
        """
        if variant not in self.variants:
            raise ConfigError(f"no variant {variant!r} in {self.name}: there are {', '.join(self.variants)}")
        tables: dict[str, dict[str, Any]] = {}
        chosen = self.variants[variant]
        unseen = {"training": {"generated_without": chosen.hold_out}} if chosen.hold_out else {}
        for source in (self.set, chosen.set, unseen, {"training": {"seed": seed}}):
            for table, values in source.items():
                tables.setdefault(table, {}).update(values)
        return load_settings(self.preset, tables)

    def relation_schema(self, data: Path) -> Schema:
        """The relation schema.

        Args:
            data: The data folder.

        Raises:
            SchemaError: It is neither built in nor a schema file below the folder.
        """
        return load_schema(self.schema_name if self.schema_name in BUILT_IN else data / self.schema_name)

    def runs(self) -> list[tuple[str, int]]:
        """Every (variant, seed) to train, the main variant first."""
        others = [(name, self.seeds[0]) for name in self.variants if name != self.main]
        return [*((self.main, seed) for seed in self.seeds), *others]


def load_experiment(name_or_path: str | Path) -> Experiment:
    """Read an experiment: a packaged one by name, or a TOML file.

    Raises:
        ConfigError: It cannot be read, a key is unknown or a value is not allowed.
    """
    packaged = resources.files("cacre.resources") / "experiments" / f"{name_or_path}.toml"
    source = packaged if packaged.is_file() else Path(name_or_path)
    try:
        experiment = Experiment.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{name_or_path}: not a packaged experiment and not a readable file: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name_or_path}: not valid TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{name_or_path}: {faults}") from error
    if experiment.main not in experiment.variants:
        raise ConfigError(f"{name_or_path}: main={experiment.main!r} is none of {', '.join(experiment.variants)}")
    for variant, seed in experiment.runs():
        experiment.settings(variant, seed)
    return experiment


Mode = Literal["flat", "strict"]
