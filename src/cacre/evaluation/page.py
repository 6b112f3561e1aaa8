"""Verdict rows as one HTML page that needs nothing else: no script, no network, any width, light or dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from cacre.evaluation.excerpts import Segment, excerpt, segments
from cacre.evaluation.verdict_summary import (
    CORRECT,
    CORRECT_NOTE,
    ERROR_KINDS,
    GATES,
    OTHER_GATE,
    JudgedText,
    JudgedTriple,
    compare_with_gold,
    count_kinds,
    read_judged,
)
from cacre.inference.pairing import plan_companions
from cacre.inference.thresholds import OFF, Thresholds
from cacre.schema import Schema
from cacre.types import Candidate

EXCERPT = 60
"""Characters of a text that are shown with each triple."""


@dataclass(frozen=True, slots=True)
class ScoreView:
    """A score beside its threshold, ready to be drawn.

    Args:
        name: `text_score` or `pair_score`.
        value: The score in [-1, 1]; None if there is none.
        threshold: What it needs; None where the threshold is off.
        against: What a pair score was measured against.
    """

    name: str
    value: float | None
    threshold: float | None
    against: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the score does not speak against the triple."""
        return self.value is None or self.threshold is None or self.value >= self.threshold

    @property
    def fill(self) -> str:
        """Width of the bar as a percentage of [-1, 1]."""
        return _percent(self.value or 0.0)

    @property
    def tick(self) -> str:
        """Place of the threshold as a percentage of [-1, 1]."""
        return _percent(self.threshold or 0.0)


@dataclass(frozen=True, slots=True)
class TripleView:
    """One triple as the page shows it."""

    judged: JudgedTriple
    scores: tuple[ScoreView, ...]
    excerpt: list[Segment]

    @property
    def classes(self) -> str:
        """CSS classes that the page's filter goes by."""
        return ("kept" if self.judged.supported else "rejected") + (" miss" if self.judged.right is False else "")


@dataclass(frozen=True, slots=True)
class CardView:
    """One text as the page shows it."""

    id: str | None
    segments: list[Segment]
    triples: list[TripleView]

    @property
    def classes(self) -> str:
        """CSS classes that the page's filter goes by."""
        return " ".join(sorted({f"has-{name}" for view in self.triples for name in view.classes.split()}))


def render_page(
    rows: Sequence[Mapping[str, Any]], *, title: str, thresholds: Thresholds, schema: Schema, lead: str = ""
) -> str:
    """Write the page about verdict rows.

    Scores before and after are shown if rows have `gold`, kinds of error if triples have a `label`. All that comes
    from the rows is escaped.

    Args:
        rows: Verdict rows, as `cacre filter --all` writes them.
        title: Heading of the page.
        thresholds: Those that the verdicts were found with.
        schema: The relation schema of the model; says what each pair score was measured against.
        lead: A sentence under the heading.

    Raises:
        DataError: A row is not a verdict row.
    """
    texts = read_judged(rows)
    cards = [_card(text, thresholds, schema) for text in texts]
    triples = [triple for text in texts for triple in text.triples]
    kinds = count_kinds(texts)
    return _template().render(
        title=title,
        lead=lead,
        cards=cards,
        kept=sum(triple.supported for triple in triples),
        rejected=sum(not triple.supported for triple in triples),
        misses=sum(triple.right is False for triple in triples),
        labelled=any(triple.label for triple in triples),
        gold=compare_with_gold(texts),
        kinds=kinds,
        kind_notes={**ERROR_KINDS, CORRECT: CORRECT_NOTE},
        gates=[*GATES, *([OTHER_GATE] if any(count.rejected[OTHER_GATE] for count in kinds) else [])],
        text_threshold=_threshold(thresholds.text_threshold),
        pair_thresholds={name: _threshold(value) for name, value in sorted(thresholds.pair_thresholds.items())},
    )


def _card(text: JudgedText, thresholds: Thresholds, schema: Schema) -> CardView:
    candidates = [Candidate(triple.triple, paraphrase=triple.paraphrase) for triple in text.triples]
    companions = plan_companions(candidates, schema)
    views = [
        TripleView(triple, _scores(triple, other.strategy, thresholds), excerpt(text.text, triple.evidence, EXCERPT))
        for triple, other in zip(text.triples, companions, strict=True)
    ]
    evidence = [span for triple in text.triples if triple.supported for span in triple.evidence]
    return CardView(text.id, segments(text.text, evidence), views)


def _scores(triple: JudgedTriple, strategy: str | None, thresholds: Thresholds) -> tuple[ScoreView, ...]:
    return (
        ScoreView("text_score", triple.text_score, _threshold(thresholds.text_threshold)),
        ScoreView("pair_score", triple.pair_score, _threshold(thresholds.pair_threshold(strategy)), strategy),
    )


def _threshold(value: float) -> float | None:
    return value if value > OFF else None


def _percent(value: float) -> str:
    return f"{min(100.0, max(0.0, (value + 1.0) * 50.0)):.1f}"


@cache
def _template() -> Template:
    source = resources.files("cacre.resources").joinpath("templates", "verdicts.html").read_text(encoding="utf-8")
    # Autoescape is on for every string: the texts may come from anywhere.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)
