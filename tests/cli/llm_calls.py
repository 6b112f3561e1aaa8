"""Calling the commands that ask an LLM, for the tests beside this file."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cacre.cli import app

KEY = "sk-never-to-be-seen-4711"
ROWS = [
    {"id": f"t{number}", "text": f"《雾中渡{number}》由林知远执导，第{number}版于北川上映。", "source": "ours"}
    for number in range(6)
]
SMALL = ("--concurrency", "1", "--attempts", "1")
ALL = [row["id"] for row in ROWS]


def call(command, server, *words, source="in.jsonl", stdin=None):
    url = server if isinstance(server, str) else server.base_url
    arguments = [command, source, "--base-url", url, "--llm", "m", *map(str, words)]
    result = CliRunner().invoke(app, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return result


def extract(server, *words, output="out.jsonl", **more):
    return call("extract", server, "-o", output, *words, **more)


def rows_of(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def ids(rows):
    return [row["id"] for row in rows]
