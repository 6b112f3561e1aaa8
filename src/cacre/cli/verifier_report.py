"""What `cacre evaluate --scores` shows of a verifier: the report of `measure` as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cacre.evaluation.paired import Difference
from cacre.evaluation.table_reading import Reading
from cacre.evaluation.verifier_metrics import SCORES

_NONE = "-"


def reading_line(reading: Reading) -> str:
    """What was left out of a table, in one line; empty if nothing was."""
    parts = (
        (reading.rows_without_labels, "rows without labels"),
        (reading.unjudged, "candidates not judged"),
        (reading.repeated, "repeated candidates"),
    )
    found = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f"left out: {found}" if found else ""


def verifier_tables(report: Mapping[str, Any], differences: Mapping[str, Difference]) -> Iterator[Table]:
    """The tables, each with the source of its labels underneath.

    Args:
        report: What `measure` gives.
        differences: AUC differences to another verifier by score; may be empty.
    """
    note = report["label_note"]
    yield _summary(report, note)
    yield _scores(report, note)
    if differences:
        yield _differences(differences, note)
    if report["calibration"]:
        yield _calibration(report["calibration"], note)
    for kind, groups in report["groups"].items():
        if groups:
            yield _groups(kind, groups, note)


def estimate(value: Mapping[str, Any] | None) -> str:
    """`.668 (.620-.712)`; `-` where there is no value."""
    if value is None or value["value"] is None:
        return _NONE
    if value["interval"] is None:
        return _plain(value["value"])
    low, high = map(_plain, value["interval"])
    return f"{_plain(value['value'])} ({low}-{high})"


def _new(title: str, note: str, first: str, *columns: str) -> Table:
    style: dict[str, Any] = {"title_justify": "left", "caption_justify": "left"}
    table = Table(title=title, caption=note, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), **style)
    table.add_column(first)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _summary(report: Mapping[str, Any], note: str) -> Table:
    counts = f"{report['candidates']} candidates of {report['texts']} texts: {report['right']} right"
    missed = f", {report['missed_gold']} gold triples not proposed" if report["label_source"] == "gold" else ""
    # Only gold knows what no candidate proposes.
    recall = "recall" if report["label_source"] == "gold" else "recall (of the right ones)"
    table = _new(f"{counts}, {report['wrong']} wrong{missed}", note, "keep", "precision", recall, "F1")
    table.add_row("all", *(estimate(report["unfiltered"][name]) for name in ("precision", "recall", "f1")))
    for name, scores in report["scores"].items():
        if scores and scores.get("best_f1"):
            best = scores["best_f1"]
            rates = (_plain(best[rate]) for rate in ("precision", "recall"))
            table.add_row(f"best F1: {name} >= {_plain(best['threshold'])}", *rates, estimate(best["f1"]))
    return table


def _scores(report: Mapping[str, Any], note: str) -> Table:
    present = {name: scores for name, scores in report["scores"].items() if scores}
    table = _new(f"scores (95 % intervals, {report['resamples']} resamples of texts)", note, "measure", *present)
    table.add_row("candidates", *(str(scores["n"]) for scores in present.values()))
    for name, path in _measures(next(iter(present.values()))):
        table.add_row(name, *(estimate(_at(scores, path)) for scores in present.values()))
    points = [scores["operating_point"] for scores in present.values()]
    table.add_row("threshold at TPR .974", *(_plain(point["threshold"]) for point in points))
    kept = (_of(point["true_kept"], point["true_lost"]) for point in points)
    table.add_row("right kept there", *kept)
    table.add_row("wrong removed there", *(_of(point["false_removed"], point["false_kept"]) for point in points))
    return table


def _measures(scores: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "AUC", ("auc",)
    yield "average precision", ("average_precision",)
    for rate in scores["precision_at_recall"]:
        yield f"P at recall {_short(rate)}", ("precision_at_recall", rate)
    for rate in scores["recall_at_precision"]:
        yield f"recall at P {_short(rate)}", ("recall_at_precision", rate)
    yield "AURC (lower is better)", ("risk_coverage", "area")
    for risk in scores["risk_coverage"]["coverage_at_risk"]:
        yield f"coverage at risk {_short(risk)}", ("risk_coverage", "coverage_at_risk", risk)
    yield "wrong removed at TPR .974", ("operating_point", "false_removed_share")


def _at(report: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    for part in path:
        report = report[part]
    return report


def _differences(differences: Mapping[str, Difference], note: str) -> Table:
    table = _new("AUC minus that of the other file (paired)", note, "score", "difference", "95 % from", "to", "p")
    for name, found in differences.items():
        ends = found.interval or (None, None)
        table.add_row(name, *(_plain(value) for value in (found.value, *ends, found.p)))
    return table


def _calibration(report: Mapping[str, Any], note: str) -> Table:
    title = f"probability: ECE {estimate(report['ece'])}, Brier {estimate(report['brier'])}"
    table = _new(title, note, "probability", "candidates", "mean", "share right")
    for part in report["bins"]:
        if part["n"]:
            shown = (str(part["n"]), _plain(part["mean_probability"]), _plain(part["share_right"]))
            table.add_row(f"{part['from']:.2f} to {part['to']:.2f}", *shown)
    return table


def _groups(kind: str, groups: Mapping[str, Any], note: str) -> Table:
    title = f"by {kind.replace('_', ' ')}"
    if kind == "error_kind":
        title += ": each kind against all right ones"
    present = [name for name in SCORES if any(group["auc"][name] for group in groups.values())]
    columns = [f"AUC {name.removesuffix('_score')}" for name in present]
    table = _new(title, note, kind.replace("_", " "), "right", "wrong", "removed*", *columns)
    for name, group in groups.items():
        areas = (estimate(group["auc"][score]) for score in present)
        removed = group.get("false_removed")
        table.add_row(
            name, str(group["right"]), str(group["wrong"]), _NONE if removed is None else str(removed), *areas
        )
    table.caption = f"{note}\n* wrong ones, by text_score at the threshold that keeps .974 of all right candidates"
    return table


def _short(rate: str) -> str:
    return rate.removeprefix("0")


def _plain(value: float | None) -> str:
    return _NONE if value is None or math.isnan(value) else f"{value:.3f}".replace("0.", ".", 1)


def _of(part: int | None, rest: int | None) -> str:
    return _NONE if part is None or rest is None else f"{part} of {part + rest}"
