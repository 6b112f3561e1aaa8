"""`cacre extract`: texts -> candidate rows, by an LLM."""

from __future__ import annotations

from typing import Annotated

import typer

from cacre.cli.llm_options import AskOptions, JobOptions, PayOptions
from cacre.cli.option_groups import with_groups
from cacre.extras import needs_extra


@with_groups
def extract_command(
    source: Annotated[str, typer.Argument(metavar="IN.jsonl|-", help="Text rows; - is standard input.")],
    ask: AskOptions,
    pay: PayOptions,
    job: JobOptions,
    output: Annotated[str, typer.Option("-o", "--output", help="Candidate rows; - is stdout.")] = "-",
) -> None:
    """Ask an LLM for the triples of each text. Run again to go on after a stop; no answer is paid for twice."""
    with needs_extra("llm"):
        from cacre.cli.llm_job import LLMJob
        from cacre.extraction.extractor import Extractor
        from cacre.extraction.file_job import JobFiles, Outlet
        from cacre.extraction.works import ExtractWork
    files = JobFiles(source, (Outlet(output),), job.on_error)
    run = LLMJob("extract", files, ask, pay, job)
    run.start(lambda llm: Extractor(llm, run.schema, run.settings), ExtractWork)
