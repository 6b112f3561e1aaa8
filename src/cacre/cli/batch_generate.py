"""`cacre batch-generate`: texts of many files -> contrastive rows, by an LLM and many workers."""

from __future__ import annotations

from typing import Annotated

import typer

from cacre.cli.batch_llm import BadRows, LLMBatch, SharedPayOptions, TextPaths, UnitOptions, settings_of
from cacre.cli.filter import OnError
from cacre.cli.llm_options import AskOptions
from cacre.cli.option_groups import with_groups
from cacre.extras import needs_extra
from cacre.schema import load_schema


@with_groups
def batch_generate_command(
    paths: TextPaths,
    ask: AskOptions,
    pay: SharedPayOptions,
    units: UnitOptions,
    fill: Annotated[
        bool, typer.Option("--fill/--no-fill", help="Make a negative where the LLM gave none that can be used.")
    ] = True,
    on_error: BadRows = OnError.SKIP,
) -> None:
    """Ask an LLM for anchors, positives and negatives of the texts of many files. Run again to go on after a stop."""
    settings = settings_of(ask)
    with needs_extra("batch"):
        from cacre.batch.asking import Generating
    LLMBatch("batch-generate", paths, ask, pay, units, on_error).run(
        Generating(load_schema(ask.schema), settings, fill)
    )
