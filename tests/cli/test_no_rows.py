"""An input without any row: exit code 1, one line, and what an earlier run wrote is still there."""

from pathlib import Path

import pytest
from llm_calls import call, names, rows_of
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import write_rows

SAID = "there are no rows, and nothing was written: a text in which nothing was found is a row too"
EMPTY = ("", "\n \n", "\ufeff")


@pytest.fixture(autouse=True)
def earlier(folder):
    Path("out.jsonl").write_text("earlier\n", encoding="utf-8")


def check(result, source):
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == f"error: {source}: {SAID}"
    assert Path("out.jsonl").read_text(encoding="utf-8") == "earlier\n"


@pytest.mark.parametrize("content", EMPTY)
@pytest.mark.parametrize("source", ["in.jsonl", "-"])
@pytest.mark.parametrize("more", [(), ("--on-error", "skip")])
def test_filter_and_an_extractor(content, source, more, tiny_folder, folder):
    Path("in.jsonl").write_text(content, encoding="utf-8")
    model = ("--model", str(tiny_folder))
    for words in (("filter", *model), ("extract", "--extractor", "mini-zh"), ("run", "--extractor", "mini-zh", *model)):
        arguments = [words[0], source, "-o", "out.jsonl", *words[1:], *more]
        check(CliRunner().invoke(app, arguments, input=content), source)
    assert names(folder) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("more", [(), ("--on-error", "skip")])
def test_graph(more):
    Path("in.jsonl").write_text("", encoding="utf-8")
    check(CliRunner().invoke(app, ["graph", "in.jsonl", "--to", "node-link", "-o", "out.jsonl", *more]), "in.jsonl")


@pytest.mark.parametrize("command", ["extract", "generate", "run"])
def test_an_llm_s_jobs(command, server):
    Path("in.jsonl").write_text("", encoding="utf-8")
    check(call(command, server, "-o", "out.jsonl"), "in.jsonl")
    assert server.count == 0


def test_texts_in_which_nothing_was_found_are_rows(tiny_folder):
    write_rows("in.jsonl", [{"text": "今日无事。", "triples": []}])
    result = CliRunner().invoke(app, ["filter", "in.jsonl", "-o", "out.jsonl", "--model", str(tiny_folder)])
    assert result.exit_code == 0, result.stderr
    assert rows_of("out.jsonl") == [{"text": "今日无事。", "triples": []}]
