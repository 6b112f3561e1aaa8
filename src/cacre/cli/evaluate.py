"""`cacre evaluate`: predictions against gold by the rules of the official DuIE2.0 scorer, or a verifier's scores."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cacre.cli.option_groups import with_groups
from cacre.cli.scored_files import reader
from cacre.cli.triple_report import Comparison, comparison_table, scores_table
from cacre.cli.verifier_report import reading_line, verifier_tables
from cacre.data import load_examples
from cacre.errors import DataError
from cacre.evaluation.bootstrap import Intervals, bootstrap_intervals, too_few_texts
from cacre.evaluation.duie_scorer import Aliases, Scores, Spo, count_texts, score_by_relation
from cacre.evaluation.paired import Difference, order_as, paired_auc, paired_scores, require_same_texts
from cacre.evaluation.scored_rows import read_aliases
from cacre.evaluation.table_reading import Reading, read_labelled_scores
from cacre.evaluation.verifier_metrics import SCORES, measure

DEFAULT_RESAMPLES = 1000
"""With `--scores` and `--against`, which are of little use without intervals."""


class ScoringMode(StrEnum):
    """What of an object is compared."""

    flat = "flat"
    strict = "strict"


class Source(StrEnum):
    """Who says what is right."""

    gold = "gold"
    support = "support"
    lists = "lists"


@dataclass(frozen=True)
class TripleOptions:
    """How triples are compared with gold."""

    mode: Annotated[ScoringMode, typer.Option(help="flat: compare @value only; strict: all slots.")] = ScoringMode.flat
    aliases: Annotated[Path | None, typer.Option(help="Lines of `name<TAB>alias<TAB>alias...`.")] = None
    schema: Annotated[
        str | None,
        typer.Option(
            help="Take the synonyms of this relation schema (duie, open, or a file) for its names, in all files; "
            "the official script does not."
        ),
    ] = None
    per_relation: Annotated[bool, typer.Option("--per-relation", help="Also score each predicate.")] = False


@dataclass(frozen=True)
class VerifierOptions:
    """How a verifier's scores are measured."""

    scores: Annotated[
        bool, typer.Option("--scores", help="Measure the scores in the verdict rows (`cacre filter --all`).")
    ] = False
    labels: Annotated[
        Path | None, typer.Option(help="With --scores: labels of the candidates; those in the rows by default.")
    ] = None
    label_source: Annotated[
        Source | None,
        typer.Option(
            help="With --scores: gold (default; incomplete), support (judged by the text), lists (the LLM's)."
        ),
    ] = None
    training: Annotated[
        list[Path] | None, typer.Option(help="With --scores: training rows, to tell seen entities from unseen ones.")
    ] = None

    def check(self, gold: Path | None, triples: TripleOptions) -> None:
        """Refuse options that do not go together.

        Raises:
            typer.BadParameter: They do not.
        """
        if not self.scores:
            if self.labels or self.label_source or self.training:
                raise typer.BadParameter("--labels, --label-source and --training go with --scores")
            if gold is None:
                raise typer.BadParameter("GOLD is missing: give the file with gold, or --scores to measure scores")
        elif triples != TripleOptions():
            raise typer.BadParameter("--mode, --aliases, --schema and --per-relation do not go with --scores")
        elif gold is not None and self.labels is not None:
            raise typer.BadParameter("GOLD and --labels both give labels: leave one out")


