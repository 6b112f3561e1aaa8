"""How well a verifier's scores tell right candidates from wrong ones, before any threshold is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cacre.errors import ConfigError, DataError
from cacre.evaluation.bootstrap import TextDraws, bootstrap_scores, percentile_interval
from cacre.evaluation.candidate_groups import candidate_groups
from cacre.evaluation.curves import PAPER_TPR, bin_places, reliability_bins
from cacre.evaluation.score_table import Bools, Floats, LabelSource, ScoreTable
from cacre.evaluation.sweep import Ranking, Sweep, ratio

SCORES = ("text_score", "pair_score", "probability")
"""The columns that are measured."""
RECALLS = (0.5, 0.8, 0.9, 0.95, PAPER_TPR)
PRECISIONS = (0.7, 0.8, 0.9, 0.95)
RISKS = (0.05, 0.1, 0.2)
BINS = 15
LEVEL = 0.95
CURVE_POINTS = 200
"""Points of a curve in the report, at most."""

LABEL_NOTES: Mapping[LabelSource, str] = {
    "gold": "labels: gold, the annotation. It is incomplete: right triples that nobody annotated count as wrong",
    "support": "labels: support, judged against the text; of judged candidates alone, perhaps no fair sample. "
    "Gold, the annotation, is incomplete and was not used",
    "lists": "labels: lists, the LLM's own anchors and negatives, unchecked. "
    "Gold, the annotation, is incomplete and was not used",
}
"""What has to be said beside every number."""

Values = dict[tuple[str, ...], Floats]
"""Names, as they are nested in the report, and one value per resample."""


def measure(table: ScoreTable, *, resamples: int = 1000, seed: int = 13) -> dict[str, Any]:
    """Measure the scores of a table.

    An estimate is `{"value", "interval": [low, high] or null}`, the interval a 95 % percentile bootstrap over texts. A
    measure that is not defined (an AUC of one class) has the value null, never .5; an interval is null where the
    measure is not defined in 95 % of the resamples. Thresholds are chosen anew in each resample. `best_f1` has the best
    threshold for these very candidates, so that it flatters.

    Args:
        table: Candidates, scores and labels.
        resamples: How many times the texts are drawn; 0 gives no intervals.
        seed: Seed of the draws; the same texts are drawn for every measure.

    Returns:
        What `json.dumps` takes: `label_source`, `label_note`, `candidates`, `right`, `wrong`, `texts`, `missed_gold`,
        `resamples`, `seed`, `level`; `unfiltered` (precision, recall, f1 of keeping all; recall is of right
        candidates and `missed_gold`); `scores` by column (see `RECALLS`, `PRECISIONS`, `RISKS`; null for a column
        without values); `calibration` of the probability or null; `groups`: `relation`, `error_kind`, `text_length`,
        `entities` -> name -> counts, AUC of each score, and what the paper's operating point on all candidates does.

    Raises:
        DataError: The table is empty.
        ConfigError: `resamples` is below 0.
    """
    if not len(table):
        raise DataError("the table has no candidates: there is nothing to measure")
    if resamples < 0:
        raise ConfigError(f"resamples must be at least 0, got {resamples}")
    bootstrap = _Bootstrap(table, resamples, seed)
    return {
        "label_source": table.label_source,
        "label_note": LABEL_NOTES[table.label_source],
        "candidates": len(table),
        "right": int(table.labels.sum()),
        "wrong": int((~table.labels).sum()),
        "texts": len(np.unique(table.text)),
        "missed_gold": int(table.missed_gold.sum()),
        "resamples": resamples,
        "seed": seed,
        "level": LEVEL,
        "unfiltered": _unfiltered(table, resamples, seed),
        "scores": {name: _score_report(bootstrap, getattr(table, name)) for name in SCORES},
        "calibration": _calibration(bootstrap, table.probability),
        "groups": {
            kind: {name: _group_report(bootstrap, chosen) for name, chosen in members.items()}
            for kind, members in candidate_groups(table).items()
        },
    }


class _Bootstrap:
    """A table whose texts are drawn again and again, always the same way."""

    def __init__(self, table: ScoreTable, resamples: int, seed: int) -> None:
        self.table = table
        self._draws = TextDraws(len(table.missed_gold), resamples, seed) if resamples else None
        self._missed = table.missed_gold.astype(np.float64)

    def estimates(self, chosen: Bools, values: Callable[[Floats, Floats], Values]) -> dict[str, Any]:
        """Take measures on the chosen candidates and, for their intervals, on resamples of them.

        Args:
            chosen: `[N]`.
            values: Weights of the chosen candidates `[b, n]` and missed gold `[b]` -> measures `[b]`.
        """
        text = self.table.text[chosen]
        names: list[tuple[str, ...]] = []

        def stacked(weights: Floats) -> Floats:
            found = values(weights[:, text], weights @ self._missed)
            names[:] = found
            return np.stack(list(found.values()), axis=1)

        point = stacked(np.ones((1, len(self._missed))))[0]
        drawn = None if self._draws is None else self._draws.measure(stacked, width=len(text))
        report: dict[str, Any] = {}
        for place, name in enumerate(names):
            interval = None if drawn is None or np.isnan(point[place]) else percentile_interval(drawn[:, place], LEVEL)
            _nest(report, name, {"value": _number(point[place]), "interval": _numbers(interval)})
        return report


def _score_report(bootstrap: _Bootstrap, scores: Floats) -> dict[str, Any] | None:
    """All ranking measures of one column, on the candidates that have it; null if none has."""
    table, chosen = bootstrap.table, ~np.isnan(scores)
    if not chosen.any():
        return None
    labels, complete = table.labels[chosen], bool(chosen.all())
    ranking = Ranking(labels, scores[chosen])

    def values(weights: Floats, missed: Floats) -> Values:
        swept = ranking.sweep(weights)
        # Without the candidates that have no score, recall of gold would mean nothing.
        return _ranking_values(swept) | ({("best_f1", "f1"): swept.f1(missed).max(axis=-1)} if complete else {})

    report: dict[str, Any] = {"n": len(labels), "right": int(labels.sum()), "wrong": int((~labels).sum())}
    report |= bootstrap.estimates(chosen, values)
    swept = ranking.sweep()
    _describe_operating_point(report, swept)
    if complete:
        _describe_best_f1(report["best_f1"], swept, float(table.missed_gold.sum()))
    report["risk_coverage"]["points"] = _points(swept, coverage=swept.kept / swept.kept[-1], risk=1 - swept.precision)
    report["precision_recall"] = _points(swept, precision=swept.precision, recall=swept.recall)
    return report


def _ranking_values(swept: Sweep) -> Values:
    values: Values = {("auc",): swept.auc(), ("average_precision",): swept.average_precision()}
    values |= {("precision_at_recall", str(rate)): swept.precision_at_recall(rate) for rate in RECALLS}
    values |= {("recall_at_precision", str(rate)): swept.recall_at_precision(rate) for rate in PRECISIONS}
    values[("operating_point", "false_removed_share")] = swept.false_removed_at_tpr(PAPER_TPR)
    values[("risk_coverage", "area")] = swept.risk_area()
    return values | {("risk_coverage", "coverage_at_risk", str(risk)): swept.coverage_at_risk(risk) for risk in RISKS}


def _describe_operating_point(report: dict[str, Any], swept: Sweep) -> None:
    """Add where the paper's operating point lies: the strictest threshold that keeps .974 of the right candidates."""
    point = report["operating_point"]
    point["tpr_asked"] = PAPER_TPR
    if not swept.total_true:
        point |= dict.fromkeys(("threshold", "tpr", "true_kept", "true_lost", "false_kept", "false_removed"))
        return
    place = int(swept.place_at_tpr(PAPER_TPR))
    true, false = int(swept.true[place]), int(swept.false[place])
    point |= {"threshold": _number(swept.thresholds[place]), "tpr": _number(swept.recall[place])}
    point |= {"true_kept": true, "true_lost": int(swept.total_true) - true}
    point |= {"false_kept": false, "false_removed": int(swept.total_false) - false}


