"""`cacre run`: texts -> verified triples, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cacre.cli.llm_options import AskOptions, JobOptions, PayOptions
from cacre.cli.option_groups import with_groups
from cacre.extras import needs_extra
from cacre.inference import DecisionRules, load_verifier
from cacre.inference.folder import DEFAULT_MODEL, folder_digest


@with_groups
def run_command(
    source: Annotated[str, typer.Argument(metavar="IN.jsonl|-", help="Text rows; - is standard input.")],
    ask: AskOptions,
    pay: PayOptions,
    job: JobOptions,
    output: Annotated[str, typer.Option("-o", "--output", help="Rows with supported triples; - is stdout.")] = "-",
    rejected: Annotated[str | None, typer.Option(help="Rows with rejected triples and the reasons.")] = None,
    everything: Annotated[str | None, typer.Option("--all", help="Every triple with scores and verdict.")] = None,
    model: Annotated[str, typer.Option(help="Name of a bundled verifier, or a model folder.")] = DEFAULT_MODEL,
    judge: Annotated[
        bool, typer.Option("--judge", help="Ask the LLM once more about triples near a threshold.")
    ] = False,
    band: Annotated[
        float, typer.Option(min=0.0, max=2.0, help="How near a threshold is borderline, in cosine units.")
    ] = 0.05,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of the verifier.")] = None,
) -> None:
    """Extract with an LLM, verify, and keep what the text supports. Run again to go on after a stop."""
    with needs_extra("llm"):
        from cacre.cli.llm_job import LLMJob
        from cacre.extraction.extractor import Extractor
        from cacre.extraction.file_job import JobFiles, Outlet
        from cacre.extraction.judging import Judge
        from cacre.extraction.prompts import load_prompt
        from cacre.extraction.run_summary import RunSummary, kept_part, rejected_part
        from cacre.extraction.works import ExtractWork, RunWork
        from cacre.inference.micro_batching import MicroBatcher
    summary = RunSummary()
    outlets = [Outlet(output, lambda row: kept_part(summary.seen(row)))]
    outlets += [Outlet(rejected, rejected_part)] if rejected else []
    outlets += [Outlet(everything)] if everything else []
    files = JobFiles(source, tuple(outlets), job.on_error)
    run = LLMJob("run", files, ask, pay, job)
    verifier = load_verifier(model, threads=threads, rules=DecisionRules(schema=run.schema))

    def work(extractor: Extractor) -> RunWork:
        asked = Judge(extractor.llm, run.schema, run.settings, band) if judge else None
        return RunWork(ExtractWork(extractor), MicroBatcher(verifier), asked)

    depends: Mapping[str, Any] = {
        "model": folder_digest(verifier.path),
        "judge": [band, load_prompt("judge", run.settings.language).reference] if judge else None,
    }
    if run.start(lambda llm: Extractor(llm, run.schema, run.settings), work, depends):
        for line in summary.lines():
            typer.echo(line, err=True)
