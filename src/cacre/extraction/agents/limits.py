"""How long the agents may work on one text."""

from __future__ import annotations

from dataclasses import dataclass

from cacre.errors import ConfigError

MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """Caps on the work on one text; those on a whole job are the meter's.

    Args:
        max_rounds: Most rounds of extractor, builder and reviewer for each window and sample; 1 to 8.
        max_questions: Most questions about one text, over all its windows, samples and rounds. Tries of a question
            are not counted, answers of the cache are, so that a job that is resumed gives the same rows.

    Raises:
        ConfigError: A cap is out of range.
    """

    max_rounds: int = 2
    max_questions: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.max_rounds <= MOST_ROUNDS:
            raise ConfigError(f"max_rounds={self.max_rounds}: allowed are 1 to {MOST_ROUNDS}")
        if self.max_questions < 1:
            raise ConfigError(f"max_questions={self.max_questions}: allowed are 1 and more")
