"""`python -m cacre`: the command line, for launchers that start a module."""

from __future__ import annotations

from cacre.cli import app

app(prog_name="cacre")
