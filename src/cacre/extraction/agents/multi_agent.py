"""A text in, candidates out, by several roles on one LLM: the same face as `Extractor`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from cacre.data import Row
from cacre.errors import ConfigError
from cacre.extraction.agents.aggregator import aggregate
from cacre.extraction.agents.conversation import Conversation
from cacre.extraction.agents.limits import AgentLimits
from cacre.extraction.agents.rehearsal import RehearsedAsker
from cacre.extraction.agents.role_asker import RoleAsker
from cacre.extraction.blocking import Blocking
from cacre.extraction.extractor import Extraction
from cacre.extraction.failures import raise_gravest
from cacre.extraction.pricing import JobEstimate
from cacre.extraction.settings import ExtractionSettings
from cacre.extraction.windows import split_text
from cacre.llm import CachedLLM
from cacre.llm.chat import LLM
from cacre.schema import Schema
from cacre.types import Candidate

METHOD = "multi-agent"


class MultiAgentExtractor(Blocking):
    """Has a selector, an extractor, a builder and a reviewer work on each text, and merges what they come to.

    Args:
        llm: Whom to ask, in all roles.
        schema: The relations to ask for.
        settings: How to ask; windows, samples and `relations_per_prompt` (for the selector) are as for `Extractor`.
        limits: Caps on the work on one text.

    Raises:
        ConfigError: A setting does not go with agents, or `max_questions` is too small for a first round.
    """

    def __init__(
        self, llm: LLM, schema: Schema, settings: ExtractionSettings, limits: AgentLimits | None = None
    ) -> None:
        super().__init__(llm)
        self.schema, self.settings, self.limits = schema, settings, limits or AgentLimits()
        self._asker = RoleAsker(llm, schema, settings)
        least = len(self._asker.parts) + 3
        if self.limits.max_questions < least:
            raise ConfigError(
                f"max_questions={self.limits.max_questions}: a first round asks up to {least} (the selector once for "
                f"each part of the schema, then extractor, builder and reviewer): allow at least {least}"
            )

    @property
    def reference(self) -> str:
        """Which prompts are asked."""
        return self._asker.prompts.reference

    async def aextract(self, text: str) -> Extraction:
        """Have the agents work on a text.

        Raises:
            LLMError: A question has no answer and is not refused, or nothing that could be read came of any window.
        """
        conversations = await self._converse(text, self._asker)
        held = [one for one in conversations if one.rounds]
        failed = [one.failure for one in held if one.failure is not None]
        if failed and len(failed) == len(held):
            raise failed[0]
        triples, dropped = aggregate(held, text, self.settings.samples, self.schema)
        faults = [fault for one in held for fault in one.faults]
        faults += [self._unread(one) for one in conversations if not one.rounds]
        return Extraction(triples, self._provenance(conversations, dropped), faults)

    def extract(self, text: str) -> tuple[Candidate, ...]:
        """Have the agents work on a text and wait for them.

        Raises:
            LLMError: As `aextract`.
        """
        return self._run(self.aextract, text).candidates

    async def aestimate(self, rows: Iterable[Row], cache: CachedLLM | None) -> JobEstimate:
        """Count what a job would ask; nothing is sent.

        Answers that the cache has are followed. Where it has none, one round is assumed: the selector names three
        relations, the extractor one fact, the builder one triple, and the reviewer accepts it.

        Args:
            rows: The texts.
            cache: Answers that are paid for already.
        """
        asker = RehearsedAsker(self._asker, cache)
        for row in rows:
            asker.estimate.rows += 1
            await self._converse(row.content.text, asker)
        limits = self.limits
        note = f"more rounds (at most {limits.max_rounds}) add three requests each, up to {limits.max_questions} a text"
        return asker.finished(note)

    async def _converse(self, text: str, asker: RoleAsker) -> list[Conversation]:
        """Round after round, all windows and samples at once, as far as the questions go.

        Before a round its worst case is set aside, so that the cap holds and does not depend on who answers first.
        """
        conversations = [
            Conversation(asker, window, sample, self.limits.max_rounds)
            for window in split_text(text, self.settings.window, self.settings.overlap)
            for sample in range(self.settings.samples)
        ]
        left = self.limits.max_questions
        while chosen := _affordable(conversations, left):
            before = sum(one.asked for one in chosen)
            raise_gravest(await asyncio.gather(*(one.next_round() for one in chosen), return_exceptions=True))
            left -= sum(one.asked for one in chosen) - before
        return conversations

    def _unread(self, one: Conversation) -> dict[str, Any]:
        span = [one.window.start, one.window.start + len(one.window.text)]
        reason = f"max_questions={self.limits.max_questions} are used up: this window was not read; allow more"
        return {"reason": reason, "field": "answer", "question": {"window": span, "sample": one.sample}}

    def _provenance(self, conversations: Sequence[Conversation], dropped: list[list[Any]]) -> dict[str, Any]:
        """Who answered and what was asked, for the row."""
        settings, served = self.settings, sorted({name for one in conversations for name in one.served})
        repairs = sum((one.repairs for one in conversations), Counter[str]())
        usual: dict[str, tuple[Any, Any]] = {
            "samples": (settings.samples, 1),
            "seed": (settings.seed, None),
            "unparsed": (sum(one.failure is not None for one in conversations), 0),
            "answer_repairs": (dict(sorted(repairs.items())), {}),
            "stopped": ("max_questions" if any(one.open for one in conversations) else None, None),
            "dropped": (dropped, []),
        }
        return {
            "llm": served[0] if len(served) == 1 else served,
            "method": METHOD,
            "prompt": self.reference,
            "temperature": settings.sampling_temperature,
            "rounds": max(one.rounds for one in conversations),
            "questions": sum(one.asked for one in conversations),
            **{name: value for name, (value, default) in usual.items() if value != default},
        }


def _affordable(conversations: Sequence[Conversation], left: int) -> list[Conversation]:
    """Those that want a round and can have one, what was not begun yet first."""
    chosen = []
    for one in sorted((one for one in conversations if one.open), key=lambda one: one.rounds):
        if one.worst > left:
            break
        left -= one.worst
        chosen.append(one)
    return chosen
