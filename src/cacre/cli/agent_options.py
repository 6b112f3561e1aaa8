"""The options of the commands that can have agents extract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cacre.errors import ConfigError

if TYPE_CHECKING:
    from cacre.cli.llm_job import LLMJob
    from cacre.extraction.agents import AgentLimits, MultiAgentExtractor
    from cacre.extraction.extractor import Extractor
    from cacre.llm import LLM

AGENTS = "Agents"


class Method(StrEnum):
    """How an LLM is made to extract."""

    one_question = "one-question"
    multi_agent = "multi-agent"


@dataclass(frozen=True)
class AgentOptions:
    """How the LLM extracts."""

    method: Annotated[
        Method,
        typer.Option(
            help="one-question: all triples at once; multi-agent: selector, extractor, builder, reviewer.",
            rich_help_panel=AGENTS,
        ),
    ] = Method.one_question
    max_rounds: Annotated[
        int | None,
        typer.Option(min=1, max=8, help="Most rounds with the reviewer; 2 if unsaid.", rich_help_panel=AGENTS),
    ] = None
    max_questions: Annotated[
        int | None, typer.Option(min=4, help="Most questions about one text; 20 if unsaid.", rich_help_panel=AGENTS)
    ] = None

    @property
    def given(self) -> dict[str, int]:
        """The caps that were named."""
        caps = {"max_rounds": self.max_rounds, "max_questions": self.max_questions}
        return {name: value for name, value in caps.items() if value is not None}

    def limits(self) -> AgentLimits | None:
        """The agents' caps; None where no agents are asked.

        Raises:
            ConfigError: Caps were named without agents.
        """
        from cacre.extraction.agents import AgentLimits

        if self.method is Method.multi_agent:
            return AgentLimits(**self.given)
        if self.given:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in self.given)
            raise ConfigError(f"{names}: only with --method multi-agent")
        return None

    def maker(self, run: LLMJob) -> Callable[[LLM], Extractor | MultiAgentExtractor]:
        """What makes the extractor of a job.

        Raises:
            ConfigError: As `limits`.
        """
        from cacre.extraction.agents import MultiAgentExtractor
        from cacre.extraction.extractor import Extractor

        limits = self.limits()
        if limits is None:
            return lambda llm: Extractor(llm, run.schema, run.settings)
        return lambda llm: MultiAgentExtractor(llm, run.schema, run.settings, limits)

    def fingerprint(self) -> dict[str, Any]:
        """What a job's rows depend on besides the questions; nothing new for jobs without agents.

        Raises:
            ConfigError: As `limits`.
        """
        limits = self.limits()
        return {} if limits is None else {"agents": [limits.max_rounds, limits.max_questions]}
