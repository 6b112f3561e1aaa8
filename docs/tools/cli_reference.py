"""Write docs/cli.md, the reference of all commands, from the command line itself.

python docs/tools/cli_reference.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from cacre.cli import app

PAGE = Path(__file__).resolve().parents[1] / "cli.md"
HEAD = """# Commands

What `--help` of each command says. This page is written by `docs/tools/cli_reference.py`; do not edit it. `-` is
standard input or output, data goes to stdout or `-o`, everything else to stderr; exit codes are 0 done, 1 the input or
the run failed, 2 wrong usage, 130 interrupted with Ctrl-C (1 where the same command goes on from there: `batch` and its
kin, and jobs that ask an LLM).
"""
_EXAMPLES = re.compile(r"^Examples?:\n\n((?:cacre |cat ).*(?:\n\n(?:cacre |cat ).*)*)\n", flags=re.MULTILINE)

_HELP = re.compile(r"(?<=`: ).*$", flags=re.MULTILINE)


def reference() -> str:
    """The page as it should be."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD, *(_section(name, command, group) for name, command in group.commands.items())]
    return "\n".join(part.strip() + "\n" for part in parts)


def _section(name: str, command: Any, group: Any) -> str:  # noqa: ANN401  (click's, which newer Typers bring with them)
    context = command.context_class(command, info_name=name, parent=group.context_class(group, info_name="cacre"))
    text = get_docs_for_click(obj=command, ctx=context, indent=1, name=name, call_prefix="cacre")
    return _EXAMPLES.sub(_fenced, _HELP.sub(lambda found: found[0].replace("<", "&lt;"), text))


def _fenced(examples: re.Match[str]) -> str:
    return "**Examples**:\n\n```bash\n" + examples[1].replace("\n\n", "\n") + "\n```\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
