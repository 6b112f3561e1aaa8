"""`cacre batch` before Ray comes in: usage, errors of input and model, and that no other command loads Ray."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cacre.cli import app


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "雾中渡", "triples": []}\n', encoding="utf-8")
    return path


def test_an_output_is_needed(source):
    result = invoke("batch", source)
    assert result.exit_code == 2
    assert "give one or more inputs" in result.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own, when it is imported
def test_input_output_and_model_are_checked_before_anything_starts(source, tmp_path, tiny_folder):
    for paths, options, said in (
        ((tmp_path / "none.jsonl", tmp_path / "out"), (), "none.jsonl: cannot be read"),
        ((source, source), (), "is a file: name a folder"),
        ((source, tmp_path), (), "in.jsonl is in the output folder"),
        ((source, tmp_path / "out"), ("--model", tmp_path / "m"), "no such folder"),
        ((source, tmp_path / "out"), ("--text-threshold", 0.5, "--schema", "nothing"), "nothing"),
    ):
        result = invoke("batch", *paths, "--model", tiny_folder, *options)
        assert result.exit_code == 1, result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: ") and said in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_ray_is_loaded_by_nothing_else_and_a_missing_one_is_named(source, tmp_path):
    loaded = "import sys, cacre.cli, cacre.batch; print([m for m in ('ray', 'fsspec', 'pyarrow') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "[]"
    blocked = "import sys; sys.modules['ray'] = None; from cacre.cli import app; app(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", blocked, "batch", source, tmp_path / "out"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: this needs 'ray', which is not installed: run  pip install 'cacre[batch]'\n"