def _describe_best_f1(report: dict[str, Any], swept: Sweep, missed: float) -> None:
    """Add where the best F1 lies, the strictest threshold of several, and its precision and recall of gold."""
    place = int(swept.f1(np.asarray(missed)).argmax())
    recall = ratio(np.asarray(swept.true[place]), swept.total_true + missed)
    report |= {"threshold": _number(swept.thresholds[place]), "kept": int(swept.kept[place])}
    report |= {"precision": _number(swept.precision[place]), "recall": _number(recall)}


def _points(swept: Sweep, **columns: Floats) -> list[dict[str, float | None]]:
    """Points of a curve, evenly spaced in rank where there are too many, always with both ends."""
    places = np.unique(np.linspace(0, len(swept.thresholds) - 1, CURVE_POINTS).round().astype(int)).tolist()
    named = {"threshold": swept.thresholds, **columns}
    return [{name: _number(column[place]) for name, column in named.items()} for place in places]


def _calibration(bootstrap: _Bootstrap, probabilities: Floats) -> dict[str, Any] | None:
    """ECE, Brier score and reliability bins of the candidates with a probability; null if none has one."""
    chosen = ~np.isnan(probabilities)
    if not chosen.any():
        return None
    labels, given = bootstrap.table.labels[chosen], probabilities[chosen]
    in_bin = (bin_places(given, BINS)[:, None] == np.arange(BINS)).astype(np.float64)

    def values(weights: Floats, missed: Floats) -> Values:
        total = weights.sum(axis=1)
        gaps = np.abs((weights * (labels - given)) @ in_bin).sum(axis=1)
        return {("ece",): ratio(gaps, total), ("brier",): ratio(weights @ (given - labels) ** 2, total)}

    bins = reliability_bins(labels, given, BINS)
    rows = zip(bins.count.tolist(), bins.mean_probability, bins.share_true, strict=True)
    return {"n": len(given), **bootstrap.estimates(chosen, values)} | {
        "bins": [
            {"from": _number(i / BINS), "to": _number((i + 1) / BINS), "n": int(n)}
            | {"mean_probability": _number(mean), "share_right": _number(share)}
            for i, (n, mean, share) in enumerate(rows)
        ]
    }


