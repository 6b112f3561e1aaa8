"""Rules that need neither a model nor training: names in the text, a known relation, types and direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cacre.baselines.protocol import Needs, Pairs
from cacre.evaluation.labelled_scores import LabelledText
from cacre.inference.decision import normalise_mention
from cacre.schema import NOT_IN_SCHEMA, Schema, load_schema
from cacre.types import Candidate

CHECKS = ("subject in text", "object in text", "subject is not object", "predicate in schema", "types and direction")
"""What is checked; types and direction of a predicate that the schema lacks cannot be, and count as failed."""


@dataclass
class RuleFilter:
    """Share of `CHECKS` that a candidate passes; 1 passes all.

    Args:
        schema: The relation schema; None takes that of DuIE.
    """

    schema: Schema | None = None
    needs: Needs = field(default="nothing", init=False)
    name: str = field(default="rule_filter", init=False)

    def __post_init__(self) -> None:
        self._schema = self.schema or load_schema("duie")

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Do nothing: rules are not trained."""

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Shares in [0, 1]."""
        found = []
        for text, candidates in pairs:
            folded = normalise_mention(text)
            found.append([sum(self.checks(folded, candidate)) / len(CHECKS) for candidate in candidates])
        return found

    def checks(self, normalised_text: str, candidate: Candidate) -> tuple[bool, ...]:
        """Which of `CHECKS` a candidate passes.

        Args:
            normalised_text: The text after `normalise_mention`.
            candidate: What is checked.
        """
        subject, object_ = (normalise_mention(n) for n in (candidate.triple.subject, candidate.triple.object))
        fault = self._schema.check(candidate.triple, candidate.subject_type, candidate.object_type)
        return (
            bool(subject) and subject in normalised_text,
            bool(object_) and object_ in normalised_text,
            subject != object_,
            fault != NOT_IN_SCHEMA,
            fault is None,
        )
