"""`cacre extract`: texts -> candidate rows, by an LLM or a trained extractor."""

from __future__ import annotations

from typing import Annotated

import typer

from cacre.cli.agent_options import AgentOptions
from cacre.cli.extractor_job import ExtractorOptions, refuse_llm_options, run_extractor
from cacre.cli.filter import FilterPaths
from cacre.cli.llm_options import ExtractOptions, JobOptions, PayOptions
from cacre.cli.option_groups import with_groups
from cacre.extras import needs_extra


@with_groups
def extract_command(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="IN.jsonl|-", help="Text rows; - is standard input.")],
    ask: ExtractOptions,
    pay: PayOptions,
    job: JobOptions,
    agents: AgentOptions,
    trained: ExtractorOptions,
    output: Annotated[str, typer.Option("-o", "--output", help="Candidate rows; - is stdout.")] = "-",
) -> None:
    """Find the triples of each text, with an LLM (run again to go on; no answer is paid for twice) or an extractor."""
    if (extractor := trained.load()) is not None:
        refuse_llm_options(context, ExtractOptions, PayOptions, JobOptions, AgentOptions)
        run_extractor(extractor, trained.origin(extractor), FilterPaths(source, output, None, None, "extract"), job)
        return
    with needs_extra("llm"):
        from cacre.cli.llm_job import LLMJob
        from cacre.extraction.file_job import JobFiles, Outlet
        from cacre.extraction.works import ExtractWork
    files = JobFiles(source, (Outlet(output),), job.on_error)
    run = LLMJob("extract", files, ask, pay, job)
    run.start(agents.maker(run), ExtractWork, agents.fingerprint())
