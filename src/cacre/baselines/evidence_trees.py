"""Trees on string evidence: mentions, borders, cue words, negation; what CACRE's network gets besides words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cacre.baselines.protocol import Needs, Pairs, flat_pairs, labels_of, not_fitted, pairs_of, per_text
from cacre.baselines.relation_trees import Floats, RelationTrees, TreeSettings
from cacre.evaluation.labelled_scores import LabelledText
from cacre.preprocessing.characters import fold
from cacre.preprocessing.evidence import VALUES, PairContext, candidate_values, make_context
from cacre.preprocessing.mentions import gap
from cacre.preprocessing.scan import CueIndex, TextScan, scan_text
from cacre.schema import Schema, load_schema
from cacre.types import Triple

NEIGHBOURS = (
    "before_subject", "after_subject", "before_object", "after_object", "gap", "subject_at", "object_at",
    "clause_length", "cue_to_object", "cue_to_subject",
)  # fmt: skip
"""Numbers besides the evidence values: code points beside the mentions, and distances in characters, not squashed."""


@dataclass
class EvidenceTrees:
    """The floor for support: it looks at the strings around the mentions, but understands nothing.

    Args:
        schema: Gives cue words, near misses and types; None takes that of DuIE.
        settings: Size of the ensemble and its seed.
        needs: What the labels it is fitted on are.
    """

    schema: Schema | None = None
    settings: TreeSettings = field(default_factory=lambda: TreeSettings(min_leaf=20))
    needs: Needs = "lists"
    name: str = field(default="evidence_trees", init=False)

    def __post_init__(self) -> None:
        self._schema = self.schema or load_schema("duie")
        self._cues = CueIndex(self._schema)
        self._trees = RelationTrees(self.settings)

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Fit the trees.

        Raises:
            DataError: All labels are the same.
            MissingExtraError: scikit-learn is not installed.
        """
        self._trees.fit(*self._columns(pairs_of(rows)), labels_of(rows))

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Probabilities.

        Raises:
            ConfigError: It is not fitted.
        """
        if not self._trees.fitted:
            raise not_fitted(self.name)
        return per_text(self._trees.probabilities(*self._columns(pairs)), pairs)

    def numbers(self, scan: TextScan, triple: Triple) -> list[float]:
        """The numbers of one candidate: the values of `VALUES`, then those of `NEIGHBOURS`."""
        relation = self._schema.relations.get(self._schema.resolve(triple.predicate) or "")
        name = relation.name if relation else triple.predicate
        context = make_context(
            scan,
            triple._replace(predicate=name),
            self._cues.words.get(name) or (fold(name),),
            frozenset(relation.near_misses) if relation else frozenset(),
            (relation.subject_type, relation.object_type) if relation else ("", ""),
        )
        return [*candidate_values(context).values(), *_neighbours(context)]

    def _columns(self, pairs: Pairs) -> tuple[list[str], Floats]:
        rows = []
        for text, candidates in pairs:
            scan = scan_text(text, self._cues)
            rows += [self.numbers(scan, candidate.triple) for candidate in candidates]
        relations = [self._schema.resolve(c.triple.predicate) or c.triple.predicate for _, c in flat_pairs(pairs)]
        return relations, np.asarray(rows, dtype=np.float64).reshape(len(rows), len(VALUES) + len(NEIGHBOURS))


def _neighbours(context: PairContext) -> list[float]:
    if context.pair is None:
        return [math.nan] * len(NEIGHBOURS)
    text, (subject, object_) = context.scan.folded, context.pair
    around = [text[max(at, 0) : at + 1] for s in (subject, object_) for at in (s[0] - 1, s[1])]
    clause = context.scan.clause[object_[0]]
    distances = [
        min((abs(start - span[0]) for start, _ in context.cues), default=math.nan) for span in (object_, subject)
    ]
    return [
        *(float(ord(character)) if character else 0.0 for character in around),
        float(gap(subject, object_)), float(subject[0]), float(object_[0]),
        float(context.scan.clause.count(clause)), *distances,
    ]  # fmt: skip
