"""The tables of the paper with the measured numbers beside the printed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cacre.config import Settings
from cacre.data.statistics import Statistics
from cacre.reproduction import paper_numbers as paper
from cacre.reproduction.measures import FilterResult, Interval
from cacre.reproduction.paper_numbers import PaperScores

Areas = Mapping[str, Mapping[str, Any]]
"""Name -> what `measures.areas` gives."""


@dataclass(frozen=True)
class Table:
    """A table for a person to read.

    Args:
        title: What it shows.
        header: Names of the columns.
        rows: Cells, as text.
        notes: Footnotes.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The table in Markdown, notes below."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        body = "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)
        notes = "".join(f"\n* {note}" for note in self.notes)
        return f"### {self.title}\n\n{body}\n{notes}\n"


def table_1(splits: Mapping[str, Statistics]) -> Table:
    """Table 1: what the data sets hold."""
    rows = [[f"paper: {name}", *(f"{n:,}" for n in counts), "", ""] for name, counts in paper.TABLE_1.items()]
    for name, found in splits.items():
        counts = (found.sentences, found.triples or found.gold, found.relations)
        per_sentence = f"{found.anchors_per_sentence:.2f}"
        rows.append([name, *(f"{n:,}" for n in counts), per_sentence, f"{found.text_lengths.mean:.0f}"])
    header = ["split", "sentences", "triples", "relations", "anchors a sentence", "mean length"]
    note = "Triples of contrastive data are anchors, positives and negatives together, as in the paper."
    return Table("Table 1: data", header, rows, [note, *paper.FOOTNOTES_1])


def table_2(settings: Settings) -> Table:
    """Table 2: hyper-parameters, and the settings of ours that the paper does not name."""
    values = settings.model_dump()
    rows = []
    for name, (printed, table, key) in paper.TABLE_2.items():
        used = values[table][key]
        rows.append([name, str(printed), "built from sizes" if used is None else str(used)])
    return Table("Table 2: hyper-parameters", ["", "paper", "here"], rows)


def operating_points(results: Mapping[str, FilterResult], readers: Mapping[str, FilterResult]) -> Table:
    """What the filter keeps and removes, beside what Table 3 implies for the paper.

    Args:
        results: Candidate file -> what filtering did.
        readers: Candidate file -> what a reader who agrees with its judgements would do; only files that have some.
    """
    tpr, fpr = paper.OPERATING_POINT
    rows = [["paper, DeepSeek V3", percent(tpr), percent(1 - fpr), "", ""]]
    perfect = {f"{name}, a perfect reader": result for name, result in readers.items()}
    for name, result in {**results, **perfect}.items():
        seeds = ", ".join(percent(value) for value in result.seeds_f1)
        rows.append(
            [name, percent(result.kept_true), percent(result.removed_false), percent(result.before[2].value), seeds]
        )
    header = ["", "candidates in gold kept", "candidates outside gold removed", "F1 before", "F1 after, by seed"]
    note = (
        "A perfect reader keeps all but what was judged unsupported: the most that reading can gain against this gold."
    )
    return Table("Operating points", header, rows, [note] if readers else [])


def table_4(
    results: Mapping[str, FilterResult], areas: Mapping[str, Mapping[str, Any]], notes: Mapping[str, str]
) -> Table:
    """Table 4: ablations, each trained anew with thresholds fitted anew.

    Args:
        results: Variant -> what its filter does to the main candidate file; `LLM alone` has the first `before`.
        areas: Variant -> areas under the ROC curve.
        notes: Variant -> what it changes.
    """
    rows = [[f"paper: {name}", "", *_printed(scores), "", "", ""] for name, scores in paper.TABLE_4.items()]
    for index, (name, result) in enumerate(results.items()):
        if index == 0:
            rows.append(["**LLM alone**", "", *map(interval_text, result.before), "", "", ""])
        found = areas[name]
        curves = [area(found[key]) for key in ("lists", "gold", "support")]
        rows.append([f"**{name}**", notes.get(name, ""), *map(interval_text, result.after), *curves])
    header = ["", "what it changes", "P", "R", "F1", "AUC lists", "AUC gold", "AUC support"]
    return Table("Table 4: ablations", header, rows, [*paper.FOOTNOTES_4])


def areas_table(areas: Areas) -> Table:
    """Areas under the ROC curve of text_score, by candidate file."""
    keys = ("lists", "gold", "support")
    rows = [
        [
            name,
            *(area(found[key]) for key in keys),
            "" if found["false_removed"] is None else percent(found["false_removed"]),
        ]
        for name, found in areas.items()
    ]
    header = ["", "anchors / LLM's negatives", "in gold / not", "judged supported / not", "false removed at TPR .974"]
    notes = ["Gold is incomplete: most of an LLM's candidates outside gold are supported by their text."]
    return Table("What text_score tells apart (AUC, mean of the seeds)", header, rows, notes)


def interval_text(found: Interval, *, signed: bool = False) -> str:
    """`71.2 (67.6 to 74.7)`, in per cent."""
    sign = "+" if signed else ""
    return f"{100 * found.value:{sign}.1f} ({100 * found.low:{sign}.1f} to {100 * found.high:{sign}.1f})"


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.1f}"


def area(value: float | None) -> str:
    """An area with three digits; a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def _printed(scores: PaperScores) -> list[str]:
    return ["-" if value is None else f"{value:.1f}" for value in scores]


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
