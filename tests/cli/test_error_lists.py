"""No command takes the list of bad rows of the command before it, or its own input, for its own list."""

import json
import re
from pathlib import Path

import pytest
from llm_calls import call, names
from typer.testing import CliRunner

from cacre.cli import app
from llm_server import LLMServer

TEXT = "《雾中渡》由林知远执导。"
TRIPLE = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
GOOD = json.dumps({"text": TEXT, "triples": [{**TRIPLE, "verdict": "supported", "evidence": []}]}) + "\n"
BAD = '{"text": ""}\n'
EARLIER = "what an earlier command could not use\n"
GRAPHS = (
    ("turtle", "kept.ttl"),
    ("graphml", "kept"),
    ("csv", "kept"),
    ("csv", "."),
    ("node-link", "-"),
    ("cypher", "/dev/null"),
)


@pytest.fixture
def earlier(folder):
    """The output of an earlier command, with its list."""
    Path("kept.jsonl").write_text(GOOD, encoding="utf-8")
    Path("kept.errors.jsonl").write_text(EARLIER, encoding="utf-8")
    return folder


def invoke(*words, stdin=None, code=0):
    result = CliRunner().invoke(app, list(map(str, words)), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def lists(folder):
    return [name for name in names(folder) if name.endswith(".errors.jsonl")]


@pytest.mark.parametrize("bad", ["", BAD])
@pytest.mark.parametrize(("format", "output"), GRAPHS)
def test_a_graph_leaves_the_list_of_the_filter(earlier, format, output, bad, monkeypatch):
    Path("kept.jsonl").write_text(bad + GOOD, encoding="utf-8")
    if output == ".":  # another folder, since this one holds other files
        Path("empty").mkdir()
        monkeypatch.chdir("empty")
    source = earlier / "kept.jsonl"
    invoke("graph", source, "--to", format, "-o", output, "--on-error", "skip")
    assert (earlier / "kept.errors.jsonl").read_text(encoding="utf-8") == EARLIER
    assert len(lists(earlier)) == (2 if bad else 1)


def test_a_folder_that_is_the_working_folder_has_its_list_beside_it(folder, monkeypatch):
    (folder / "kept.jsonl").write_text(BAD + GOOD, encoding="utf-8")
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    result = invoke("graph", "../kept.jsonl", "--to", "csv", "-o", ".", "--on-error", "skip")
    assert result.stderr.endswith(f"1 rows skipped, listed in {folder / 'empty.errors.jsonl'}\n")
    assert [json.loads(line)["line"] for line in (folder / "empty.errors.jsonl").read_text("utf-8").splitlines()] == [1]
    assert names(folder / "empty") == ["edges.csv", "entities.csv", "sources.csv"]


@pytest.mark.parametrize("bad", ["", BAD])
@pytest.mark.parametrize("output", ["-", "kept", "/dev/null"])
def test_a_filter_leaves_the_list_of_the_extraction(earlier, tiny_folder, output, bad):
    Path("kept.jsonl").write_text(bad + GOOD, encoding="utf-8")
    invoke("filter", "kept.jsonl", "-o", output, "--model", tiny_folder, "--on-error", "skip")
    assert Path("kept.errors.jsonl").read_text(encoding="utf-8") == EARLIER
    assert lists(earlier) == ["kept.errors.jsonl", *(["kept.filter.errors.jsonl"] if bad else [])]


@pytest.mark.parametrize("command", ["extract", "run"])
def test_an_extractor_leaves_the_list_of_what_made_its_texts(earlier, tiny_folder, command):
    Path("kept.jsonl").write_text(BAD + GOOD, encoding="utf-8")
    more = ("--model", tiny_folder) if command == "run" else ()
    invoke(command, "kept.jsonl", "--extractor", "mini-zh", "--on-error", "skip", *more)
    assert Path("kept.errors.jsonl").read_text(encoding="utf-8") == EARLIER
    assert lists(earlier) == ["kept.errors.jsonl", f"kept.{command}.errors.jsonl"]


@pytest.mark.parametrize("command", ["extract", "generate", "run"])
def test_an_llm_job_leaves_the_lists_of_other_jobs(earlier, tiny_folder, command):
    more = ("--model", tiny_folder) if command == "run" else ()
    with LLMServer(lambda body, number: "对不起，我无法回答。") as server:
        result = call(command, server, "--attempts", "1", *more, source="kept.jsonl")
    assert f"what could not be used: kept.{command}.errors.jsonl (1 entries)" in result.stderr
    assert Path("kept.errors.jsonl").read_text(encoding="utf-8") == EARLIER
    assert lists(earlier) == ["kept.errors.jsonl", f"kept.{command}.errors.jsonl"]


def test_commands_in_a_pipe_have_a_list_each(folder, tiny_folder):
    kept = invoke("filter", "-", "--model", tiny_folder, "--on-error", "skip", stdin=BAD + GOOD)
    invoke("graph", "-", "--to", "turtle", "-o", "-", "--on-error", "skip", stdin=kept.stdout + BAD)
    assert lists(folder) == ["stdin.filter.errors.jsonl", "stdin.graph.errors.jsonl"]


def test_the_input_is_never_taken_for_the_list(folder, tiny_folder):
    Path("x.errors.jsonl").write_text(BAD + GOOD, encoding="utf-8")
    skip = ("--on-error", "skip")
    calls = [
        ("graph", "x.errors.jsonl", "--to", "cypher", "-o", "x"),
        ("graph", "./x.errors.jsonl", "--to", "csv", "-o", "x"),
        ("filter", "x.errors.jsonl", "-o", "x", "--model", tiny_folder),
    ]
    for words in calls:
        said = re.sub(r"[\s│]+", "", invoke(*words, *skip, code=2).stderr)
        assert "x.errors.jsonlis" in said, said
    for words in (("extract", "--extractor", "mini-zh"), ("run", "--extractor", "mini-zh")):
        invoke(words[0], "x.errors.jsonl", "-o", "x", *words[1:], *skip, code=2)
    for command in ("extract", "run", "generate"):
        result = invoke(
            command, "x.errors.jsonl", "-o", "x", "--base-url", "http://x.example", "--llm", "m", *skip, code=1
        )
        assert "x.errors.jsonl is named twice" in result.stderr
    assert names(folder) == ["in.jsonl", "x.errors.jsonl"]
    assert Path("x.errors.jsonl").read_text(encoding="utf-8") == BAD + GOOD
