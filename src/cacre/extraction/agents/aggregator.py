"""The aggregator: rounds by the last word, windows and samples by votes. It is code, so that it asks nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cacre.extraction.agents.conversation import Conversation
from cacre.extraction.agents.ledger import Entry
from cacre.extraction.merging import Found, merge_candidates, triple_key
from cacre.schema import Schema

_UNREASONED = "rejected without a reason"


@dataclass
class _Votes:
    """The last words on one triple, one a sample; a sample that keeps it in any window keeps it."""

    kept: dict[int, Entry] = field(default_factory=dict)
    rejected: dict[int, Entry] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)

    @property
    def first(self) -> Entry:
        """How the first sample that keeps it says it."""
        return next(iter(self.kept.values()))

    @property
    def stands(self) -> bool:
        """Whether no more samples reject it than keep it."""
        return bool(self.kept) and len(self.kept) >= len(self.rejected.keys() - self.kept.keys())


def aggregate(
    conversations: Iterable[Conversation], text: str, samples: int, schema: Schema
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Merge what all conversations about a text have come to.

    Args:
        conversations: Those that were held, in the order of windows and samples.
        text: The whole text.
        samples: How many samples were asked for.
        schema: What the predicates are named after.

    Returns:
        The `triples` of the candidate row as `merge_candidates` makes them, each with its `provenance`, and its
        `qualifiers` where it has slots; and `[[subject, predicate, object], reason]` of the triples that do not stand.
    """
    votes: dict[tuple[str, ...], _Votes] = {}
    for conversation in conversations:
        for entry in conversation.ledger:
            one = votes.setdefault(entry.proposal.key, _Votes())
            (one.kept if entry.kept else one.rejected).setdefault(conversation.sample, entry)
            if entry.kept:
                one.found.append(Found(entry.proposal.said, conversation.sample, conversation.window))
    standing = _without_poorer([one for one in votes.values() if one.stands])
    rows = [item for one in standing for item in _rows(one, text, samples, schema)]
    return rows, [_dropped(one) for one in votes.values() if not one.stands]


def _without_poorer(standing: list[_Votes]) -> list[_Votes]:
    """A triple said with slots stands for the same one said without."""
    rich = {triple_key(one.first.proposal.triple): one for one in reversed(standing) if one.first.proposal.slots}
    kept = list[_Votes]()
    for one in standing:
        richer = rich.get(triple_key(one.first.proposal.triple))
        if richer is None or one.first.proposal.slots:
            kept.append(one)
        else:
            richer.found += one.found
    return kept


def _rows(one: _Votes, text: str, samples: int, schema: Schema) -> list[dict[str, Any]]:
    """The row of a triple; one said with several slots in turn has a row for each."""
    merged = merge_candidates(one.found, text, samples, schema=schema)
    slots = {"qualifiers": dict(one.first.proposal.slots)} if one.first.proposal.slots else {}
    return [{**row, **slots, "provenance": one.first.provenance()} for row in merged]


def _dropped(one: _Votes) -> list[Any]:
    entry = next(iter(one.rejected.values()))
    return [list(entry.proposal.triple), entry.reason or _UNREASONED]
