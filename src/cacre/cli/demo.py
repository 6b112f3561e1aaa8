"""`cacre demo`: filter the packaged sample with the bundled model, and show what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from cacre.cli.demo_report import print_report
from cacre.cli.filter import FilterPaths, OnError, filter_files, one_line_errors
from cacre.data import read_rows, write_rows
from cacre.evaluation.page import render_page
from cacre.evaluation.verdict_summary import read_judged
from cacre.files import atomic_writer
from cacre.inference import load_verifier
from cacre.inference.folder import DEFAULT_MODEL
from cacre.inference.thresholds import OFF

BATCH_ROWS = 64
TITLE = "cacre demo: which extracted triples does the text support?"


def demo_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path("demo-output"),
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a model folder.")] = DEFAULT_MODEL,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all by default.")] = None,
) -> None:
    """Filter the sample texts with the triples an LLM might propose; show what was kept, rejected and missed."""
    with one_line_errors():
        verifier = load_verifier(model, threads=threads)
        files = {name: output / f"{name}.jsonl" for name in ("candidates", "kept", "rejected", "all")}
        write_rows(files["candidates"], sample_rows())
        paths = FilterPaths(*(str(files[name]) for name in ("candidates", "kept", "rejected", "all")))
        started = perf_counter()
        filter_files(verifier, paths, OnError.RAISE, BATCH_ROWS)
        seconds = perf_counter() - started

        rows = [dict(row.raw) for row in read_rows(files["all"], "verdicts")]
        headline = _headline(rows, verifier.path.name, seconds)
        # Before anything is printed, so that an error stands alone.
        page = render_page(rows, title=TITLE, lead=headline, thresholds=verifier.thresholds, schema=verifier.schema)
        with atomic_writer(output / "report.html") as stream:
            stream.write(page)

        console = Console(highlight=False)
        threshold = verifier.thresholds.text_threshold
        print_report(console, read_judged(rows), headline, threshold if threshold > OFF else None)
        _print_files(console, output)


def sample_rows() -> Iterator[dict[str, Any]]:
    """The packaged sample as candidate rows, each label inside its triple, where it stays when triples part ways."""
    source = resources.files("cacre.resources").joinpath("samples", "demo.jsonl")
    for line in source.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        labels = row.pop("labels")
        row["triples"] = [{**t, "label": label} for t, label in zip(row["triples"], labels, strict=True)]
        yield row


def _headline(rows: list[dict[str, Any]], model: str, seconds: float) -> str:
    candidates = sum(len(row["triples"]) for row in rows)
    pace = f"{seconds * 1000 / max(candidates, 1):.1f} ms per candidate"
    return f"{len(rows)} texts, {candidates} candidates, {model} on CPU: {seconds:.1f} s, {pace}"


def _print_files(console: Console, output: Path) -> None:
    console.print(Text("\nFiles", style="bold"))
    files = (
        ("report.html", "all of it to read: open it in a browser"),
        ("kept.jsonl", "rows with the triples that the text supports"),
        ("rejected.jsonl", "rows with the others, and the reasons"),
        ("all.jsonl", "every triple with scores and verdict"),
        ("candidates.jsonl", "what went in: an example for  cacre filter"),
    )
    longest = max(cell_len(str(output / name)) for name, _ in files)
    for name, what in files:
        # Never wrapped, so that a path can be copied.
        console.print(Text(f"  {set_cell_size(str(output / name), longest)}  {what}"), soft_wrap=True)
