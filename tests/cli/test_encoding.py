"""What goes to standard output and comes from standard input is UTF-8, whatever encoding the terminal is set to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import write_rows

TEXT = "《雾中渡》由林知远执导。"
DIRECTED = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
JUDGED = {"verdict": "supported", "text_score": 0.5, "pair_score": 0.5, "probability": 0.9, "evidence": [[0, 3]]}
EXPERIMENT = """name = "雾"
train = []
main = "CACRE"
resamples = 100
[variants.CACRE]
[candidates."渡口"]
path = "gold.jsonl"
"""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_rows("gold.jsonl", [{"text": TEXT, "triples": [DIRECTED], "spo_list": [DIRECTED]}])
    judged = [{**DIRECTED, **JUDGED, "label": True}, {**DIRECTED, "object": "顾青禾", **JUDGED, "label": False}]
    # So many that --scores names their relation.
    write_rows("all.jsonl", [{"text": f"{TEXT}{'好' * number}", "triples": judged} for number in range(10)])
    Path("mine.toml").write_text(EXPERIMENT, encoding="utf-8")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("evaluate all.jsonl gold.jsonl --per-relation --json", '"导演"'),
        ("evaluate all.jsonl gold.jsonl --per-relation", "导演"),
        ("evaluate all.jsonl --scores --bootstrap 0 --json", '"导演"'),
        ("evaluate all.jsonl --scores --bootstrap 0", "导演"),
        ("reproduce table3 --data . --experiment mine.toml --no-train --runs none", "experiment `雾`"),
        ("schema", "导演\t影视作品"),
        ("schema --json", '"导演"'),
        ("filter gold.jsonl", TEXT),
        ("extract gold.jsonl --extractor mini-zh", TEXT),
        ("graph all.jsonl --to cypher -o -", "林知远"),
    ],
)
def test_standard_output_is_utf_8(call, said):
    done = CliRunner(charset="cp1252").invoke(app, call.split())
    assert done.exit_code == 0, done.stderr
    assert said in done.stdout_bytes.decode("utf-8")


def test_so_it_is_in_a_terminal_that_knows_no_chinese():
    words = [sys.executable, "-m", "cacre", "evaluate", "all.jsonl", "gold.jsonl", "--per-relation", "--json"]
    done = subprocess.run(words, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "cp1252"})
    assert '"导演"' in done.stdout.decode("utf-8")


@pytest.mark.parametrize("encoding", ["gbk", "cp1252"])
def test_standard_input_is_utf_8_there_too(encoding):
    words = [sys.executable, "-m", "cacre", "evaluate", "-", "gold.jsonl", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    rows = Path("gold.jsonl").read_bytes()
    done = subprocess.run(words, input=rows, capture_output=True, check=True, env=environment)
    assert '"f1": 1.0' in done.stdout.decode("utf-8")


def test_a_message_in_another_encoding_does_not_break_the_command():
    words = [sys.executable, "-m", "cacre", "filter", "雾.jsonl"]
    done = subprocess.run(words, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "cp1252"})
    assert (done.returncode, done.stderr) == (1, b"error: ?.jsonl: cannot be read: No such file or directory\n")
