"""The reviewer: accepts, corrects or rejects each triple with a reason, and may ask for another round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cacre.errors import AnswerError
from cacre.extraction.agents.answers import Review, read_items, read_object, reviewer_schema
from cacre.extraction.agents.grounding import Proposal
from cacre.extraction.agents.ledger import shown
from cacre.extraction.agents.role_asker import RoleQuestion
from cacre.extraction.quoting import defuse
from cacre.extraction.values import Fragment
from cacre.schema import RelationType

_YES = frozenset(("true", "yes", "1", "是"))


@dataclass(frozen=True, slots=True)
class Reviews:
    """What the reviewer said.

    Args:
        by_index: Index of a triple -> what was said of it; silent about the others.
        again: Whether another round is wanted.
        missing: What it should look for.
        fragments: What could not be used.
    """

    by_index: Mapping[int, Review]
    again: bool
    missing: str
    fragments: tuple[Fragment, ...] = ()


def ask_for_reviews(relations: Sequence[RelationType], text: str, proposals: Sequence[Proposal]) -> RoleQuestion:
    """The question about the triples that stand so far, numbered from 1."""
    blocks = {"TEXT": text, "TRIPLES": shown(proposals, numbered=True)}
    return RoleQuestion("reviewer", relations, blocks, reviewer_schema())


def read_reviews(content: str, count: int) -> Reviews:
    """Read an answer; of a number that comes twice the last word counts.

    Args:
        content: The answer, as it came.
        count: How many triples were asked about.

    Raises:
        AnswerError: There is no list of reviews in it, or none that speaks of a triple.
    """
    said = read_object(content, "reviews")
    reviews, bad = read_items(said["reviews"], Review)
    strange = [review for review in reviews if not 1 <= review.number <= count]
    bad += [Fragment(review.model_dump_json(), f"no triple has number {review.number}") for review in strange]
    found = {review.number - 1: review for review in reviews if review not in strange}
    if not found and bad:
        raise AnswerError(bad[0].reason, content)
    again = str(said.get("again", "")).strip().casefold() in _YES
    missing = said.get("missing")
    return Reviews(found, again, defuse(missing)[:300] if isinstance(missing, str) else "", tuple(bad))
