"""`cacre generate`: texts -> contrastive rows, by an LLM."""

from __future__ import annotations

from typing import Annotated

import typer

from cacre.cli.llm_options import AskOptions, JobOptions, PayOptions
from cacre.cli.option_groups import with_groups
from cacre.extras import needs_extra


@with_groups
def generate_command(
    source: Annotated[str, typer.Argument(metavar="IN.jsonl|-", help="Text rows; - is standard input.")],
    ask: AskOptions,
    pay: PayOptions,
    job: JobOptions,
    output: Annotated[str, typer.Option("-o", "--output", help="Contrastive rows; - is stdout.")] = "-",
    fill: Annotated[
        bool, typer.Option("--fill/--no-fill", help="Make a negative where the LLM gave none that can be used.")
    ] = True,
) -> None:
    """Ask an LLM for anchors, positives and negatives of each text: what `cacre train` learns from."""
    with needs_extra("llm"):
        from cacre.cli.llm_job import LLMJob
        from cacre.extraction.file_job import JobFiles, Outlet
        from cacre.extraction.generator import Generator
        from cacre.extraction.repair_summary import RepairSummary
        from cacre.extraction.works import GenerateWork
    repairs = RepairSummary()
    files = JobFiles(source, (Outlet(output, repairs.seen),), job.on_error)
    run = LLMJob("generate", files, ask, pay, job)
    if run.start(lambda llm: Generator(llm, run.schema, run.settings, fill=fill), GenerateWork, {"fill": fill}):
        for line in repairs.lines():
            typer.echo(line, err=True)
