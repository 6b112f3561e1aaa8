"""What all adapters do: ask the verifier, and write what it said beside a relation."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cacre.inference import Verifier
from cacre.inference.reading import meant
from cacre.schema import Schema
from cacre.types import Candidate, Triple, Verdict

KEYS = (
    "text_score",
    "pair_score",
    "probability",
    "evidence",
    "evidence_start",
    "evidence_end",
    "judged_as",
    "reason",
    "modality",
)
"""Properties that a judged relation has; all are strings, numbers or lists of one of them, as graph stores want."""
_Node = TypeVar("_Node", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A relation that was taken out.

    Args:
        said: The relation in the tool's own names.
        verdict: Why, and what was judged.
        source: The tool's id of the text.
    """

    said: Triple
    verdict: Verdict
    source: str | None = None


def judge(verifier: Verifier, rows: Sequence[tuple[str, Sequence[Candidate]]]) -> list[list[Verdict]]:
    """The verdicts of each row, in order. Names that are empty are rejected without being asked about.

    Extractors do give empty names now and then, and one of them must not stop a whole job.

    Raises:
        DataError: A text with candidates is empty or too long, or has too many candidates.
    """
    asked = [(text, [c for c in candidates if _empty_part(c) is None]) for text, candidates in rows]
    busy = [row for row in asked if row[1]]
    answers = iter(verifier.verify_many(busy) if busy else [])
    judged = []
    for (_, candidates), (_, usable) in zip(rows, asked, strict=True):
        verdicts = iter(next(answers) if usable else [])
        judged.append([_unasked(candidate) or next(verdicts) for candidate in candidates])
    return judged


def with_verdict(
    properties: Mapping[str, Any], verdict: Verdict, text: str, said: Triple, schema: Schema | None
) -> dict[str, Any]:
    """The properties of a relation, with what the verifier said in place of what it may have said before.

    Args:
        properties: What the relation had.
        verdict: The verdict; what it has no value for is no property.
        text: What the evidence points into.
        said: The relation as the tool has it; `judged_as` is there only where something else was judged.
        schema: Tells whether a predicate has several readings: which of them was judged is no fact for a graph.
    """
    triple = meant(verdict, schema)
    found = {
        "text_score": verdict.text_score,
        "pair_score": verdict.pair_score,
        "probability": verdict.probability,
        "evidence": [text[start:end] for start, end in verdict.evidence],
        "evidence_start": [start for start, _ in verdict.evidence],
        "evidence_end": [end for _, end in verdict.evidence],
        "judged_as": None if triple == said else " ".join(triple),
        "reason": verdict.reason,
        "modality": None if verdict.modality is None else verdict.modality.kind,
    }
    kept = {key: value for key, value in properties.items() if key not in KEYS}
    return {**kept, **{key: value for key, value in found.items() if value is not None and value != []}}


def stranded(kept: Iterable[tuple[_Node, _Node]], rejected: Iterable[tuple[_Node, _Node]]) -> set[_Node]:
    """Nodes that had relations and lost them all: nothing in the text speaks for them any more."""
    return {node for ends in rejected for node in ends} - {node for ends in kept for node in ends}


def _empty_part(candidate: Candidate) -> str | None:
    for name, part in candidate.triple._asdict().items():
        if not isinstance(part, str) or not part.strip():
            return name
    return None


def _unasked(candidate: Candidate) -> Verdict | None:
    empty = _empty_part(candidate)
    return None if empty is None else Verdict(candidate, "rejected", reason=f"{empty} is empty")
