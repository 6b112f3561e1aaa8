"""The figures of the report: which can be drawn, as SVG that fits into a page, and how to read each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from cacre.evaluation.curves import risk_coverage_curve
from cacre.evaluation.figure_data import Similarities, threshold_surface
from cacre.evaluation.figure_style import GRID, INK, Language, as_svg
from cacre.evaluation.figures import (
    reliability_figure,
    risk_coverage_figure,
    roc_figure,
    similarity_histograms,
    threshold_surface_figure,
    training_curves_figure,
)
from cacre.evaluation.score_table import ScoreTable
from cacre.inference.thresholds import OFF, Thresholds

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure as the page shows it.

    Args:
        name: File name without ending; unique on the page.
        title: What it shows.
        caption: How to read it.
        figure: The figure, for files.
        svg: The same as markup for a page.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    svg: Markup


@dataclass(frozen=True)
class FigureSource:
    """What the figures are drawn from.

    Args:
        table: Labelled candidates.
        thresholds: Those to mark, if they are known.
        history: Entries of the training log; empty if there is none.
        language: Of the labels.
    """

    table: ScoreTable
    thresholds: Thresholds | None = None
    history: Sequence[Mapping[str, Any]] = field(default=())
    language: Language = "en"


_TEXTS = {
    "roc": (
        "Can the scores tell right from wrong?",
        "Each point is a threshold: how many right triples it keeps (up) and how many wrong ones (to the right). The "
        "further a curve bends to the upper left, the better; the diagonal is chance. The text curve compares texts "
        "with triples, the anchor curve triples with their paraphrases. Dots: the strictest threshold that keeps "
        "97.4 % of the right triples.",
    ),
    "similarities": (
        "Where the scores lie",
        "The four kinds of pairs in the same bins. Right triples (positive) should lie to the right of the threshold, "
        "wrong ones (negative) to the left; what two plots share, no threshold can part.",
    ),
    "thresholds": (
        "How much depends on the thresholds",
        "F1 for every pair of thresholds, one pair threshold for all ways of comparing. Axes are spaced by rank: each "
        "step passes as many scores. A wide bright field means that the thresholds need not be exact; the lower left "
        "corner keeps everything. The star is the best on these candidates, so that it flatters.",
    ),
    "risk-coverage": (
        "How wrong is what is kept",
        "Keep the best-scored share (to the right) and see what share of it is wrong (up). A useful score rises from "
        "left to right; the dotted line is the risk of keeping everything. The far left rests on few candidates.",
    ),
    "reliability": (
        "Can the probability be taken at its word?",
        "Of the candidates with probability .7, 70 % should be right: points on the diagonal. Above it the model is "
        "too timid, below it too sure. The bars count the candidates of each bin; small ones say little.",
    ),
    "training": (
        "How training went",
        "The loss on training batches, and below it the AUC on the dev set by which the checkpoint was chosen.",
    ),
}


def draw_figures(source: FigureSource) -> tuple[list[FigureView], list[str]]:
    """Draw each figure that the data allows.

    Returns:
        The figures, and for each one left out a line that says why.

    Raises:
        MissingExtraError: matplotlib or a font is missing.
    """
    table = source.table
    both = bool(table.labels.any()) and not bool(table.labels.all())
    pairs, probable = np.isfinite(table.pair_score), np.isfinite(table.probability)
    one_label = "all candidates have the same label"
    steps: tuple[tuple[str, Callable[[FigureSource], Figure], str | None], ...] = (
        ("roc", _roc, None if both else one_label),
        ("similarities", _similarities, None if len(table) else "there are no candidates"),
        ("thresholds", _surface, one_label if not both else None if pairs.any() else "there are no pair scores"),
        ("risk-coverage", _risk, None if both else one_label),
        ("reliability", _reliability, None if probable.any() else "no candidate has a probability"),
        ("training", _training, None if source.history else "no training log was given"),
    )
    views, missing = [], []
    for name, draw, reason in steps:
        title, caption = _TEXTS[name]
        if reason is None:
            figure = draw(source)
            views.append(FigureView(name, title, caption, figure, inline_svg(as_svg(figure), name, title)))
        else:
            missing.append(f"Not drawn: “{title}”, because {reason}.")
    return views, missing


def inline_svg(document: str, prefix: str, label: str) -> Markup:
    """Make a matplotlib SVG document part of a page.

    Prolog, metadata and namespaces go, ids get a prefix so that figures do not mix, and the colours of text and grid
    become those of the page.

    Args:
        document: As `as_svg` gives it.
        prefix: Of its ids.
        label: What a screen reader says.
    """
    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would hold for the whole page
    body = re.sub(r' xmlns(:xlink)?="[^"]*"', "", body).replace("xlink:href", "href")
    body = re.sub(r"(\sid=\"|href=\"#|url\(#)", rf"\g<1>{prefix}-", body)
    body = re.sub(INK, "currentColor", body, flags=re.IGNORECASE)
    body = re.sub(GRID, "var(--line)", body, flags=re.IGNORECASE)
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    # matplotlib escapes the text it writes
    return Markup(body.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1).strip())


def _roc(source: FigureSource) -> Figure:
    return roc_figure(Similarities.of_table(source.table), language=source.language)


def _similarities(source: FigureSource) -> Figure:
    thresholds = source.thresholds
    used = set(source.table.strategy) - {None}
    return similarity_histograms(
        Similarities.of_table(source.table),
        text_threshold=thresholds.text_threshold if thresholds and thresholds.text_threshold > OFF else None,
        pair_thresholds={name: tau for name, tau in _pair_thresholds(thresholds).items() if name in used},
        language=source.language,
    )


def _pair_thresholds(thresholds: Thresholds | None) -> dict[str, float]:
    """Those that are on."""
    return {} if thresholds is None else {n: tau for n, tau in thresholds.pair_thresholds.items() if tau > OFF}


def _surface(source: FigureSource) -> Figure:
    thresholds = source.thresholds
    tau_1 = OFF if thresholds is None else thresholds.text_threshold
    fitted = {name: (tau_1, tau_2) for name, tau_2 in _pair_thresholds(thresholds).items()}
    return threshold_surface_figure(threshold_surface(source.table), fitted=fitted, language=source.language)


def _risk(source: FigureSource) -> Figure:
    table = source.table
    columns = {"text_score": table.text_score, "pair_score": table.pair_score, "probability": table.probability}
    curves = {}
    for name, scores in columns.items():
        known = np.isfinite(scores)
        if known.all():  # of a part of the candidates the curve would not be comparable
            curve = risk_coverage_curve(table.labels, scores)
            curves[name] = (curve.coverage, curve.risk)
    return risk_coverage_figure(curves, unfiltered=float((~table.labels).mean()), language=source.language)


def _reliability(source: FigureSource) -> Figure:
    known = np.isfinite(source.table.probability)
    return reliability_figure(source.table.labels[known], source.table.probability[known], language=source.language)


def _training(source: FigureSource) -> Figure:
    return training_curves_figure(source.history, language=source.language)