@with_groups
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="JSONL with `triples` or `spo_list`; - is standard input.")],
    triples: TripleOptions,
    verifier: VerifierOptions,
    gold: Annotated[
        Path | None,
        typer.Argument(help="JSONL with `gold`, `spo_list` or `triples`, else `anchors`; - is standard input."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another output of the same texts, to be compared with the first.")
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Resamples of texts for 95 % intervals; 1000 with --scores or --against, else none; needs 10 texts.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object instead of a table.")] = False,
) -> None:
    """Precision, recall and F1 of predicted triples, as the official DuIE2.0 script counts them.

    With --scores: how well a verifier's scores tell right candidates from wrong ones.
    """
    verifier.check(gold, triples)
    files = [str(path) for path in (predictions, gold, against, verifier.labels) if path is not None]
    if files.count("-") > 1:
        raise typer.BadParameter("only one file can be standard input: give the others as files")
    resamples = bootstrap if bootstrap is not None else DEFAULT_RESAMPLES if verifier.scores or against else 0
    if against is not None and not resamples:
        raise typer.BadParameter("--against compares resamples: --bootstrap must be at least 1")
    if verifier.scores:
        _evaluate_scores(predictions, verifier, gold, against, resamples, as_json=as_json)
    elif gold is not None:  # always; the check has seen to it
        _evaluate_triples(_TripleFiles(predictions, gold, against), triples, resamples, as_json=as_json)


@dataclass(frozen=True)
class _TripleFiles:
    predictions: Path
    gold: Path
    against: Path | None


def _evaluate_triples(files: _TripleFiles, options: TripleOptions, resamples: int, *, as_json: bool) -> None:
    read = reader(options.schema)
    predicted_rows, gold_rows = read(files.predictions, "predictions"), read(files.gold, "gold")
    names = None if options.aliases is None else read_aliases(options.aliases)
    ignored = _ignored_texts(files, predicted_rows.keys(), gold_rows.keys())
    counts = count_texts(predicted_rows, gold_rows, options.mode.value, names)
    scores = Scores.of_counts(*counts.sum(axis=0).tolist())
    few = bool(resamples) and _too_few(len(counts))
    intervals = bootstrap_intervals(counts, resamples) if resamples and not few else None
    relations = score_by_relation(predicted_rows, gold_rows, options.mode.value, names) if options.per_relation else {}
    other = None
    if files.against is not None:
        rows = read(files.against, "predictions")
        other = _compare(rows, predicted_rows, gold_rows, options.mode, names, resamples)
        other = replace(other, differences=_without_intervals(other.differences)) if few else other
    if not as_json:
        Console().print(scores_table(scores, relations, intervals, options.mode.value))
        if other is not None:
            Console().print(comparison_table(scores, other))
        return
    report = _report(scores, with_gold=names is not None) | {"ignored_texts": ignored}
    if options.per_relation:
        report["relations"] = {name: _report(s, with_gold=names is not None) for name, s in relations.items()}
    if resamples:
        report["intervals"] = _interval_report(intervals, resamples)
    if other is not None:
        report["against"] = _report(other.scores, with_gold=names is not None)
        report["difference"] = {name: difference.to_dict() for name, difference in other.differences.items()}
    typer.echo(json.dumps(report, ensure_ascii=False))


def _compare(
    other: Mapping[str, Sequence[Spo]],
    predictions: Mapping[str, Sequence[Spo]],
    gold: Mapping[str, Sequence[Spo]],
    mode: ScoringMode,
    aliases: Aliases | None,
    resamples: int,
) -> Comparison:
    require_same_texts(predictions, other, gold)
    counts = [count_texts(rows, gold, mode.value, aliases) for rows in (predictions, other)]
    return Comparison(
        Scores.of_counts(*counts[1].sum(axis=0).tolist()), paired_scores(counts[0], counts[1], resamples=resamples)
    )


def _evaluate_scores(
    verdicts: Path, options: VerifierOptions, gold: Path | None, against: Path | None, resamples: int, *, as_json: bool
) -> None:
    labels, source = options.labels or gold, options.label_source or Source.gold
    names = None
    if options.training:
        examples = load_examples(options.training)
        names = [(t.subject, t.object) for example in examples for t in (*example.anchors, *(example.gold or ()))]
    reading = read_labelled_scores(verdicts, labels, source=source.value, training=names)
    differences: Mapping[str, Difference] = {}
    if against is not None:
        other = read_labelled_scores(against, labels, source=source.value)
        differences = _auc_differences(reading, other, resamples)
    if resamples and _too_few(len(set(reading.table.text.tolist()))):
        resamples, differences = 0, _without_intervals(differences)
    report = measure(reading.table, resamples=resamples)
    if as_json:
        report["left_out"] = {name: getattr(reading, name) for name in ("rows_without_labels", "unjudged", "repeated")}
        if against is not None:
            report["auc_difference"] = {name: found.to_dict() for name, found in differences.items()}
        typer.echo(json.dumps(report, ensure_ascii=False, allow_nan=False))
        return
    console = Console()
    for table in verifier_tables(report, differences):
        console.print(table)
    if line := reading_line(reading):
        typer.echo(line, err=True)


def _auc_differences(reading: Reading, other: Reading, resamples: int) -> dict[str, Difference]:
    """AUC differences of each score, on the candidates that have it in both files and only if they have both labels."""
    order = order_as(reading, other)
    found = {}
    for name in SCORES:
        left, right = getattr(reading.table, name), getattr(other.table, name)[order]
        both = (left == left) & (right == right)  # nan is not itself
        if reading.table.labels[both].any() and not reading.table.labels[both].all():
            found[name] = paired_auc(reading.table.where(both), left[both], right[both], resamples=resamples)
    return found


def _ignored_texts(files: _TripleFiles, predicted: AbstractSet[str], gold: AbstractSet[str]) -> int:
    """Count and tell the texts that did not find their gold: rows are joined by the exact text, a space parts them.

    Raises:
        DataError: None found it, or a file has no rows, so that there is nothing to score.
    """
    if not predicted:
        raise DataError(
            "there are no rows: a text in which nothing was found is a row too", path=str(files.predictions)
        )
    if not gold:
        raise DataError("there are no rows: gold needs a row for each text, with what is right", path=str(files.gold))
    if predicted.isdisjoint(gold):
        raise DataError(
            f"no text of {files.predictions} is in {files.gold}: texts are joined exactly, a space is enough to part "
            "them; give the gold of these very texts"
        )
    ignored = len(predicted - gold)
    if ignored:
        typer.echo(f"{ignored} of {len(predicted)} texts with predictions are not in gold and were ignored", err=True)
    return ignored


def _too_few(texts: int) -> bool:
    """Whether there are too few texts for intervals; says so."""
    reason = too_few_texts(texts)
    if reason is not None:
        typer.echo(reason, err=True)
    return reason is not None


def _without_intervals(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    return {name: replace(found, interval=None, p=math.nan) for name, found in differences.items()}


def _report(scores: Scores, *, with_gold: bool) -> dict[str, Any]:
    """The keys of the official script, rounded as it does; `correct_gold` where aliases can make it differ."""
    report: dict[str, Any] = {name: round(getattr(scores, name), 4) for name in ("precision", "recall", "f1")}
    report |= {"correct": scores.correct, "predicted": scores.predicted, "gold": scores.gold}
    return report | {"correct_gold": scores.correct_gold} if with_gold else report


def _interval_report(intervals: Intervals | None, resamples: int) -> dict[str, Any]:
    names = ("precision", "recall", "f1")
    if intervals is None:
        return {**dict.fromkeys(names), "level": 0.95, "resamples": resamples}
    ends = {name: [round(end, 4) for end in getattr(intervals, name)] for name in names}
    return {**ends, "level": intervals.level, "resamples": intervals.resamples}
