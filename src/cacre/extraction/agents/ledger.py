"""What became of each triple of one conversation; the last word on it counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cacre.extraction.agents.answers import Decision, Review
from cacre.extraction.agents.grounding import Ground, Proposal, UngroundedError
from cacre.extraction.agents.team_prompts import Role
from cacre.extraction.values import Fragment
from cacre.types import Triple


@dataclass(frozen=True, slots=True)
class Entry:
    """A triple and the last word on it.

    Args:
        proposal: The triple.
        round: When it was first said, from 1.
        agent: Who said it so: the builder, or the reviewer who corrected it.
        decision: What the reviewer said last; None while nothing was said.
        reason: Why.
        corrected_from: What stood there before the correction.
    """

    proposal: Proposal
    round: int
    agent: Role = "builder"
    decision: Decision | None = None
    reason: str = ""
    corrected_from: Triple | None = None

    @property
    def kept(self) -> bool:
        """Whether it stands; the reviewer's silence leaves it standing, for the verifier comes after."""
        return self.decision != "reject"

    def provenance(self) -> dict[str, Any]:
        """Who said it when, and what the reviewer made of it, for the row."""
        record: dict[str, Any] = {"round": self.round, "agent": self.agent, "decision": self.decision or "none"}
        if self.reason:
            record["reason"] = self.reason
        if self.corrected_from is not None:
            record["corrected_from"] = list(self.corrected_from)
        return record


class Ledger:
    """The triples of one conversation, in the order in which they were said.

    Args:
        ground: Reads the reviewer's corrections.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._entries: dict[tuple[str, ...], Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def standing(self) -> list[Entry]:
        """What is kept so far."""
        return [entry for entry in self if entry.kept]

    def propose(self, proposals: Iterable[Proposal], number: int) -> int:
        """Enter the builder's triples of a round; what was said before keeps the word on it.

        Returns:
            How many are new.
        """
        before = len(self)
        for proposal in proposals:
            self._entries.setdefault(proposal.key, Entry(proposal, number))
        return len(self) - before

    def review(self, shown: Sequence[Entry], reviews: Mapping[int, Review], number: int) -> list[Fragment]:
        """Enter what the reviewer said of the entries it was shown.

        Returns:
            Corrections that cannot be used; what they should have mended is rejected, for it was called wrong.
        """
        bad = list[Fragment]()
        for index, review in sorted(reviews.items()):
            entry = shown[index]
            if review.decision != "correct":
                self._entries[entry.proposal.key] = replace(entry, decision=review.decision, reason=review.reason)
                continue
            try:
                self._correct(entry, review, number)
            except UngroundedError as error:
                bad.append(Fragment(review.model_dump_json(), f"correction: {error}"))
                self._reject(entry, review)
        return bad

    def _correct(self, entry: Entry, review: Review, number: int) -> None:
        old = entry.proposal.triple
        parts = (review.subject or old.subject, review.predicate or old.predicate, review.object or old.object)
        triple = Triple(self._ground.entity(parts[0]), self._ground.relation(parts[1]), self._ground.entity(parts[2]))
        # Types belong to the names and the direction, slots to the relation.
        said = replace(entry.proposal.said, triple=triple, subject_type=None, object_type=None)
        new = Proposal(said, entry.proposal.slots if triple.predicate == old.predicate else ())
        if new.key == entry.proposal.key:  # a correction that changes nothing is a yes
            self._entries[new.key] = replace(entry, decision="accept", reason=review.reason)
            return
        self._reject(entry, review)
        known = self._entries.get(new.key)
        if known is None or not known.kept:
            self._entries[new.key] = Entry(new, number, "reviewer", "correct", review.reason, old)

    def _reject(self, entry: Entry, review: Review) -> None:
        self._entries[entry.proposal.key] = replace(entry, decision="reject", reason=review.reason)

    def notes(self, missing: str) -> str:
        """What the next round should know: what was rejected and why, and what the reviewer misses."""
        rows: list[dict[str, Any]] = [
            {"rejected": list(entry.proposal.triple), "reason": entry.reason} for entry in self if not entry.kept
        ]
        rows += [{"missing": missing}] if missing else []
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def shown(proposals: Sequence[Proposal], *, numbered: bool = False) -> str:
    """Triples for another role, one a line."""
    rows = []
    for number, proposal in enumerate(proposals, 1):
        row: dict[str, Any] = {"number": number} if numbered else {}
        row |= proposal.triple._asdict()
        rows.append({**row, "slots": dict(proposal.slots)} if proposal.slots else row)
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
