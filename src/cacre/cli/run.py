"""`cacre run`: texts -> verified triples, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cacre.cli.agent_options import AgentOptions
from cacre.cli.check_options import CheckOptions
from cacre.cli.extractor_job import ExtractorOptions, refuse_llm_options, run_extractor
from cacre.cli.filter import FilterPaths
from cacre.cli.llm_options import ExtractOptions, JobOptions, PayOptions
from cacre.cli.option_groups import refuse_without, with_groups
from cacre.cli.unknown_predicates import new_relation_lines, unknown_lines
from cacre.cli.voided_guarantee import warn_of_voided
from cacre.extras import needs_extra
from cacre.inference import load_verifier
from cacre.inference.folder import DEFAULT_MODEL, folder_digest

if TYPE_CHECKING:
    from cacre.extraction.agents import MultiAgentExtractor
    from cacre.extraction.extractor import Extractor
    from cacre.extraction.file_job import Outlet
    from cacre.extraction.run_summary import RunSummary


@with_groups
def run_command(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="IN.jsonl|-", help="Text rows; - is standard input.")],
    ask: ExtractOptions,
    pay: PayOptions,
    job: JobOptions,
    agents: AgentOptions,
    trained: ExtractorOptions,
    checks: CheckOptions,
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
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all by default.")] = None,
) -> None:
    """Extract with an LLM or an extractor, verify, keep what the text supports. With an LLM, run again to go on."""
    if (extractor := trained.load(threads)) is not None:
        refuse_llm_options(context, ExtractOptions, PayOptions, JobOptions, AgentOptions, also=("judge", "band"))
        verifier = load_verifier(model, threads=threads, rules=checks.rules_with(extractor.schema))
        warn_of_voided(verifier, verifier.rules)
        paths = FilterPaths(source, output, rejected, everything, "run")
        run_extractor(extractor, trained.origin(extractor), paths, job, verifier)
        return
    if not judge:
        refuse_without("--judge", context, "band")
    with needs_extra("llm"):
        from cacre.cli.llm_job import LLMJob
        from cacre.extraction.file_job import JobFiles
        from cacre.extraction.judging import Judge
        from cacre.extraction.prompts import load_prompt
        from cacre.extraction.run_summary import RunSummary
        from cacre.extraction.works import ExtractWork, RunWork
        from cacre.inference.micro_batching import MicroBatcher
    summary = RunSummary()
    files = JobFiles(source, _outlets(summary, output, rejected, everything), job.on_error)
    run = LLMJob("run", files, ask, pay, job)
    verifier = load_verifier(model, threads=threads, rules=checks.rules_with(run.schema))
    warn_of_voided(verifier, verifier.rules, judge=judge)

    def work(extractor: Extractor | MultiAgentExtractor) -> RunWork:
        asked = Judge(extractor.llm, run.schema, run.settings, band) if judge else None
        return RunWork(ExtractWork(extractor), MicroBatcher(verifier), asked)

    depends: Mapping[str, Any] = {
        "model": folder_digest(verifier.path),
        "checks": asdict(checks),
        "judge": [band, load_prompt("judge", run.settings.language).reference] if judge else None,
        **agents.fingerprint(),
    }
    if run.start(agents.maker(run), work, depends):
        unknown = unknown_lines(summary.unknown, run.schema, ask.schema)
        for line in (*summary.lines(), *unknown, *new_relation_lines(verifier.new_relations, run.schema, model)):
            typer.echo(line, err=True)


def _outlets(summary: RunSummary, output: str, rejected: str | None, everything: str | None) -> tuple[Outlet, ...]:
    from cacre.extraction.file_job import Outlet
    from cacre.extraction.run_summary import kept_part, rejected_part

    outlets = [Outlet(output, lambda row: kept_part(summary.seen(row)))]
    outlets += [Outlet(rejected, rejected_part)] if rejected else []
    outlets += [Outlet(everything)] if everything else []
    return tuple(outlets)
