"""`--on-error skip` where nothing is left: exit code 1, the list of what is wrong, and no other output."""

import json
from pathlib import Path

import pytest
from llm_calls import extract, names
from typer.testing import CliRunner

from cacre.cli import app
from cacre.cli.extractor_job import run_extractor
from cacre.cli.filter import FilterPaths
from cacre.cli.llm_options import JobOptions
from cacre.errors import DataError

BAD = '{"text": ""}\nnot json\n'


class Silent:
    """Finds nothing."""

    name = "silent"

    def extract(self, texts):
        return [[] for _ in texts]


@pytest.fixture(autouse=True)
def bad(folder):
    Path("in.jsonl").write_text(BAD, encoding="utf-8")
    Path("out.jsonl").write_text("earlier\n", encoding="utf-8")
    return folder


def listed(path):
    return [json.loads(line)["line"] for line in Path(path).read_text(encoding="utf-8").splitlines()]


def check(message):
    expected = "in.jsonl: no row can be used: all 2 were skipped, and what is wrong with each is in out.errors.jsonl"
    assert message == expected
    assert listed("out.errors.jsonl") == [1, 2]
    assert Path("out.jsonl").read_text(encoding="utf-8") == "earlier\n"


def invoke(*arguments, stdin=None):
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    return result.stderr.splitlines()[-1].removeprefix("error: ")


def test_filter(tiny_folder):
    check(invoke("filter", "in.jsonl", "-o", "out.jsonl", "--model", tiny_folder, "--on-error", "skip"))


@pytest.mark.parametrize(
    ("source", "where"), [("in.jsonl", "in.filter.errors.jsonl"), ("-", "stdin.filter.errors.jsonl")]
)
def test_where_the_list_is_without_an_output_file(source, where, tiny_folder, bad):
    message = invoke("filter", source, "--model", tiny_folder, "--on-error", "skip", stdin=BAD)
    assert message.endswith(f"is in {where}")
    assert [name for name in names(bad) if "errors" in name] == [where]


def test_graph():
    check(invoke("graph", "in.jsonl", "--to", "node-link", "-o", "out.jsonl", "--on-error", "skip"))


def test_an_extractor():
    with pytest.raises(DataError) as caught:
        run_extractor(Silent(), "x", FilterPaths("in.jsonl", "out.jsonl", None, None), JobOptions(on_error="skip"))
    check(str(caught.value))


def test_an_llm(server, bad):
    result = extract(server, "--on-error", "skip")
    assert (result.exit_code, server.count) == (1, 0)
    check(result.stderr.splitlines()[-1].removeprefix("error: "))
    assert "out.job.sqlite" not in names(bad)
