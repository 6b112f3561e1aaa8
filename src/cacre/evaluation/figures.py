"""The figures: values in, a matplotlib figure out, no state shared between them.

Each one is a column wide, told apart without colour too, and labelled in English or Chinese. `save` writes it.
matplotlib is only imported when a figure is made (the `eval` extra).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cacre.errors import DataError
from cacre.evaluation.curves import (
    PAPER_TPR,
    false_positives_removed_at_tpr,
    reliability_bins,
    roc_auc,
    roc_curve,
)
from cacre.evaluation.figure_data import Similarities, ThresholdSurface
from cacre.evaluation.figure_style import (
    BLUE,
    CYCLE,
    GREEN,
    INK,
    ORANGE,
    VERMILLION,
    Language,
    figure_style,
    new_figure,
    save,
)
from cacre.evaluation.figure_words import word
from cacre.evaluation.score_table import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "reliability_figure",
    "risk_coverage_figure",
    "roc_figure",
    "save",
    "similarity_histograms",
    "threshold_surface_figure",
    "training_curves_figure",
]

_STYLES = ("-", "--", "-.", ":")
_AUCS = ("text_auc", "anchor_auc", "mean_auc")


def roc_figure(similarities: Similarities, *, tpr: float = PAPER_TPR, language: Language = "en") -> Figure:
    """Figure 2 of the paper: ROC curves of the pair scores (anchor) and the text scores in one plot.

    Args:
        similarities: Cosines of positive and negative pairs; a curve needs both of its kinds, and one that lacks
            one is left out.
        tpr: The operating point to mark.
        language: Of the labels.

    Raises:
        DataError: Neither curve can be drawn.
        MissingExtraError: matplotlib or a font is missing.
    """
    sides = {"anchor_roc": similarities.labelled("anchor"), "text_roc": similarities.labelled("text")}
    curves = [(name, *side) for name, side in sides.items() if side[0].any() and not side[0].all()]
    if not curves:
        raise DataError("an ROC curve needs positive and negative pairs, got none of one kind")
    with figure_style(language):
        figure, (axes,) = new_figure(3.5)
        for (name, labels, scores), colour, style in zip(curves, (BLUE, VERMILLION), _STYLES, strict=False):
            label = word(language, "auc", name=word(language, name), auc=roc_auc(labels, scores))
            removed = false_positives_removed_at_tpr(labels, scores, tpr)
            label += "\n" + word(language, "removed", share=removed, tpr=f"{tpr:.3f}")
            curve = roc_curve(labels, scores)
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, style, color=colour, label=label)
            axes.plot(1 - removed, tpr, "o", color=colour, markersize=5, clip_on=False, zorder=3)
        axes.axline((0, 0), slope=1, color=INK, linewidth=0.6, linestyle=":")
        axes.axhline(tpr, color=INK, linewidth=0.6, linestyle=":")
        axes.set(xlim=(0, 1), ylim=(0, 1.005), xlabel=word(language, "fpr"), ylabel=word(language, "tpr"))
        axes.set_aspect("equal")
        axes.legend(loc="lower right")
    return figure


def similarity_histograms(
    similarities: Similarities,
    *,
    text_threshold: float | None = None,
    pair_thresholds: Mapping[str, float] | None = None,
    bins: int = 40,
    language: Language = "en",
) -> Figure:
    """Figure 3 of the paper: cosines of the four kinds of pairs, in the same bins, below each other.

    Args:
        similarities: The cosines; a kind without any has an empty plot.
        text_threshold: tau_1, drawn where text and triple are compared; None draws none.
        pair_thresholds: tau_2 by pair strategy, drawn where triples are compared.
        bins: How many.
        language: Of the labels.

    Raises:
        DataError: There are no cosines at all.
        MissingExtraError: matplotlib or a font is missing.
    """
    text_marks = {} if text_threshold is None else {"": text_threshold}
    kinds = (
        ("anchor_positive", similarities.anchor_positive, pair_thresholds or {}, BLUE),
        ("anchor_negative", similarities.anchor_negative, pair_thresholds or {}, VERMILLION),
        ("text_positive", similarities.text_positive, text_marks, BLUE),
        ("text_negative", similarities.text_negative, text_marks, VERMILLION),
    )
    values = np.concatenate([cosines for _, cosines, _, _ in kinds])
    if not len(values):
        raise DataError("histograms need at least one similarity, got none")
    edges = np.histogram_bin_edges(values, bins)
    with figure_style(language):
        figure, axes = new_figure(4.8, rows=4)
        for (name, cosines, thresholds, colour), plot in zip(kinds, axes, strict=True):
            plot.hist(cosines, edges, color=colour, alpha=0.85)
            _mark_thresholds(plot, thresholds, language)
            plot.set_ylabel(word(language, "pairs"))
            plot.set_title(word(language, name), loc="left", pad=3)
            plot.set_title(_count(cosines, language), loc="right", pad=3, fontsize=7)
        axes[-1].set_xlabel(word(language, "cosine"))
        axes[-1].set_xlim(float(edges[0]), float(edges[-1]))
    return figure


def threshold_surface_figure(
    surface: ThresholdSurface, *, fitted: Mapping[str, tuple[float, float]] | None = None, language: Language = "en"
) -> Figure:
    """F1 over both thresholds as a map with contour lines, with the best point and those in use.

    Both axes are spaced by rank, so that each step passes as many scores: cosines crowd near 1.

    Args:
        surface: F1 at each pair of thresholds.
        fitted: Name -> (text threshold, pair threshold) to mark; a threshold outside the map stands on its border.
        language: Of the labels.

    Raises:
        MissingExtraError: matplotlib or a font is missing.
    """
    f1 = surface.f1
    high = float(f1.max())
    low = max(float(f1.min()), min(surface.unfiltered, high) - 0.1)  # far below, every colour would be spent on nothing
    levels = np.linspace(low, high if high > low else low + 1e-3, 13)
    with figure_style(language):
        figure, (axes,) = new_figure(3.3)
        filled = axes.contourf(f1.T, levels, cmap="cividis", extend="min")
        axes.contour(f1.T, levels[::2], colors="white", linewidths=0.4, alpha=0.7)
        bar = figure.colorbar(filled, ax=axes, pad=0.02, format="%.2f")
        bar.outline.set_visible(False)
        bar.set_label(word(language, "surface", f1=surface.unfiltered))
        _mark(axes, surface.place(*surface.best), "*", ORANGE, word(language, "best", f1=high))
        for (name, point), marker in zip((fitted or {}).items(), "oDsv^P", strict=False):
            _mark(axes, surface.place(*point), marker, "white", name)
        for axis, grid in ((axes.xaxis, surface.text_thresholds), (axes.yaxis, surface.pair_thresholds)):
            places = np.unique(np.linspace(0, len(grid) - 1, 6).round().astype(int))
            axis.set_ticks(places.tolist(), [f"{grid[place]:.3f}" for place in places])
        axes.set(xlabel=word(language, "text_threshold"), ylabel=word(language, "pair_threshold"))
        axes.grid(False)
        figure.legend(loc="outside upper center", ncols=3, columnspacing=1.0, handletextpad=0.4)
    return figure


def risk_coverage_figure(
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], *, unfiltered: float, language: Language = "en"
) -> Figure:
    """What share of the kept candidates is wrong when only the best-scored share is kept.

    Args:
        curves: Name of a score -> (coverage, risk), each `[K]`.
        unfiltered: Risk of keeping everything.
        language: Of the labels.

    Raises:
        DataError: There is no curve.
        MissingExtraError: matplotlib or a font is missing.
    """
    if not curves:
        raise DataError("a risk-coverage figure needs at least one curve, got none")
    with figure_style(language):
        figure, (axes,) = new_figure(2.7)
        for number, (name, (coverage, risk)) in enumerate(curves.items()):
            axes.plot(coverage, risk, _STYLES[number % 4], color=CYCLE[number % len(CYCLE)], label=name)
        label = word(language, "unfiltered", risk=unfiltered)
        axes.axhline(unfiltered, color=INK, linewidth=0.6, linestyle=":", label=label)
        axes.set(xlim=(0, 1), xlabel=word(language, "coverage"), ylabel=word(language, "risk"))
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower right")
    return figure


def reliability_figure(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = 10, language: Language = "en"
) -> Figure:
    """Predicted probability against the share that is right, and how many candidates each bin holds.

    Args:
        labels: `[N]`, true = right.
        probabilities: `[N]`, in [0, 1].
        bins: How many, of equal width.
        language: Of the labels.

    Raises:
        DataError: As `reliability_bins`.
        MissingExtraError: matplotlib or a font is missing.
    """
    found = reliability_bins(labels, probabilities, bins)
    with figure_style(language):
        figure, (plot, below) = new_figure(3.8, rows=2, ratios=(3, 1))
        plot.axline((0, 0), slope=1, color=INK, linewidth=0.6, linestyle=":", label=word(language, "perfect"))
        filled = found.count > 0
        plot.plot(
            found.mean_probability[filled], found.share_true[filled], "o-", color=BLUE, markersize=4, clip_on=False
        )
        plot.set(xlim=(0, 1), ylim=(0, 1), ylabel=word(language, "observed"))
        plot.legend(loc="lower right")
        bars = below.bar((np.arange(bins) + 0.5) / bins, found.count, 0.9 / bins, color=GREEN)
        below.bar_label(bars, fmt="{:.0f}", fontsize=6)
        below.set(xlabel=word(language, "probability"), ylabel=word(language, "candidates"))
        below.margins(y=0.25)
    return figure


def training_curves_figure(history: Sequence[Mapping[str, Any]], *, language: Language = "en") -> Figure:
    """Training loss and, where it was measured, AUC on dev by step.

    Args:
        history: Entries of a trainer's log, as in `metrics.json`: `step` with `loss`, or with `eval_text_auc` and such.
        language: Of the labels.

    Raises:
        DataError: No entry has a loss.
        MissingExtraError: matplotlib or a font is missing.
    """
    steps, losses = _series(history, "loss")
    if not len(steps):
        raise DataError("training curves need entries with step and loss, got none: give the history of a training run")
    scores = {name: _series(history, f"eval_{name}") for name in _AUCS}
    scores = {name: series for name, series in scores.items() if len(series[0])}
    with figure_style(language):
        figure, axes = new_figure(3.6 if scores else 2.3, rows=2 if scores else 1)
        axes[0].plot(steps, losses, color=BLUE)
        axes[0].set(ylabel=word(language, "loss"))
        for (name, (at, values)), colour, style in zip(scores.items(), CYCLE[1:], _STYLES, strict=False):
            axes[1].plot(at, values, style, color=colour, marker="o", markersize=3, label=word(language, name))
        if scores:
            axes[1].set(ylabel=word(language, "dev_auc"))
            axes[1].legend(loc="lower right", ncols=3)
        axes[-1].set_xlabel(word(language, "step"))
    return figure


def _series(history: Sequence[Mapping[str, Any]], key: str) -> tuple[Floats, Floats]:
    """Steps and values `[K]` of the entries that have a number under `key`."""
    found = [(entry["step"], entry[key]) for entry in history if "step" in entry and key in entry]
    pairs = np.asarray(found, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _count(cosines: Floats, language: Language) -> str:
    if not len(cosines):
        return word(language, "count", count=0)
    return word(language, "count_mean", count=len(cosines), mean=float(cosines.mean()))


def _mark_thresholds(axes: Axes, thresholds: Mapping[str, float], language: Language) -> None:
    for (name, value), style in zip(thresholds.items(), ("--", ":", "-."), strict=False):
        label = word(language, "threshold", value=value) + (f" ({name})" if name else "")
        axes.axvline(value, color=INK, linewidth=1.0, linestyle=style, label=label)
    if thresholds:
        axes.legend(loc="upper left")


def _mark(axes: Axes, place: tuple[float, float], marker: str, colour: str, label: str) -> None:
    size = 10 if marker == "*" else 5
    axes.plot(
        *place, marker, color=colour, markeredgecolor="black", markersize=size, label=label, clip_on=False, zorder=3
    )
