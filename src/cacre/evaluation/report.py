"""What a verifier is worth, as one HTML page that a person can read on its own: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined, Template

from cacre.errors import DataError
from cacre.evaluation.bootstrap import too_few_texts
from cacre.evaluation.candidate_groups import SMALLEST_RELATION
from cacre.evaluation.excerpts import Segment, excerpt
from cacre.evaluation.figure_style import Language
from cacre.evaluation.report_figures import FigureSource, FigureView, draw_figures
from cacre.evaluation.report_qualities import qualities
from cacre.evaluation.report_tables import (
    JudgedCandidate,
    compare_rates,
    group_rows,
    kind_counts,
    verdicts_of,
    worst_errors,
)
from cacre.evaluation.score_table import LabelSource, ScoreTable
from cacre.evaluation.verdict_summary import CORRECT, CORRECT_NOTE, ERROR_KINDS, GATES, OTHER_GATE
from cacre.inference.thresholds import Thresholds

EXCERPT = 110
"""Characters of a text that are shown with each error."""

SOURCES: dict[LabelSource, tuple[str, str, str]] = {
    "gold": (
        "the annotation of the texts (gold)",
        "A candidate is right when the annotators wrote the same triple.",
        "Gold is incomplete: a triple that the text supports but nobody annotated counts as wrong here. So precision "
        "is as much agreement with the annotators' habits as truth, and some of the errors below are none. Put labels "
        "that were judged against the text beside these numbers.",
    ),
    "support": (
        "candidates judged against the text (support)",
        "A candidate is right when a judge who read the text found that it says so.",
        "Only judged candidates count: recall is the share of the right ones that was kept, and what no candidate "
        "proposes is in no number. Where some candidates were not judged, the others may have been chosen. Judges err.",
    ),
    "lists": (
        "the LLM's own lists",
        "Anchors and their paraphrases count as right, the negatives made from them as wrong; nobody checked either.",
        "These labels come from an LLM, and its negatives are made on purpose: they show whether training worked, not "
        "how well an extractor's own errors are found.",
    ),
}
"""Label source -> who says what is right, how, and what to beware of."""


@dataclass(frozen=True)
class ReportSource:
    """What a report is made from.

    Args:
        title: Heading of the page.
        facts: What was measured, name -> value (files, model, versions), as it shall stand on the page.
        table: Labelled candidates.
        candidates: `[N]`; their verdicts, aligned with the table (`align`).
        measured: What `measure` gives for the table.
        thresholds: Those that the verdicts were found with, if they are known.
        history: Entries of the training log; empty if there is none.
        language: Of the figures' labels.
        resamples: How many files to draw for the intervals; with too few texts there are none.
        seed: Seed of the generator.
    """

    title: str
    facts: Mapping[str, str]
    table: ScoreTable
    candidates: Sequence[JudgedCandidate]
    measured: Mapping[str, Any]
    thresholds: Thresholds | None = None
    history: Sequence[Mapping[str, Any]] = field(default=())
    language: Language = "en"
    resamples: int = 1000
    seed: int = 13


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    Args:
        page: The HTML page.
        figures: What it shows, to be written as files too.
    """

    page: str
    figures: tuple[FigureView, ...]


@dataclass(frozen=True, slots=True)
class ErrorView:
    """A wrong verdict as the page shows it."""

    candidate: JudgedCandidate
    excerpt: list[Segment]


def make_report(source: ReportSource) -> Report:
    """Write the page. All that comes from the data is escaped.

    Raises:
        DataError: There are no candidates, or the verdicts are not aligned with the table.
        MissingExtraError: matplotlib or a font is missing.
    """
    table, candidates = source.table, source.candidates
    if not len(table) or len(candidates) != len(table):
        raise DataError(
            f"a report needs labelled candidates and a verdict for each, got {len(table)} and {len(candidates)}"
        )
    kept = verdicts_of(candidates)
    kinds = kind_counts(candidates)
    figures, missing = draw_figures(FigureSource(table, source.thresholds, source.history, source.language))
    worst = worst_errors(candidates)
    texts = len(np.unique(table.text))
    few = too_few_texts(texts)
    page = _template().render(
        title=source.title,
        facts=source.facts,
        labels=SOURCES[table.label_source],
        texts=texts,
        few=few,
        candidates=len(table),
        right=int(table.labels.sum()),
        kept=int(kept.sum()),
        wrong_kept=int((kept & ~table.labels).sum()),
        missed_gold=int(table.missed_gold.sum()),
        rates=compare_rates(table, kept, resamples=0 if few else source.resamples, seed=source.seed),
        qualities=qualities(source.measured),
        figures=figures,
        missing=missing,
        group_kinds=group_rows(table, kept, source.measured),
        smallest=SMALLEST_RELATION,
        kinds=kinds,
        kind_aucs={name: _auc(group) for name, group in source.measured["groups"]["error_kind"].items()},
        kind_notes={**ERROR_KINDS, CORRECT: CORRECT_NOTE},
        gates=[*GATES, *([OTHER_GATE] if any(count.rejected[OTHER_GATE] for count in kinds) else [])],
        errors=[
            ("Wrong, but kept", "The highest text scores among the wrong triples.", _views(worst.kept)),
            ("Right, but rejected", "The lowest text scores among the right triples.", _views(worst.rejected)),
        ],
    )
    return Report(page, tuple(figures))


def _auc(group: Mapping[str, Any]) -> float | None:
    found = group["auc"]["text_score"]
    return None if found is None else found["value"]


def _views(candidates: Sequence[JudgedCandidate]) -> list[ErrorView]:
    return [ErrorView(c, excerpt(c.text, c.judged.evidence, EXCERPT)) for c in candidates]


@cache
def _template() -> Template:
    folder = resources.files("cacre.resources").joinpath("templates")
    source = folder.joinpath("report.html.jinja").read_text(encoding="utf-8")
    # Autoescape is on for every string: the texts may come from anywhere.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = _percent
    return environment.from_string(source)


def _percent(value: float | None) -> str:
    """A share in percent with one decimal; a dash where there is none."""
    return "–" if value is None else f"{value * 100:.1f}"
