import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cacre
from cacre.cli import app
from cacre.cli.overrides import parse_overrides
from cacre.errors import ConfigError, MissingExtraError
from cacre.extras import needs_extra

COMMANDS = ("demo", "filter", "evaluate", "train", "calibrate", "export-model", "pretrain")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def one_error(result):
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line]
    assert line.startswith("error: ")
    return line


def test_version():
    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (0, f"cacre {cacre.__version__}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_wrong_usage_is_2():
    assert invoke("train").exit_code == 2
    assert invoke("fiter").exit_code == 2


def test_the_command_line_loads_no_torch():
    code = "import sys, cacre.cli; print([m for m in ('torch', 'transformers', 'sklearn', 'onnx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


_BLOCKED = """
import sys
sys.modules["torch"] = None
from cacre.cli import app
app(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "x.jsonl", "-o", "out"], "train"),
        (["pretrain", "x.txt", "-o", "out"], "train"),
        (["export-model", "x"], "export"),
    ],
)
def test_a_missing_extra_names_the_pip_command(arguments, extra, tmp_path):
    done = subprocess.run([sys.executable, "-c", _BLOCKED, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"error: this needs 'torch', which is not installed: run  pip install 'cacre[{extra}]'\n"
    assert not list(tmp_path.iterdir())


def test_an_import_error_of_our_own_is_not_taken_for_a_missing_extra():
    with pytest.raises(ModuleNotFoundError, match=r"cacre\.nothing"), needs_extra("train"):
        import cacre.nothing  # noqa: F401
    with pytest.raises(MissingExtraError, match=r"'nothing_of_that_name'.*cacre\[train\]"), needs_extra("train"):
        import nothing_of_that_name  # noqa: F401


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("0.5", 0.5), ("3e-4", 3e-4), ("true", True), ("false", False), ("own", "own"), ('"own"', "own"),
        ("./a=b", "./a=b"), (" own ", "own"), ("", ""),
    ],
)  # fmt: skip
def test_values_are_toml_or_bare_words(text, value):
    found = parse_overrides([f"table.key={text}"])["table"]["key"]
    assert found == value
    assert type(found) is type(value)


def test_overrides_of_one_table_add_up_and_the_last_wins():
    assert parse_overrides(["a.x=1", "b.y=2", "a.z=3", "a.x=4"]) == {"a": {"x": 4, "z": 3}, "b": {"y": 2}}
    assert parse_overrides([]) == {}
    with pytest.raises(ConfigError, match="got 'a'"):
        parse_overrides(["a"])


def test_pretrain_reads_texts_and_rows(tmp_path, monkeypatch):
    import cacre.training.pretraining as module

    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.txt").write_text("一\n二\n三\n四\n", encoding="utf-8")
    (folder / "b.jsonl").write_text(
        json.dumps({"text": "五"}) + "\n\n" + json.dumps({"text": "六"}) + "\n", encoding="utf-8"
    )
    (folder / "c.md").write_text("七\n", encoding="utf-8")
    single = tmp_path / "notes.md"
    single.write_text("八\n", encoding="utf-8")
    seen = {}
    monkeypatch.setattr(module, "pretrain", lambda *arguments, **more: seen.update(arguments=arguments, **more))
    result = invoke("pretrain", folder, single, "-o", tmp_path / "out", "--keep", "a=0.5", "--block-length", "8",
                    "--set", "encoder.dropout=0.3", "--generator", "first", "--learning-rate", "0.5")  # fmt: skip
    assert result.exit_code == 0, result.output
    lines, output, encoder, settings = seen["arguments"]
    assert lines == ["二", "四", "八", "五", "六"]
    assert output == tmp_path / "out"
    assert (encoder.dropout, settings.block_length, settings.epochs) == (0.3, 8, 1.0)
    assert (seen["generator"], settings.learning_rate) == (Path("first"), 0.5)


def test_errors_of_pretrain(tmp_path):
    out = tmp_path / "out"
    assert "no such file or folder" in one_error(invoke("pretrain", tmp_path / "none.txt", "-o", out))
    (tmp_path / "empty").mkdir()
    assert "no *.txt or *.jsonl file" in one_error(invoke("pretrain", tmp_path / "empty", "-o", out))
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"title": "x"}\n', encoding="utf-8")
    assert f"{rows}:1: text: is missing" in one_error(invoke("pretrain", rows, "-o", out))
    rows.write_text("{\n", encoding="utf-8")
    assert f"{rows}:1: " in one_error(invoke("pretrain", rows, "-o", out))
    text = tmp_path / "a.txt"
    text.write_text("短\n", encoding="utf-8")
    assert "not enough for one block" in one_error(invoke("pretrain", text, "-o", out))
    for entry in ("a", "a=x", "a=1.5"):
        assert "--keep takes" in one_error(invoke("pretrain", text, "-o", out, "--keep", entry))


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("--set training.epochs=7", "--set training.epochs: pretrain takes encoder.KEY alone"),
        ("--set encoder.name_or_path=x", "--set encoder.name_or_path: pretrain makes and trains an encoder of its own"),
        ("--set encoder.frozen=true", "--set encoder.frozen: pretrain makes"),
        ("--generator g --set encoder.dropout=0 --set encoder.hidden_size=8", "--set encoder.hidden_size: with --gen"),
        ("--keep b=0.5", "--keep b: no text file has that stem: there are a"),
    ],
)
def test_what_pretrain_would_pass_over(tmp_path, monkeypatch, options, fault):
    import cacre.training.pretraining as module

    monkeypatch.setattr(module, "pretrain", lambda *arguments, **more: pytest.fail("it trained"))
    (tmp_path / "a.txt").write_text("一\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "二"}\n', encoding="utf-8")
    assert fault in one_error(invoke("pretrain", tmp_path, "-o", tmp_path / "out", *options.split()))


def test_export_model_says_what_it_wrote(tmp_path, monkeypatch):
    import cacre.export

    seen = {}

    def export(folder, output, precision, labelled):
        seen.update(folder=folder, output=output, precision=precision, labelled=labelled)
        return cacre.export.ExportReport({"pair.onnx": 1_500_000}, {"pair": 2e-6})

    monkeypatch.setattr(cacre.export, "export_onnx", export)
    result = invoke("export-model", tmp_path, "--precision", "float16")
    assert result.exit_code == 0
    assert result.stderr == f"{tmp_path / 'pair.onnx'}: 1.50 MB, differs from torch by 2.0e-06\n"
    assert seen == {"folder": tmp_path, "output": None, "precision": "float16", "labelled": []}


def test_export_model_of_no_model(tmp_path):
    assert "no config.json there" in one_error(invoke("export-model", tmp_path))
