"""`cacre report`: verdict rows and labels -> one page with tables, figures and the worst errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cacre import __version__
from cacre.data import read_rows
from cacre.evaluation.bootstrap import too_few_texts
from cacre.evaluation.figure_data import read_history
from cacre.evaluation.figures import save
from cacre.evaluation.report import Report, ReportSource, make_report
from cacre.evaluation.report_tables import align
from cacre.evaluation.table_reading import Reading, read_labelled_scores
from cacre.evaluation.verdict_summary import read_judged
from cacre.evaluation.verifier_metrics import measure
from cacre.files import atomic_writer
from cacre.inference.folder import ModelFolder, find_folder, read_folder


class LabelSources(StrEnum):
    """Who says what is right."""

    gold = "gold"
    support = "support"
    lists = "lists"


class Languages(StrEnum):
    """Of the labels on the figures."""

    en = "en"
    zh = "zh"


def report_command(
    verdicts: Annotated[Path, typer.Argument(metavar="ALL.jsonl", help="What `cacre filter --all` wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the page, the figures and the numbers.")],
    labels: Annotated[
        Path | None, typer.Option(help="File of labels, joined by id or text; without it those in the rows.")
    ] = None,
    label_source: Annotated[
        LabelSources,
        typer.Option(help="gold: the annotation, incomplete; support: judged against the text; lists: an LLM's lists."),
    ] = LabelSources.gold,
    model: Annotated[
        str | None, typer.Option(help="The model that judged, bundled or a folder: its thresholds are drawn.")
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="Training log (metrics.json); by default that of --model, if it has one.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Heading of the page.")] = None,
    language: Annotated[Languages, typer.Option(help="Of the labels on the figures.")] = Languages.en,
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of texts for the intervals, which need 10 texts.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0)] = 13,
) -> None:
    """Write a page that shows how good the verdicts are: before and after, curves, relations, the worst errors."""
    if str(verdicts) == "-":
        raise typer.BadParameter("the verdicts are read twice, so that standard input will not do: give a file")
    folder = None if model is None else read_folder(find_folder(model))
    log = history or _training_log(folder)
    reading = read_labelled_scores(
        verdicts, labels, source=label_source.value, schema=None if folder is None else folder.schema
    )
    if few := too_few_texts(len(set(reading.table.text.tolist()))):
        typer.echo(few, err=True)
    judged = read_judged(dict(row.raw) for row in read_rows(verdicts, "verdicts"))
    new = _not_learned(reading, folder)
    measured = measure(reading.table, resamples=0 if few else resamples, seed=seed)
    report = make_report(
        ReportSource(
            title=title or f"Verification report: {verdicts.name}",
            facts=_facts(verdicts, labels, reading, folder, new),
            table=reading.table,
            candidates=align(reading, judged),
            measured=measured,
            thresholds=None if folder is None else folder.thresholds.of(new_relation=new == len(reading.table)),
            history=() if log is None else read_history(log),
            language=language.value,
            resamples=resamples,
            seed=seed,
        )
    )
    _write(report, measured, output)


def _write(report: Report, measured: Mapping[str, Any], output: Path) -> None:
    for figure in report.figures:
        save(figure.figure, output / "figures" / figure.name)
    with atomic_writer(output / "report.json") as stream:
        json.dump(measured, stream, ensure_ascii=False, indent=1)
    with atomic_writer(output / "report.html") as stream:
        stream.write(report.page)
    typer.echo(
        f"{output / 'report.html'}: open it in a browser; {output / 'figures'}, {output / 'report.json'}", err=True
    )


def _training_log(folder: ModelFolder | None) -> Path | None:
    log = None if folder is None else folder.path / "metrics.json"
    return log if log is not None and log.is_file() else None


def _not_learned(reading: Reading, folder: ModelFolder | None) -> int:
    """How many candidates are of relations that the model has not learned, which have thresholds of their own."""
    if folder is None or folder.thresholds.new_relations is None:
        return 0
    return sum(not folder.schema.readings(relation) for relation in reading.table.relation)


def _facts(
    verdicts: Path, labels: Path | None, reading: Reading, folder: ModelFolder | None, new: int
) -> dict[str, str]:
    """What the page says of its data; names of files without their folders, which may be private."""
    left_out = {
        "without a label": reading.unjudged,
        "repeated in their row": reading.repeated,
        "in rows without labels (rows)": reading.rows_without_labels,
    }
    named = [f"{count} {what}" for what, count in left_out.items() if count]
    return {
        "verdicts": verdicts.name,
        "label file": "the rows themselves" if labels is None else labels.name,
        "model": "not given, so that no thresholds are drawn" if folder is None else folder.path.name,
        **_drawn(new, len(reading.table)),
        "candidates left out": "; ".join(named) or "none",
        "made with": f"cacre {__version__}",
    }


def _drawn(new: int, candidates: int) -> dict[str, str]:
    """Which thresholds the figures have, where the model has two kinds of them and candidates of the second."""
    if not new:
        return {}
    if new == candidates:
        return {"thresholds": "those for relations that the model has not learned"}
    return {
        "thresholds": f"those for relations that the model has learned; {new} candidates are of others, which have "
        "thresholds of their own where they are in the schema that was given"
    }
