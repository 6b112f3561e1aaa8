"""Labels of candidates, from contrastive lists, from an annotation, or from who has read the text."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from cacre.data.conversion import CandidateSet, to_candidates
from cacre.data.normalisation import normalise_triple
from cacre.data.rows import Row
from cacre.errors import DataError
from cacre.evaluation.label_reading import labels_of
from cacre.evaluation.labelled_scores import LabelledText
from cacre.types import Candidate, Example, Triple


def label_by_lists(example: Example) -> LabelledText:
    """Anchors are true, negatives are false: labels that need no annotator (A29 b)."""
    wrong = [
        triple for triple in dict.fromkeys((*example.negatives, *example.hard)) if triple not in set(example.anchors)
    ]
    pairs = dict(zip(example.anchors, example.positives, strict=True))
    right = [Candidate(anchor, paraphrase=positive) for anchor, positive in pairs.items()]
    labels = (True,) * len(right) + (False,) * len(wrong)
    return LabelledText(example.text, (*right, *map(Candidate, wrong)), labels, lists=True)


def label_by_gold(text: str, candidates: Sequence[Candidate], gold: Sequence[Triple]) -> LabelledText:
    """A candidate is true when the annotation has it (A29 c), its three parts as `normalise_name` leaves them.

    That is laxer than the DuIE scorer. Every 《 and 》 is dropped, where the scorer drops one enclosing pair; outer
    spaces are stripped, which count there; the two Chinese scripts are one; and case and width are folded in the
    predicate too, where the scorer lower-cases subject and object and takes the predicate as it is. A candidate may
    thus be true here and wrong there.
    """
    wanted = {normalise_triple(triple) for triple in gold}
    found = [normalise_triple(candidate.triple) for candidate in candidates]
    return LabelledText(text, tuple(candidates), tuple(t in wanted for t in found), len(wanted - set(found)))


def label_all_by_gold(rows: Sequence[tuple[str, Sequence[Candidate], Sequence[Triple]]]) -> list[LabelledText]:
    """`label_by_gold` of rows whose texts may be the same: such rows share their gold, and miss together what none has.

    Args:
        rows: Text, candidates and gold of each.
    """
    gold: dict[str, list[Triple]] = {}
    found: dict[str, list[Candidate]] = {}
    for text, candidates, wanted in rows:
        gold.setdefault(text, []).extend(wanted)
        found.setdefault(text, []).extend(candidates)
    missed = {text: label_by_gold(text, found[text], wanted).missed_gold for text, wanted in gold.items()}
    labelled = [label_by_gold(text, candidates, gold[text]) for text, candidates, _ in rows]
    return [replace(row, missed_gold=missed.pop(row.text, 0)) for row in labelled]


def label_candidates(row: CandidateSet) -> LabelledText:
    """A candidate row with its gold.

    Raises:
        DataError: The row has no gold.
    """
    if row.gold is None:
        raise DataError("the row has no gold, so its candidates have no labels", field="gold")
    return label_by_gold(row.text, row.candidates, row.gold)


def label_by_support(row: Row) -> LabelledText | None:
    """A candidate is true when who read the text says so; labels stand in the row, in any shape that is read.

    Args:
        row: A candidate row; `labels` aligned with `triples`, or `label` or `supported` in each triple.

    Returns:
        None if no candidate of the row is judged. Support labels say nothing of what was never proposed.

    Raises:
        DataError: A label is not well formed.
    """
    content = to_candidates(row)
    try:
        found = labels_of(row.raw, "support")
    except DataError as error:
        raise row.error(error.reason, error.field) from error
    if found is None:
        return None
    labels = tuple(found.of(normalise_triple(candidate.triple)).right for candidate in content.candidates)
    return None if all(label is None for label in labels) else LabelledText(content.text, content.candidates, labels)


def of_relations(row: LabelledText, relations: Container[str]) -> LabelledText:
    """The row with the candidates of some relations alone; of others nothing is missed either."""
    kept = [place for place, one in enumerate(row.candidates) if one.triple.predicate in relations]
    candidates, labels = tuple(row.candidates[place] for place in kept), tuple(row.labels[place] for place in kept)
    return replace(row, candidates=candidates, labels=labels, missed_gold=0)
