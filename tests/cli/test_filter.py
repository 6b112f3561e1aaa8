import json
import os
import re
import shutil
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cacre.cli.filter import filter_command

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧，沈若汐领衔主演。"
app = typer.Typer()
app.command()(filter_command)


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)


def triple(predicate, object_, **more):
    return {"subject": "雾中渡", "predicate": predicate, "object": object_, **more}


def rows_of(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def source(tmp_path):
    rows = [
        {
            "id": "a",
            "text": TEXT,
            "triples": [triple("导演", "林知远", llm=0.9), triple("导演", "无名氏")],
            "note": "n",
        },
        {"id": "b", "text": TEXT, "triples": [triple("编剧", "顾青禾")]},
        {"id": "c", "text": TEXT, "triples": [triple("气味", "沈若汐")]},
        {"id": "d", "text": TEXT, "triples": []},
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_labels_beside_the_triples_go_with_them(tmp_path, tiny_folder):
    row = {"text": TEXT, "triples": [triple("导演", "无名氏"), triple("编剧", "顾青禾")], "labels": [0, 1]}
    path = tmp_path / "labelled.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    kept, rejected, everything = (tmp_path / f"{name}.jsonl" for name in ("kept", "rejected", "all"))
    result = run(path, "-o", kept, "--rejected", rejected, "--all", everything, "--model", tiny_folder)
    assert result.exit_code == 0, result.stderr
    assert [[row["labels"] for row in rows_of(name)] for name in (kept, rejected, everything)] == [
        [[1]],
        [[0]],
        [[0, 1]],
    ]


def test_kept_rejected_and_all(source, tmp_path, tiny_folder):
    kept, rejected, everything = (tmp_path / f"{name}.jsonl" for name in ("kept", "rejected", "all"))
    result = run(source, "-o", kept, "--rejected", rejected, "--all", everything, "--model", tiny_folder)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert [[t["object"] for t in row["triples"]] for row in rows_of(kept)] == [["林知远"], ["顾青禾"], [], []]
    assert [(row["id"], [t["reason"] for t in row["triples"]]) for row in rows_of(rejected)] == [
        ("a", ["object not in text"]),
        ("c", ["predicate not in schema"]),
    ]
    assert [[t["verdict"] for t in row["triples"]] for row in rows_of(everything)] == [
        ["supported", "rejected"],
        ["supported"],
        ["rejected"],
        [],
    ]
    first = rows_of(everything)[0]
    assert first["note"] == "n"
    assert first["triples"][0]["llm"] == 0.9
    assert -1 <= first["triples"][0]["text_score"] <= 1
    assert all(TEXT[start:end] for start, end in first["triples"][0]["evidence"])
    assert "4 rows, 4 triples: 2 kept, 2 rejected" in result.stderr
    assert not list(tmp_path.glob("*.errors.jsonl"))


def test_an_output_whose_errors_file_would_have_too_long_a_name(source, tmp_path, tiny_folder):
    kept = tmp_path / ("长" * 82 + ".jsonl")
    result = run(source, "-o", kept, "--model", tiny_folder)
    assert result.exit_code == 0, result.output
    assert len(rows_of(kept)) == 4


def test_standard_streams(source, tiny_folder):
    result = run("-", "--model", tiny_folder, stdin=source.read_bytes())
    assert result.exit_code == 0, result.stderr
    assert [len(json.loads(line)["triples"]) for line in result.stdout.splitlines()] == [1, 1, 0, 0]


def test_checks_and_thresholds_from_the_command_line(source, tmp_path, tiny_folder):
    common = (source, "-o", tmp_path / "kept.jsonl", "--model", tiny_folder)
    assert run(*common, "--no-schema-checks", "--no-mention-checks").exit_code == 0
    assert [len(row["triples"]) for row in rows_of(tmp_path / "kept.jsonl")] == [2, 1, 1, 0]
    result = run(*common, "--text-threshold", "1.0")
    assert [len(row["triples"]) for row in rows_of(tmp_path / "kept.jsonl")] == [0, 0, 0, 0]
    assert "text_score below threshold" in result.stderr


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_the_number_of_rows_at_once_does_not_show(source, tmp_path, tiny_folder, batch):
    run(source, "--all", tmp_path / "one.jsonl", "--model", tiny_folder, "--batch-rows", 1)
    run(source, "--all", tmp_path / "many.jsonl", "--model", tiny_folder, "--batch-rows", batch, "--threads", 1)
    one, many = rows_of(tmp_path / "one.jsonl"), rows_of(tmp_path / "many.jsonl")
    assert [r["id"] for r in one] == [r["id"] for r in many]
    for left, right in zip(one, many, strict=True):
        for a, b in zip(left["triples"], right["triples"], strict=True):
            assert a["text_score"] == pytest.approx(b["text_score"], abs=2e-6)
            assert (a["verdict"], a["evidence"]) == (b["verdict"], b["evidence"])


def test_a_bad_row_stops_the_run_and_leaves_no_output(source, tmp_path, tiny_folder):
    with source.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "e", "text": "", "triples": []}\n')
    kept, rejected = tmp_path / "kept.jsonl", tmp_path / "rejected.jsonl"
    kept.write_text("earlier\n", encoding="utf-8")
    result = run(source, "-o", kept, "--rejected", rejected, "--model", tiny_folder, "--batch-rows", 1)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert f"{source}:5: text" in result.stderr
    assert result.stderr.count("\n") == 1
    assert kept.read_text(encoding="utf-8") == "earlier\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "kept.jsonl"]


def test_bad_rows_can_be_skipped(source, tmp_path, tiny_folder):
    source.write_text('{"text": 3}\n' + source.read_text(encoding="utf-8") + "not json\n", encoding="utf-8")
    result = run(source, "-o", tmp_path / "kept.jsonl", "--model", tiny_folder, "--on-error", "skip")
    assert result.exit_code == 0, result.stderr
    assert len(rows_of(tmp_path / "kept.jsonl")) == 4
    assert [row["line"] for row in rows_of(tmp_path / "kept.errors.jsonl")] == [1, 6]
    assert "2 rows skipped, listed in" in result.stderr


def test_input_and_outputs_must_differ(source, tmp_path, tiny_folder):
    before = source.read_bytes()
    same = tmp_path / "sub" / ".." / "in.jsonl"
    (tmp_path / "sub").mkdir()
    twice = (("-o", "x.jsonl", "--all", "x.jsonl"), ("-o", "-", "--all", "-"), ("--all", "/dev/stdout"))
    for arguments in (("-o", same), *twice):
        result = run(source, *arguments, "--model", tiny_folder)
        assert result.exit_code == 2
    link = tmp_path / "link.jsonl"
    link.symlink_to(source)
    assert run(source, "-o", link, "--model", tiny_folder).exit_code == 2
    assert source.read_bytes() == before


def test_an_output_in_place_of_the_list_of_unusable_rows_is_named_as_such(source, tmp_path, tiny_folder):
    result = run(source, "-o", "kept.jsonl", "--rejected", "kept.errors.jsonl", "--model", tiny_folder)
    said = re.sub(r"[\s│]+", " ", result.stderr)
    assert result.exit_code == 2
    assert "kept.errors.jsonl is where rows that cannot be used are listed: give input and outputs other names" in said
    twice = run(source, "-o", "kept.jsonl", "--all", "kept.jsonl", "--model", tiny_folder)
    assert "named twice" in re.sub(r"[\s│]+", " ", twice.stderr)


def test_a_pipe_is_written_to_and_not_replaced(source, tmp_path, tiny_folder):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = run(source, "-o", pipe, "--model", tiny_folder)
        content = os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    assert result.exit_code == 0, result.stderr
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert content.count(b"\n") == 4


@pytest.mark.parametrize(
    "arguments",
    [("--text-threshold", "1.5"), ("--threads", "0"), ("--batch-rows", "0"), ("--on-error", "ignore"), ("--unknown",)],
)
def test_wrong_usage_is_exit_code_2(source, tiny_folder, arguments):
    assert run(source, *arguments, "--model", tiny_folder).exit_code == 2


def test_missing_files_are_one_line_and_exit_code_1(source, tmp_path, tiny_folder):
    result = run(tmp_path / "none.jsonl", "--model", tiny_folder)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "none.jsonl" in result.stderr
    result = run(source, "--model", tmp_path / "none")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "no such folder" in result.stderr


def test_a_damaged_model_is_exit_code_1(source, tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "damaged")
    (folder / "pair.onnx").write_bytes((folder / "pair.onnx").read_bytes()[:200])
    result = run(source, "-o", tmp_path / "kept.jsonl", "--model", folder)
    assert result.exit_code == 1
    assert "pair.onnx" in result.stderr
    assert not (tmp_path / "kept.jsonl").exists()
