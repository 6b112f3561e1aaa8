"""The command line: one thin file per command, joined here."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from cacre.cli.batch import batch_command
from cacre.cli.batch_extract import batch_extract_command
from cacre.cli.batch_generate import batch_generate_command
from cacre.cli.calibrate import calibrate_command
from cacre.cli.demo import demo_command
from cacre.cli.evaluate import evaluate
from cacre.cli.examples import epilog_of
from cacre.cli.export_model import export_model_command
from cacre.cli.extract import extract_command
from cacre.cli.filter import filter_command
from cacre.cli.generate import generate_command
from cacre.cli.graph import graph_command
from cacre.cli.mcp import mcp_command
from cacre.cli.one_line import one_line
from cacre.cli.pretrain import pretrain_command
from cacre.cli.report import report_command
from cacre.cli.reproduce import reproduce_command
from cacre.cli.run import run_command
from cacre.cli.schema import schema_command
from cacre.cli.serve import serve_command
from cacre.cli.train import train_command
from cacre.cli.train_extractor import train_extractor_command
from cacre.errors import CacreError

_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells count; `cacre.__main__`, which cannot import this yet, says the same."""


class _Group(TyperGroup):
    """Turns an error of ours into one line on stderr and exit code 1; anything else is a bug with a traceback.

    Ctrl-C is one line too, with exit code 130, where a command has nothing better to say.
    """

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  (a click context, which newer Typers bring with them)
        try:
            return super().invoke(ctx)
        except (CacreError, OSError) as error:
            if isinstance(error, BrokenPipeError):  # the reader of our output has gone; Typer ends quietly
                raise
            typer.echo(f"error: {one_line(str(error))}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:  # Typer would end without a word
            typer.echo("interrupted", err=True)
            raise typer.Exit(_INTERRUPTED) from error


app = typer.Typer(
    cls=_Group,
    name="cacre",
    help="The verification layer between any extractor and a knowledge graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", epilog=epilog_of("demo"))(demo_command)
app.command("extract", epilog=epilog_of("extract"))(extract_command)
app.command("generate", epilog=epilog_of("generate"))(generate_command)
app.command("filter", epilog=epilog_of("filter"))(filter_command)
app.command("run", epilog=epilog_of("run"))(run_command)
app.command("batch", epilog=epilog_of("batch"))(batch_command)
app.command("batch-extract", epilog=epilog_of("batch-extract"))(batch_extract_command)
app.command("batch-generate", epilog=epilog_of("batch-generate"))(batch_generate_command)
app.command("schema", epilog=epilog_of("schema"))(schema_command)
app.command("graph", epilog=epilog_of("graph"))(graph_command)
app.command("serve", epilog=epilog_of("serve"))(serve_command)
app.command("mcp", epilog=epilog_of("mcp"))(mcp_command)
app.command("evaluate", epilog=epilog_of("evaluate"))(evaluate)
app.command("train", epilog=epilog_of("train"))(train_command)
app.command("train-extractor", epilog=epilog_of("train-extractor"))(train_extractor_command)
app.command("report", epilog=epilog_of("report"))(report_command)
app.command("reproduce", epilog=epilog_of("reproduce"))(reproduce_command)
app.command("calibrate", epilog=epilog_of("calibrate"))(calibrate_command)
app.command("export-model", epilog=epilog_of("export-model"))(export_model_command)
app.command("pretrain", epilog=epilog_of("pretrain"))(pretrain_command)


def _version(show: bool) -> None:
    if show:
        from cacre import __version__

        typer.echo(f"cacre {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """The verification layer between any extractor and a knowledge graph."""
    # Data is UTF-8 whatever the terminal is set to, which need not know Chinese; a message must not break on it.
    for stream, encoding in ((sys.stdout, "utf-8"), (sys.stderr, None)):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=encoding, errors="replace")
