"""What the roles say about one window, round after round."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from cacre.errors import AnswerError, RequestRefusedError
from cacre.extraction.agents.fact_extractor import Facts, ask_for_facts, read_facts
from cacre.extraction.agents.grounding import Ground, Proposal
from cacre.extraction.agents.ledger import Ledger, shown
from cacre.extraction.agents.reviewer import ask_for_reviews, read_reviews
from cacre.extraction.agents.role_asker import RoleAsker, RoleQuestion
from cacre.extraction.agents.selector import ask_for_relations, read_relations
from cacre.extraction.agents.team_prompts import Role
from cacre.extraction.agents.triple_builder import ask_for_triples, read_triples
from cacre.extraction.failures import raise_gravest, raw_of
from cacre.extraction.parsing import whole_part
from cacre.extraction.values import Fragment, Window
from cacre.schema import RelationType

_ROUND = 3
"""Questions of a round after the first: to extractor, builder and reviewer."""


class Conversation:
    """The agents' work on one window, for one sample.

    Args:
        asker: Asks the LLM.
        window: The stretch of text.
        sample: Number of the sample.
        max_rounds: Most rounds.

    Attributes:
        rounds: Rounds begun.
        open: Whether another round is wanted.
        asked: Questions so far.
        served: Names of the models that answered.
        failure: Why there is not one triple, where a question was refused or an answer could not be read.
        faults: What could not be used, as entries of the errors file.
    """

    def __init__(self, asker: RoleAsker, window: Window, sample: int, max_rounds: int) -> None:
        self.window, self.sample = window, sample
        self._asker, self._max_rounds = asker, max_rounds
        self._ground = Ground(asker.schema, window)
        self.ledger = Ledger(self._ground)
        self.rounds, self.asked, self.open = 0, 0, True
        self.served: set[str] = set()
        self.repairs: Counter[str] = Counter()
        self.faults: list[dict[str, Any]] = []
        self.failure: AnswerError | RequestRefusedError | None = None
        self._relations: list[RelationType] = []
        self._missing = ""
        self._speaker: Role = "selector"

    @property
    def worst(self) -> int:
        """Most questions that the next round can take."""
        return _ROUND + (0 if self.rounds else len(self._asker.parts))

    async def next_round(self) -> None:
        """Have one more round; a refused question or an answer that cannot be read ends it, and what stands stays.

        Raises:
            LLMError: A question has no answer and is not refused.
        """
        self.rounds += 1
        try:
            again = await self._round()
        except (AnswerError, RequestRefusedError) as error:
            again = False
            self._fault(str(error), raw_of(error))
            self.failure = None if len(self.ledger) else self._named(error)
        self.open = again and self.rounds < self._max_rounds

    async def _round(self) -> bool:
        """One round; whether the reviewer wants another."""
        if self.rounds == 1:
            self._relations = await self._select()
        if not self._relations:
            return False
        facts = await self._extract()
        proposals = await self._build(facts) if facts.facts else ()
        return bool(self.ledger.propose(proposals, self.rounds)) and await self._review()

    async def _select(self) -> list[RelationType]:
        parts = self._asker.parts
        outcomes = raise_gravest(await asyncio.gather(*map(self._select_of, parts), return_exceptions=True))
        unread = [error for _, _, error in outcomes if error is not None]
        if len(unread) == len(parts):
            raise unread[0]
        self._note(fragment for _, bad, _ in outcomes for fragment in bad)
        for error in unread:
            self._fault(str(error), raw_of(error))
        return self._described(name for names, _, _ in outcomes for name in names)

    async def _select_of(
        self, part: Sequence[RelationType]
    ) -> tuple[list[str], list[Fragment], AnswerError | RequestRefusedError | None]:
        """What is said of one part of the schema, or why nothing is: the other parts count all the same."""
        try:
            names, bad = read_relations(await self._ask(ask_for_relations(part, self.window.text)), self._ground)
        except (AnswerError, RequestRefusedError) as error:
            return [], [], error
        return names, bad, None

    async def _extract(self) -> Facts:
        found = shown([entry.proposal for entry in self.ledger.standing])
        question = ask_for_facts(self._relations, self.window.text, found, self.ledger.notes(self._missing))
        facts = read_facts(await self._ask(question), self._ground)
        self._note(facts.fragments)
        return facts

    async def _build(self, facts: Facts) -> tuple[Proposal, ...]:
        relations = [relation.name for relation in self._relations] + [fact.relation for fact in facts.facts]
        question = ask_for_triples(self._described(relations), self.window.text, facts)
        built = read_triples(await self._ask(question), self._ground)
        self.repairs.update(built.parsed.repairs)
        self._note(built.fragments)
        return built.proposals

    async def _review(self) -> bool:
        entries = self.ledger.standing
        relations = [relation.name for relation in self._relations]
        relations += [entry.proposal.triple.predicate for entry in entries]
        proposals = [entry.proposal for entry in entries]
        answer = await self._ask(ask_for_reviews(self._described(relations), self.window.text, proposals))
        reviews = read_reviews(answer, len(entries))
        self._note([*reviews.fragments, *self.ledger.review(entries, reviews.by_index, self.rounds)])
        self._missing = reviews.missing
        return reviews.again

    async def _ask(self, question: RoleQuestion) -> str:
        self._speaker = question.role
        self.asked += 1
        answer = await self._asker.ask(question, self.sample)
        self.served.add(answer.model)
        return self._whole(answer.content) if answer.cut_off else answer.content

    def _whole(self, content: str) -> str:
        """What is whole of an answer that was cut off.

        Raises:
            AnswerError: Nothing is.
        """
        self.repairs["answer cut off"] += 1
        whole, piece = whole_part(content)
        if whole.strip()[-1:] in ("", "[", "{", "［", "｛"):
            raise AnswerError("cut off before the first complete item", content)
        self._fault("cut off", piece)
        return whole

    def _described(self, names: Iterable[str]) -> list[RelationType]:
        return [self._asker.schema[name] for name in dict.fromkeys(names)]

    def _named(self, error: AnswerError | RequestRefusedError) -> AnswerError | RequestRefusedError:
        """The failure with the role that it happened to."""
        reason = f"{self._speaker}: {error}"
        if isinstance(error, AnswerError):
            return AnswerError(reason, error.raw)
        return RequestRefusedError(reason, error.status)

    def _note(self, fragments: Iterable[Fragment]) -> None:
        for bad in fragments:
            self._fault(bad.reason, bad.raw)

    def _fault(self, reason: str, raw: str | None) -> None:
        span = [self.window.start, self.window.start + len(self.window.text)]
        place = {"window": span, "sample": self.sample, "round": self.rounds, "agent": self._speaker}
        self.faults.append({"reason": f"{self._speaker}: {reason}", "field": "answer", "raw": raw, "question": place})
