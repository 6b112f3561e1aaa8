"""Options that would do nothing are refused in one line, at whatever value they are given, before anything is read."""

import re

import pytest
from typer.testing import CliRunner

from cacre.cli import app

ASK = "--base-url http://x.example --llm m"
NO_LLM = "only with an LLM (--provider, --base-url, --llm): add it, or leave out"


def invoke(words):
    result = CliRunner().invoke(app, words.split())
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (f"run none.jsonl {ASK} --band 0.5", "--band: only with --judge: add it, or leave out this"),
        (f"run none.jsonl {ASK} --band 0.05", "--band: only with --judge: add it, or leave out this"),
        ("serve --max-llm-requests 3 --cache x", f"--max-llm-requests, --cache: {NO_LLM} these"),
        ("serve --samples 1", f"--samples: {NO_LLM} this"),
        ("mcp --samples 4", f"--samples: {NO_LLM} this"),
        ("mcp --extract-timeout-seconds 9 --language en", f"--language, --extract-timeout-seconds: {NO_LLM} these"),
        ("train-extractor derp none.jsonl -o x --precision float16", "--precision: only with --onnx: add it, or leave"),
    ],
)
def test_options_without_what_they_need(call, said):
    result = invoke(call)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {said}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--user neo4j", "--database foo"])
@pytest.mark.parametrize("format", ["csv", "cypher", "neo4j-admin"])
def test_a_file_has_no_user_and_no_database(format, option):
    result = invoke(f"graph none.jsonl --to {format} -o x {option}")
    assert result.exit_code == 2
    assert f"{option.split()[0]} is not for --to {format}" in re.sub(r"[\s│]+", " ", result.stderr)


@pytest.mark.parametrize("option", ["--logprobs", "--canonical-predicates"])
@pytest.mark.parametrize("command", ["generate none.jsonl -o x.jsonl", "batch-generate none.jsonl x"])
def test_contrastive_lists_have_neither_log_probabilities_nor_words_as_said(command, option):
    result = invoke(f"{command} {ASK} {option}")
    assert result.exit_code == 2
    assert f"No such option: {option}" in result.stderr


def test_with_what_they_need_they_pass():
    assert "none.jsonl: cannot be read" in invoke(f"run none.jsonl {ASK} --judge --band 0.5 --dry-run").stderr
    assert "none.jsonl: cannot be read" in invoke(f"extract none.jsonl {ASK} --logprobs --dry-run").stderr
    assert "--band: an extractor asks no LLM" in invoke("run none.jsonl --extractor mini-zh --band 0.5").stderr
