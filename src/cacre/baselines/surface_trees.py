"""Trees on surface features: what an annotator's habits betray to someone who never reads the text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cacre.baselines.protocol import Needs, Pairs, flat_pairs, labels_of, not_fitted, pairs_of, per_text
from cacre.baselines.relation_trees import Floats, RelationTrees, TreeSettings
from cacre.evaluation.labelled_scores import LabelledText
from cacre.preprocessing.characters import fold, strip_title_marks
from cacre.preprocessing.mentions import find_all
from cacre.types import Candidate, Triple

NUMBERS = (
    "subject_length", "object_length", "text_length", "predicate_length",
    "subject_at", "object_at", "subject_at_share", "object_at_share", "object_after_subject", "apart",
    "subject_occurrences", "object_occurrences",
    "candidates", "place", "place_share", "relations", "same_relation", "same_subject", "same_object", "same_pair",
    "same_subject_and_relation",
)  # fmt: skip
"""Names of the numbers of a candidate; nan where a name is not in the text. Lengths and positions are in characters."""


@dataclass
class SurfaceTrees:
    """The floor for gold labels: relation, lengths, positions and counts; no character is ever looked at.

    The counts are over the candidates of the same text, so that a candidate alone may score otherwise.

    Args:
        settings: Size of the ensemble and its seed.
        needs: What the labels it is fitted on are.
    """

    settings: TreeSettings = field(default_factory=TreeSettings)
    needs: Needs = "gold"
    name: str = field(default="surface_trees", init=False)

    def __post_init__(self) -> None:
        self._trees = RelationTrees(self.settings)

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Fit the trees.

        Raises:
            DataError: All labels are the same.
            MissingExtraError: scikit-learn is not installed.
        """
        self._trees.fit(*_columns(pairs_of(rows)), labels_of(rows))

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Probabilities.

        Raises:
            ConfigError: It is not fitted.
        """
        if not self._trees.fitted:
            raise not_fitted(self.name)
        return per_text(self._trees.probabilities(*_columns(pairs)), pairs)


def surface_numbers(text: str, candidates: Sequence[Candidate]) -> Floats:
    """The numbers of the candidates of one text, `[N, 21]`, in the order of `NUMBERS`."""
    folded = fold(text)
    triples = [candidate.triple for candidate in candidates]
    counts = [
        [len(triples), place, place / len(triples), len({t.predicate for t in triples})]
        for place in range(len(triples))
    ]
    shared = [Counter(map(key, triples)) for key in _KEYS]
    rows = [
        [*_own_numbers(folded, triple), *count, *(found[key(triple)] for key, found in zip(_KEYS, shared, strict=True))]
        for triple, count in zip(triples, counts, strict=True)
    ]
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), len(NUMBERS))


def _own_numbers(folded: str, triple: Triple) -> list[float]:
    names = [fold(strip_title_marks(name)) for name in (triple.subject, triple.object)]
    spans = [find_all(name, folded) for name in names]
    subject_at, object_at = (float(found[0][0]) if found else math.nan for found in spans)
    length = len(folded)
    return [
        len(names[0]), len(names[1]), length, len(triple.predicate),
        subject_at, object_at, subject_at / length, object_at / length, object_at - subject_at,
        abs(object_at - subject_at), len(spans[0]), len(spans[1]),
    ]  # fmt: skip


_KEYS: tuple[Callable[[Triple], tuple[str, ...]], ...] = (
    lambda triple: (triple.predicate,),
    lambda triple: (triple.subject,),
    lambda triple: (triple.object,),
    lambda triple: (triple.subject, triple.object),
    lambda triple: (triple.subject, triple.predicate),
)
"""What candidates of one text may share."""


def _columns(pairs: Pairs) -> tuple[list[str], Floats]:
    relations = [candidate.triple.predicate for _, candidate in flat_pairs(pairs)]
    return relations, np.concatenate(
        [np.empty((0, len(NUMBERS))), *(surface_numbers(text, candidates) for text, candidates in pairs)]
    )
