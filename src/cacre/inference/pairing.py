"""What each candidate is compared with for its `pair_score` (A28). Pure functions only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cacre.inference.decision import PairStrategy
from cacre.schema import Schema
from cacre.types import Candidate, Triple

MAX_SIBLINGS = 16
"""Siblings per candidate: comparing all with all would be quadratic in the candidates of a text."""


@dataclass(frozen=True, slots=True)
class Companions:
    """The triples whose best similarity to a candidate is its `pair_score`.

    Args:
        strategy: Where they come from; None if there are none.
        triples: The triples; none of them is the candidate itself.
    """

    strategy: PairStrategy | None = None
    triples: tuple[Triple, ...] = ()


ALL_STRATEGIES: tuple[PairStrategy, ...] = ("paraphrase", "schema", "siblings")


def plan_companions(
    candidates: Sequence[Candidate], schema: Schema, strategies: Sequence[PairStrategy] = ALL_STRATEGIES
) -> list[Companions]:
    """Choose the companions of each candidate of one text.

    The extractor's own paraphrase comes first, then one made from the schema, then the other candidates with the same
    predicate. A paraphrase that repeats the candidate says nothing and is passed over; one that only puts a synonym or
    an inverse of the schema's in the predicate's place counts as made from the schema, for it says as much.

    Args:
        candidates: All candidates of the text.
        schema: Knows synonyms and inverses of its predicates.
        strategies: Those that may be used; fewer than all when thresholds are fitted for each apart.

    Returns:
        One plan per candidate, in their order; it does not depend on the order of the candidates.
    """
    by_predicate: defaultdict[str, set[Triple]] = defaultdict(set)
    for candidate in candidates:
        by_predicate[candidate.triple.predicate].add(candidate.triple)
    plans = []
    for candidate in candidates:
        triple = candidate.triple
        given = candidate.paraphrase if "paraphrase" in strategies else None
        made = schema.paraphrase(triple) if "schema" in strategies else None
        if given is not None and given != triple:
            known = "schema" in strategies and schema.says_the_same(triple, given)
            plans.append(Companions("schema" if known else "paraphrase", (given,)))
        elif made is not None and made != triple:
            plans.append(Companions("schema", (made,)))
        elif "siblings" not in strategies:
            plans.append(Companions())
        else:
            siblings = sorted(by_predicate[triple.predicate] - {triple})[:MAX_SIBLINGS]
            plans.append(Companions("siblings", tuple(siblings)) if siblings else Companions())
    return plans
