"""`cacre evaluate`: predictions against gold by the rules of the official DuIE2.0 scorer."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cacre.evaluation.bootstrap import Intervals, bootstrap_intervals
from cacre.evaluation.duie_scorer import Scores, count_texts, score_by_relation
from cacre.evaluation.scored_rows import read_aliases, read_scored_rows


class ScoringMode(StrEnum):
    """What of an object is compared."""

    flat = "flat"
    strict = "strict"


def evaluate(
    predictions: Annotated[Path, typer.Argument(help="JSONL with `triples` or `spo_list`; - is standard input.")],
    gold: Annotated[Path, typer.Argument(help="JSONL with `gold`, `spo_list` or `triples`; - is standard input.")],
    mode: Annotated[ScoringMode, typer.Option(help="flat: compare @value only; strict: all slots.")] = ScoringMode.flat,
    aliases: Annotated[Path | None, typer.Option(help="Lines of `name<TAB>alias<TAB>alias...`.")] = None,
    per_relation: Annotated[bool, typer.Option("--per-relation", help="Also score each predicate.")] = False,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples of texts for 95 % intervals; 0 is none.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object instead of a table.")] = False,
) -> None:
    """Precision, recall and F1 of predicted triples, as the official DuIE2.0 script counts them."""
    if str(predictions) == str(gold) == "-":
        raise typer.BadParameter("predictions and gold cannot both be standard input: give one of them as a file")
    predicted_rows, gold_rows = read_scored_rows(predictions), read_scored_rows(gold, "gold")
    names = None if aliases is None else read_aliases(aliases)
    _warn_of_unknown_texts(len(predicted_rows), len(predicted_rows.keys() & gold_rows.keys()))
    counts = count_texts(predicted_rows, gold_rows, mode.value, names)
    scores = Scores.of_counts(*(int(total) for total in counts.sum(axis=0)))
    intervals = bootstrap_intervals(counts, bootstrap) if bootstrap and len(counts) else None
    relations = score_by_relation(predicted_rows, gold_rows, mode.value, names) if per_relation else {}
    if as_json:
        report = _report(scores, with_gold=names is not None)
        if per_relation:
            report["relations"] = {name: _report(s, with_gold=names is not None) for name, s in relations.items()}
        if intervals is not None:
            report["intervals"] = _interval_report(intervals)
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        Console().print(_table(scores, relations, intervals, mode))


def _warn_of_unknown_texts(predicted: int, joined: int) -> None:
    """Say so when texts did not find their gold: rows are joined by the exact text, a space is enough to part them."""
    if joined < predicted:
        message = f"{predicted - joined} of {predicted} texts with predictions are not in gold and were ignored"
        typer.echo(message, err=True)


def _report(scores: Scores, *, with_gold: bool) -> dict[str, Any]:
    """The keys of the official script, rounded as it does; `correct_gold` where aliases can make it differ."""
    report: dict[str, Any] = {name: round(getattr(scores, name), 4) for name in ("precision", "recall", "f1")}
    report |= {"correct": scores.correct, "predicted": scores.predicted, "gold": scores.gold}
    return report | {"correct_gold": scores.correct_gold} if with_gold else report


def _interval_report(intervals: Intervals) -> dict[str, Any]:
    ends = {name: [round(end, 4) for end in getattr(intervals, name)] for name in ("precision", "recall", "f1")}
    return {**ends, "level": intervals.level, "resamples": intervals.resamples}


def _table(scores: Scores, relations: dict[str, Scores], intervals: Intervals | None, mode: ScoringMode) -> Table:
    table = Table(title=f"DuIE2.0 scores ({mode.value})")
    table.add_column("relation")
    for name in ("precision", "recall", "F1", "correct", "predicted", "gold"):
        table.add_column(name, justify="right")
    for name, row in {"all": scores, **relations}.items():
        rates = (f"{rate:.4f}" for rate in (row.precision, row.recall, row.f1))
        table.add_row(name, *rates, str(row.correct), str(row.predicted), str(row.gold))
        if name == "all" and intervals is not None:
            ends = (intervals.precision, intervals.recall, intervals.f1)
            for end, word in enumerate(("from", "to")):
                table.add_row(f"{intervals.level:.0%} {word}", *(f"{pair[end]:.4f}" for pair in ends))
    return table
