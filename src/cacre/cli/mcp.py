"""`cacre mcp`: the verifier as tools for LLMs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from cacre.cli.check_options import SchemaCheckOptions
from cacre.cli.option_groups import with_groups
from cacre.cli.serve import LIMITS, LLMOptions, proposer_of
from cacre.cli.voided_guarantee import warn_of_voided
from cacre.extras import needs_extra
from cacre.inference import load_verifier
from cacre.inference.folder import DEFAULT_MODEL


@dataclass(frozen=True)
class CallLimits:
    """What a call may be at most; the rest is as `cacre serve` has it."""

    max_text_characters: Annotated[
        int, typer.Option(min=1, max=100_000, help="Longest text.", rich_help_panel=LIMITS)
    ] = 20_000
    timeout_seconds: Annotated[
        float,
        typer.Option(min=0.001, max=86_400.0, help="Longest time for a call to verify.", rich_help_panel=LIMITS),
    ] = 30.0
    extract_timeout_seconds: Annotated[
        float,
        typer.Option(min=0.001, max=86_400.0, help="Longest time for a call to extract.", rich_help_panel=LIMITS),
    ] = 300.0


@with_groups
def mcp_command(
    context: typer.Context,
    checks: SchemaCheckOptions,
    limits: CallLimits,
    llm: LLMOptions,
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a model folder.")] = DEFAULT_MODEL,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all by default.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help="Serve over HTTP on this port of 127.0.0.1, at /mcp; stdio by default."),
    ] = None,
) -> None:
    """Give LLMs the verifier as tools, over the Model Context Protocol."""
    with needs_extra("mcp"):
        from cacre.service.mcp import run_mcp_server
        from cacre.service.service import VerificationService
        from cacre.service.settings import serve_settings
        from cacre.service.values import ModelInfo
    settings = serve_settings(token=None, **asdict(limits))
    asked = llm.named(context, "extract_timeout_seconds")
    verifier = load_verifier(model, threads=threads, rules=checks.rules())
    warn_of_voided(verifier, verifier.rules)
    proposer = proposer_of(llm, verifier) if asked else None
    service = VerificationService(verifier, ModelInfo.of(verifier), settings, proposer)
    run_mcp_server(service, verifier.rules.schema or verifier.schema, port)
