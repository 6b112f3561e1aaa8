"""Ctrl-C, while a command works and while Python still imports."""

import subprocess
import sys
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from cacre.cli import app

_WHILE_IMPORTING = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "cacre.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
"""
_SCRIPT = _WHILE_IMPORTING + "from cacre.__main__ import main\nmain()"
_MODULE = _WHILE_IMPORTING + "import runpy\nrunpy.run_module('cacre', run_name='__main__', alter_sys=True)"


def test_an_interrupted_command_says_so(tmp_path, tiny_folder, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("cacre.cli.filter.filter_files", interrupted)
    result = CliRunner().invoke(app, ["filter", "in.jsonl", "--model", str(tiny_folder)])
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")


def test_so_it_is_while_python_imports():
    for code in (_SCRIPT, _MODULE):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_the_console_script_is_the_guarded_one():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"cacre": "cacre.__main__:main"}
