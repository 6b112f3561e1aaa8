"""What a job asks an LLM about each text, as a value that can be sent to workers: extraction or generation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from cacre.batch.ledger import Counts
from cacre.batch.parts import ERRORS
from cacre.data import Row
from cacre.extraction.agents import AgentLimits, MultiAgentExtractor
from cacre.extraction.extractor import Extractor
from cacre.extraction.generator import Generator
from cacre.extraction.job import Work
from cacre.extraction.pricing import JobEstimate
from cacre.extraction.prompts import load_prompt
from cacre.extraction.repair_summary import RepairSummary
from cacre.extraction.settings import ExtractionSettings
from cacre.extraction.works import ExtractWork, GenerateWork
from cacre.llm import CachedLLM
from cacre.llm.chat import LLM
from cacre.schema import Schema

_REPAIRED, _DROPPED = "repaired: ", "left out: "


class Source(Protocol):
    """What asks the LLM."""

    @property
    def reference(self) -> str:
        """Which prompts are asked."""
        ...

    async def aestimate(self, rows: Iterable[Row], cache: CachedLLM | None) -> JobEstimate:
        """Count what a job would ask; nothing is sent."""
        ...


class Asking(Protocol):
    """What is asked about each text, and what is counted of the rows."""

    @property
    def dataset(self) -> str:
        """Name of the folder of the rows."""
        ...

    @property
    def settings(self) -> ExtractionSettings:
        """How to ask."""
        ...

    @property
    def schema(self) -> Schema:
        """The relations."""
        ...

    def source(self, llm: LLM) -> Source:
        """What asks the LLM.

        Raises:
            ConfigError: The settings do not go together.
        """
        ...

    def work(self, llm: LLM) -> Work:
        """What is done with each row."""
        ...

    def more_options(self) -> dict[str, Any]:
        """What the rows depend on besides settings, prompts and schema."""
        ...

    def counted(self, row: Mapping[str, Any]) -> Counts:
        """What is counted of a row."""
        ...

    def lines(self, counts: Counts) -> list[str]:
        """The counts of a job for a person to read."""
        ...


@dataclass(frozen=True)
class Extracting:
    """Texts to candidate rows.

    Args:
        schema: The relations to ask for.
        settings: How to ask.
        agents: Caps of the agents; None asks without agents.
    """

    schema: Schema
    settings: ExtractionSettings
    agents: AgentLimits | None = None
    dataset: str = "candidates"

    def source(self, llm: LLM) -> Extractor | MultiAgentExtractor:
        """What asks the LLM.

        Raises:
            ConfigError: The settings do not go together.
        """
        if self.agents is None:
            return Extractor(llm, self.schema, self.settings)
        return MultiAgentExtractor(llm, self.schema, self.settings, self.agents)

    def work(self, llm: LLM) -> Work:
        """What is done with each row."""
        return ExtractWork(self.source(llm))

    def more_options(self) -> dict[str, Any]:
        """What the rows depend on besides settings, prompts and schema."""
        return {} if self.agents is None else {"agents": [self.agents.max_rounds, self.agents.max_questions]}

    def counted(self, row: Mapping[str, Any]) -> Counts:
        """What is counted of a row."""
        return {"triples": len(row["triples"]), "empty": int(not row["triples"])}

    def lines(self, counts: Counts) -> list[str]:
        """The counts of a job for a person to read."""
        return [
            f"{counts.get('rows', 0)} rows, {counts.get('triples', 0)} triples; "
            f"{counts.get('empty', 0)} rows without a triple, {counts.get('failed', 0)} texts failed"
        ]


@dataclass(frozen=True)
class Generating:
    """Texts to contrastive rows.

    Args:
        schema: The relations to ask for.
        settings: How to ask.
        fill: Make a negative where the LLM gave none that can be used.
    """

    schema: Schema
    settings: ExtractionSettings
    fill: bool = True
    dataset: str = "contrastive"

    def source(self, llm: LLM) -> Generator:
        """What asks the LLM.

        Raises:
            ConfigError: The settings do not go together.
        """
        return Generator(llm, self.schema, self.settings, fill=self.fill)

    def work(self, llm: LLM) -> Work:
        """What is done with each row."""
        return GenerateWork(self.source(llm))

    def more_options(self) -> dict[str, Any]:
        """What the rows depend on besides settings, prompts and schema."""
        return {"fill": self.fill}

    def counted(self, row: Mapping[str, Any]) -> Counts:
        """What is counted of a row."""
        summary = RepairSummary()
        summary.seen(row)
        repairs = {_REPAIRED + name: count for name, count in sorted(summary.repairs.items())}
        dropped = {_DROPPED + name: count for name, count in sorted(summary.dropped.items())}
        return {"anchors": summary.anchors, "empty": summary.empty, **repairs, **dropped}

    def lines(self, counts: Counts) -> list[str]:
        """The counts of a job for a person to read."""
        summary = RepairSummary(counts.get("rows", 0), counts.get("empty", 0), counts.get("anchors", 0))
        for name, count in counts.items():
            for counter, prefix in ((summary.repairs, _REPAIRED), (summary.dropped, _DROPPED)):
                if name.startswith(prefix):
                    counter[name.removeprefix(prefix)] += count
        return [*summary.lines(), f"{counts.get('failed', 0)} texts failed"]


def datasets(asking: Asking) -> tuple[str, ...]:
    """Names of the folders that hold part files."""
    return asking.dataset, ERRORS


def options_of(asking: Asking, source: Source) -> dict[str, Any]:
    """What the answers of an LLM are asked for with, as JSON values, each under a name that a user knows."""
    prompts = {"prompt": source.reference}
    if asking.settings.gleanings:
        prompts["gleaning"] = load_prompt("glean", asking.settings.language).reference
    schema = sha256(json.dumps(asking.schema.to_json(), sort_keys=True).encode()).hexdigest()
    settings = asking.settings.model_dump(mode="json", exclude={"prompt"})
    return {**settings, **prompts, "schema": schema, **asking.more_options()}