def _unfiltered(table: ScoreTable, resamples: int, seed: int) -> dict[str, Any]:
    """Precision, recall and F1 of keeping every candidate."""
    correct = np.bincount(table.text[table.labels], minlength=len(table.missed_gold))
    predicted = np.bincount(table.text, minlength=len(table.missed_gold))
    counts = np.stack([correct, predicted, correct + table.missed_gold, correct], axis=1).astype(np.int64)
    right, kept, gold, _ = counts.sum(axis=0).tolist()
    point = (right / kept, right / gold if gold else 0.0, 2 * right / (kept + gold))
    drawn = bootstrap_scores(counts, resamples, seed).T if resamples else (None, None, None)
    return {
        name: {
            "value": _number(value),
            "interval": None if column is None else _numbers(percentile_interval(column, LEVEL)),
        }
        for name, value, column in zip(("precision", "recall", "f1"), point, drawn, strict=True)
    }


def _group_report(bootstrap: _Bootstrap, chosen: Bools) -> dict[str, Any]:
    """Counts of a group, AUC of each score in it, and what the operating point on all candidates does to it."""
    table = bootstrap.table
    labels = table.labels[chosen]
    report: dict[str, Any] = {"n": len(labels), "right": int(labels.sum()), "wrong": int((~labels).sum())}
    report["auc"] = {name: _group_auc(bootstrap, chosen, getattr(table, name)) for name in SCORES}
    if table.labels.any():
        swept = Ranking(table.labels, table.text_score).sweep()
        kept = table.text_score[chosen] >= swept.thresholds[swept.place_at_tpr(PAPER_TPR)]
        report |= {"true_kept": int((kept & labels).sum()), "false_removed": int((~kept & ~labels).sum())}
    return report


def _group_auc(bootstrap: _Bootstrap, chosen: Bools, scores: Floats) -> dict[str, Any] | None:
    scored = chosen & ~np.isnan(scores)
    if not scored.any():
        return None
    ranking = Ranking(bootstrap.table.labels[scored], scores[scored])
    auc: dict[str, Any] = bootstrap.estimates(scored, lambda w, _: {("auc",): ranking.sweep(w).auc()})["auc"]
    return auc


def _nest(report: dict[str, Any], name: tuple[str, ...], value: dict[str, Any]) -> None:
    for part in name[:-1]:
        report = report.setdefault(part, {})
    report[name[-1]] = value


def _number(value: float | np.float64 | Floats) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _numbers(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [round(end, 6) for end in interval]
