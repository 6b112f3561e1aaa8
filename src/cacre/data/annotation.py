"""What an annotated row says to be right in its text and, where somebody has judged its triples, what wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cacre.data.duie import DuieText, fact_of, to_duie
from cacre.data.rows import DuieRow, Row, content_of
from cacre.data.triple_labels import is_rejected, labels_of_triples
from cacre.types import Triple


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text with what is known of it.

    Args:
        text: The text and what is right in it: its `gold`, else its `spo_list`, else its `triples`: where any of them
            has a label, those that are called right, and else all that no verdict rejects.
        wrong: Triples of the row that a label calls wrong. What a verdict rejects is not among them.
        right: Triples of the row that a label calls right, be they gold or not.
    """

    text: DuieText
    wrong: tuple[Triple, ...] = ()
    right: tuple[Triple, ...] = ()


def to_annotation(row: Row) -> Annotation:
    """Make an annotation of a row that was read as `duie`.

    Raises:
        DataError: The row was read as another kind.
    """
    content, text = content_of(row, DuieRow), to_duie(row)
    gold = None if content.gold is None else tuple(map(fact_of, content.gold))
    if "spo_list" in row.raw:  # beside which `triples` are candidates, whose form is not known
        return Annotation(text if gold is None else replace(text, facts=gold))
    labels = labels_of_triples(row.raw)
    judged = [(fact, label.right) for fact, label in zip(text.facts, labels, strict=True) if label is not None]
    right, wrong = ([fact for fact, said in judged if said is wanted] for wanted in (True, False))
    if gold is not None:
        facts = gold
    elif judged:
        facts = tuple(right)
    else:
        facts = tuple(f for f, item in zip(text.facts, row.raw["triples"], strict=True) if not is_rejected(item))
    triples = (tuple(dict.fromkeys(fact.triple for fact in part)) for part in (wrong, right))
    return Annotation(replace(text, facts=facts), *triples)
