"""The options of the commands that call an LLM: whom to ask, what to ask, how fast and for how much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

ASK, PACE, MONEY, JOB = "What to ask", "How fast", "Money and cache", "The job"


@dataclass(frozen=True)
class AskOptions:
    """Whom to ask and what."""

    provider: Annotated[
        str, typer.Option(help="deepseek, qwen-plus, ernie-4.0, llama3-70b, openai, ollama, vllm, custom, ...")
    ] = "custom"
    base_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible address, such as http://localhost:8000/v1.")
    ] = None
    llm: Annotated[
        str | None, typer.Option(help="Name of the model as its server knows it; the provider's by default.")
    ] = None
    schema: Annotated[str, typer.Option(help="Relation schema: duie, open, or a file.", rich_help_panel=ASK)] = "duie"
    prompt: Annotated[str | None, typer.Option(help="extract, contrastive, or a prompt file.", rich_help_panel=ASK)] = (
        None
    )
    language: Annotated[Literal["zh", "en"], typer.Option(help="Language of the prompt.", rich_help_panel=ASK)] = "zh"
    style: Annotated[
        Literal["json", "lines"],
        typer.Option(help="Ask for JSON, or for the paper's lines; both are understood.", rich_help_panel=ASK),
    ] = "json"
    answer_format: Annotated[
        Literal["json_schema", "json_object", "text"],
        typer.Option(help="What the server is asked to force; it falls to what it can do.", rich_help_panel=ASK),
    ] = "json_schema"
    relations_per_prompt: Annotated[
        int | None, typer.Option(min=1, help="Split a long schema over several questions.", rich_help_panel=ASK)
    ] = None
    samples: Annotated[
        int, typer.Option(min=1, max=64, help="Independent answers to each question, united.", rich_help_panel=ASK)
    ] = 1
    gleanings: Annotated[
        int, typer.Option(min=0, max=8, help="How often to ask for what was missed.", rich_help_panel=ASK)
    ] = 0
    window: Annotated[
        int, typer.Option(min=50, help="Longest stretch of text in one question, in characters.", rich_help_panel=ASK)
    ] = 1500
    overlap: Annotated[
        int, typer.Option(min=0, help="How far windows of a long text overlap, in characters.", rich_help_panel=ASK)
    ] = 200
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.", rich_help_panel=ASK)] = 2048
    temperature: Annotated[
        float | None,
        typer.Option(min=0.0, max=2.0, help="0 by default, 0.7 with several samples.", rich_help_panel=ASK),
    ] = None
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the sampling.", rich_help_panel=ASK)] = None
    thinking: Annotated[
        bool, typer.Option("--thinking", help="Let the model think aloud; it costs tokens.", rich_help_panel=ASK)
    ] = False


@dataclass(frozen=True)
class ExtractOptions(AskOptions):
    """Whom to ask and what, where triples are extracted: contrastive lists have neither of these."""

    logprobs: Annotated[
        bool, typer.Option("--logprobs", help="Give each triple its mean log probability.", rich_help_panel=ASK)
    ] = False
    canonical_predicates: Annotated[
        bool,
        typer.Option("--canonical-predicates", help="Replace synonyms by the schema's names.", rich_help_panel=ASK),
    ] = False


@dataclass(frozen=True)
class PayOptions:
    """How fast, and for how much."""

    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Requests at once.", rich_help_panel=PACE)] = 8
    requests_per_minute: Annotated[
        float | None, typer.Option(help="Most requests a minute; no limit by default.", rich_help_panel=PACE)
    ] = None
    tokens_per_minute: Annotated[
        float | None, typer.Option(help="Most tokens a minute; no limit by default.", rich_help_panel=PACE)
    ] = None
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Longest wait for one answer, in seconds.", rich_help_panel=PACE)
    ] = 120.0
    attempts: Annotated[
        int, typer.Option(min=1, max=50, help="Tries of a request before it is given up.", rich_help_panel=PACE)
    ] = 6
    max_requests: Annotated[
        int | None, typer.Option(min=0, help="Send no more than this; then stop cleanly.", rich_help_panel=MONEY)
    ] = None
    max_cost: Annotated[
        float | None, typer.Option(min=0.0, help="Spend no more than this; needs prices.", rich_help_panel=MONEY)
    ] = None
    price_prompt: Annotated[
        float | None, typer.Option(min=0.0, help="Price of a million prompt tokens.", rich_help_panel=MONEY)
    ] = None
    price_completion: Annotated[
        float | None, typer.Option(min=0.0, help="Price of a million completion tokens.", rich_help_panel=MONEY)
    ] = None
    cache: Annotated[
        Path | None,
        typer.Option(help="File of paid answers; <output>.cache.sqlite by default.", rich_help_panel=MONEY),
    ] = None
    offline: Annotated[bool, typer.Option("--offline", help="Answer from the cache alone.", rich_help_panel=MONEY)] = (
        False
    )
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count and price the requests; send none.", rich_help_panel=MONEY)
    ] = False


@dataclass(frozen=True)
class JobOptions:
    """What becomes of earlier work and of bad rows."""

    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many rows.", rich_help_panel=JOB)] = None
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on where a stopped job stood.", rich_help_panel=JOB)
    ] = True
    on_error: Annotated[
        Literal["raise", "skip"],
        typer.Option(help="raise: refuse an input with a bad row; skip: list it and go on.", rich_help_panel=JOB),
    ] = "raise"
