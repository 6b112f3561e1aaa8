"""`cacre batch-extract`: texts of many files -> candidate rows, by an LLM and many workers."""

from __future__ import annotations

from typing import Annotated

import typer

from cacre.cli.agent_options import AgentOptions
from cacre.cli.batch import PartFormats
from cacre.cli.batch_llm import BadRows, LLMBatch, SharedPayOptions, TextPaths, UnitOptions, settings_of
from cacre.cli.filter import OnError
from cacre.cli.llm_options import ExtractOptions
from cacre.cli.option_groups import with_groups
from cacre.extras import needs_extra
from cacre.schema import load_schema


@with_groups
def batch_extract_command(
    paths: TextPaths,
    ask: ExtractOptions,
    pay: SharedPayOptions,
    agents: AgentOptions,
    units: UnitOptions,
    format: Annotated[PartFormats, typer.Option("--format", help="How the rows are written.")] = PartFormats.JSONL,
    on_error: BadRows = OnError.SKIP,
) -> None:
    """Have an LLM find the triples in the texts of many files. Run again to go on: no text is done or paid twice."""
    settings = settings_of(ask)
    with needs_extra("batch"):
        from cacre.batch.asking import Extracting
    asking = Extracting(load_schema(ask.schema), settings, agents.limits())
    LLMBatch("batch-extract", paths, ask, pay, units, on_error, format.value).run(asking)
