"""From rows to the values the rest of cacre works with, and from verdicts back to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from cacre.data.rows import CandidateItem, CandidateRow, ContrastiveRow, Row, SpoItem, VerdictRow, content_of
from cacre.data.shapes import named_parts
from cacre.errors import DataError
from cacre.types import VERDICT_KEYS, Candidate, Example, Modality, ModalityKind, Triple, Verdict


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """A text with what is to be judged against it.

    Args:
        text: The text.
        candidates: The candidates, in the order of the row.
        gold: Annotated triples, None where the row has none.
        id: Name of the row, if it has one.
    """

    text: str
    candidates: tuple[Candidate, ...]
    gold: tuple[Triple, ...] | None = None
    id: str | None = None


def to_example(row: Row) -> Example:
    """Make an example of a contrastive row.

    Raises:
        DataError: The row was read as another kind.
    """
    content = content_of(row, ContrastiveRow)
    return Example(
        text=content.text,
        anchors=content.anchors,
        positives=content.positives,
        negatives=content.negatives,
        hard=tuple(triple for triple, _ in content.hard),
        id=content.id,
        gold=_gold(content.gold),
    )


def to_candidates(row: Row) -> CandidateSet:
    """Make text, candidates and gold of a candidate row or a verdict row.

    Raises:
        DataError: The row was read as another kind.
    """
    content: CandidateRow | VerdictRow
    content = row.content if isinstance(row.content, VerdictRow) else content_of(row, CandidateRow)
    return CandidateSet(content.text, tuple(map(_candidate, content.triples)), _gold(content.gold), content.id)


def verdict_row(candidate_row: Mapping[str, Any], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Write verdicts into the row they were asked for.

    Args:
        candidate_row: The raw candidate row (`Row.raw`); it is not changed.
        verdicts: One per triple of the row, in its order.

    Returns:
        A new row: all keys of the old one, and in each triple `verdict`, `text_score`, `pair_score`, `probability`,
        `evidence`, when rejected `reason`, `modality` with `modality_cue` where the text does not simply assert it, and
        `judged_as` where something else was judged in its place. A triple given as a list gets names. Scores are
        rounded to 6 digits.

    Raises:
        DataError: The verdicts are not those of the row's triples.
    """
    items = list(map(named_parts, candidate_row["triples"]))
    if len(items) != len(verdicts):
        raise DataError(f"got {len(verdicts)} verdicts for {len(items)} triples: pass one per triple", field="triples")
    judged = []
    for index, (item, verdict) in enumerate(zip(items, verdicts, strict=True)):
        if (item["subject"], item["predicate"], _judged_object(item)) != tuple(verdict.candidate.triple):
            reason = f"the verdict is about {tuple(verdict.candidate.triple)!r}: pass verdicts in the row's order"
            raise DataError(reason, field=f"triples[{index}]")
        judged.append({**_unjudged(item), **verdict.judgement()})
    return {**candidate_row, "triples": judged}


def _judged_object(item: Mapping[str, Any]) -> object:
    """The object, or the "@value" of a complex one."""
    value = item["object"]
    return value["@value"] if isinstance(value, dict) else value


def _unjudged(item: Mapping[str, Any]) -> dict[str, Any]:
    # Such a key is ours, and stale, only beside a "verdict"; otherwise a "reason" is the user's own and stays.
    stale = VERDICT_KEYS if "verdict" in item else ()
    return {key: value for key, value in item.items() if key not in stale}


def modality_of(item: Mapping[str, Any]) -> Modality | None:
    """How the text puts a judged triple: its `modality` and `modality_cue`; None where a row has other things there."""
    kind, cue = item.get("modality"), item.get("modality_cue")
    if kind not in get_args(ModalityKind) or not isinstance(cue, list | tuple) or len(cue) != 2:
        return None
    return Modality(cast("ModalityKind", kind), (int(cue[0]), int(cue[1])))


def _candidate(item: CandidateItem) -> Candidate:
    return Candidate(item.triple, item.subject_type, item.object_type, item.paraphrase, dict(item.model_extra or {}))


def _gold(items: Sequence[SpoItem] | None) -> tuple[Triple, ...] | None:
    return None if items is None else tuple(item.triple for item in items)
