"""Table 5: similarities of two cases, built as the paper's are, in texts of our own."""

from __future__ import annotations

from dataclasses import dataclass

from cacre.inference import OnnxVerifier
from cacre.reproduction import paper_numbers as paper
from cacre.reproduction.tables import Table
from cacre.types import Candidate, Triple


@dataclass(frozen=True, slots=True)
class Case:
    """A text with one anchor, one positive and one negative."""

    text: str
    anchor: Triple
    positive: Triple
    negative: Triple


CASES = (
    Case(
        "云岫王的母亲是苏绾。",
        Triple("云岫王", "母亲", "苏绾"),
        Triple("苏绾", "儿子", "云岫王"),
        Triple("苏绾", "母亲", "云岫王"),
    ),
    Case(
        "《雾中渡》是一部由林知远导演、顾青禾等人主演的剧情片。",
        Triple("雾中渡", "主演", "顾青禾"),
        Triple("雾中渡", "演员", "顾青禾"),
        Triple("雾中渡", "导演", "顾青禾"),
    ),
)
"""A mother with an inverse positive and swapped roles; an actor with the director's relation as negative."""


def similarities(verifier: OnnxVerifier, case: Case) -> dict[str, float]:
    """The four similarities of Table 5."""
    against = [Candidate(case.anchor, paraphrase=case.positive), Candidate(case.anchor, paraphrase=case.negative)]
    alone = [Candidate(case.positive), Candidate(case.negative)]
    [[positive, negative, positive_text, negative_text]] = verifier.score_many(
        [(case.text, [*against, *alone])], ("paraphrase", "schema")
    )
    return {
        "anchor-negative": float(negative.pair_score or 0.0),
        "positive-anchor": float(positive.pair_score or 0.0),
        "positive-text": positive_text.text_score,
        "negative-text": negative_text.text_score,
    }


def table_5(verifier: OnnxVerifier) -> Table:
    """Table 5 with the paper's similarities beside those of a verifier."""
    rows = []
    for case, printed in zip(CASES, paper.TABLE_5, strict=True):
        found = similarities(verifier, case)
        rows.append([case.text, *(f"{printed[key]:.3f} / {found[key]:.3f}" for key in found)])
    header = ["text", *paper.TABLE_5[0]]
    notes = [
        "Paper / here. The paper's two texts belong to DuIE; these are built alike, with invented names.",
        "What counts is that each positive is above its negative; the scale of the scores depends on the training.",
    ]
    return Table("Table 5: two cases", header, rows, notes)
