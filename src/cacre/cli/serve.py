"""`cacre serve`: the verifier over HTTP."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cacre.cli.check_options import SchemaCheckOptions
from cacre.cli.extractor_job import ExtractorOptions, refuse_llm_options
from cacre.cli.option_groups import refuse_without, with_groups
from cacre.cli.voided_guarantee import warn_of_voided
from cacre.extras import needs_extra
from cacre.inference import OnnxVerifier, load_verifier
from cacre.inference.folder import DEFAULT_MODEL

if TYPE_CHECKING:
    from cacre.service.values import Proposer

LIMITS, LLM = "Limits", "Extraction by an LLM"


@dataclass(frozen=True)
class ListenOptions:
    """Where to listen, and how to end."""

    host: Annotated[str, typer.Option(help="Address to listen on; one that others reach needs CACRE_SERVE_TOKEN.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8000
    open_metrics: Annotated[bool, typer.Option("--open-metrics", help="Give /metrics without the token.")] = False
    drain_seconds: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="After SIGTERM, still take requests for so long.")
    ] = 1.0
    shutdown_seconds: Annotated[
        float, typer.Option(min=0.1, max=86_400.0, help="How long requests in work may take to end after that.")
    ] = 30.0


@dataclass(frozen=True)
class LimitOptions:
    """What requests may be at most."""

    max_batch_rows: Annotated[int, typer.Option(min=1, help="Texts judged at once.", rich_help_panel=LIMITS)] = 32
    max_batch_triples: Annotated[
        int, typer.Option(min=1, help="Triples judged at once, unless one text has more.", rich_help_panel=LIMITS)
    ] = 500
    max_wait_ms: Annotated[
        float,
        typer.Option(
            min=0.0, max=1000.0, help="How long the first text waits for others, if idle.", rich_help_panel=LIMITS
        ),
    ] = 2.0
    max_waiting_rows: Annotated[
        int, typer.Option(min=1, help="Texts of all requests that may wait; then 503.", rich_help_panel=LIMITS)
    ] = 1024
    max_waiting_triples: Annotated[
        int, typer.Option(min=1, help="Triples of all requests that may wait; then 503.", rich_help_panel=LIMITS)
    ] = 20_000
    max_requests: Annotated[int, typer.Option(min=1, help="Requests at work at once.", rich_help_panel=LIMITS)] = 256
    max_body_bytes: Annotated[int, typer.Option(min=1, help="Longest body.", rich_help_panel=LIMITS)] = 8 * 1024 * 1024
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of a request to filter.", rich_help_panel=LIMITS)] = 256
    max_text_characters: Annotated[
        int, typer.Option(min=1, max=100_000, help="Longest text.", rich_help_panel=LIMITS)
    ] = 20_000
    timeout_seconds: Annotated[
        float, typer.Option(min=0.001, max=86_400.0, help="Longest time for a request.", rich_help_panel=LIMITS)
    ] = 30.0


@dataclass(frozen=True)
class LLMOptions:
    """Whom `/v1/extract` asks; without any of the first three it is off."""

    provider: Annotated[
        str | None, typer.Option(help="deepseek, openai, ollama, vllm, custom, ...", rich_help_panel=LLM)
    ] = None
    base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible address.", rich_help_panel=LLM)] = None
    llm: Annotated[str | None, typer.Option(help="Name of the model as its server knows it.", rich_help_panel=LLM)] = (
        None
    )
    language: Annotated[Literal["zh", "en"], typer.Option(help="Language of the prompt.", rich_help_panel=LLM)] = "zh"
    samples: Annotated[
        int, typer.Option(min=1, max=64, help="Independent answers to each question.", rich_help_panel=LLM)
    ] = 1
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.", rich_help_panel=LLM)] = 2048
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Questions at once.", rich_help_panel=LLM)] = 8
    max_llm_requests: Annotated[
        int | None, typer.Option(min=0, help="Ask no more than so often in all.", rich_help_panel=LLM)
    ] = None
    cache: Annotated[Path | None, typer.Option(help="File of paid answers; none by default.", rich_help_panel=LLM)] = (
        None
    )

    def named(self, context: typer.Context, *also: str) -> bool:
        """Whether an LLM is named.

        Args:
            context: The call of the command.
            also: Parameters of the command that mean nothing without one.

        Raises:
            ConfigError: None is, but there are options that mean nothing without one.
        """
        if any((self.provider, self.base_url, self.llm)):
            return True
        others = [field.name for field in fields(self) if field.name not in ("provider", "base_url", "llm")]
        refuse_without("an LLM (--provider, --base-url, --llm)", context, *others, *also)
        return False


@with_groups
def serve_command(
    context: typer.Context,
    listen: ListenOptions,
    checks: SchemaCheckOptions,
    limits: LimitOptions,
    llm: LLMOptions,
    trained: ExtractorOptions,
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a model folder.")] = DEFAULT_MODEL,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all by default.")] = None,
) -> None:
    """Serve the verifier over HTTP; the token, if any, is in CACRE_SERVE_TOKEN."""
    with needs_extra("serve"):
        from cacre.cli.serve_extractor import extractor_proposer
        from cacre.service.logs import start_logging
        from cacre.service.server import run_server
        from cacre.service.service import VerificationService
        from cacre.service.settings import serve_settings
        from cacre.service.values import ModelInfo
    settings = serve_settings(**asdict(listen), **asdict(limits))
    if (extractor := trained.load(threads)) is not None:
        refuse_llm_options(context, LLMOptions)
    asked = extractor is None and llm.named(context)
    verifier = load_verifier(model, threads=threads, rules=checks.rules())
    warn_of_voided(verifier, verifier.rules)
    proposer: Proposer | None = None
    if extractor is not None:
        proposer = extractor_proposer(extractor, trained.origin(extractor))
    elif asked:
        proposer = proposer_of(llm, verifier)
    start_logging()
    run_server(VerificationService(verifier, ModelInfo.of(verifier), settings, proposer), settings)


def proposer_of(options: LLMOptions, verifier: OnnxVerifier) -> Proposer:
    """What proposes triples, by the options of `serve` and `mcp`.

    Raises:
        MissingExtraError: The extra `llm` is not installed.
        ConfigError: An option is unknown or missing.
        AccessError: A key is needed and there is none.
    """
    with needs_extra("llm"):
        from cacre.cli.serve_llm import make_proposer
    return make_proposer(options, verifier.rules.schema or verifier.schema)
