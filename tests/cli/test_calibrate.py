import json
import shutil

import pytest
from typer.testing import CliRunner

import tiny_corpus
from cacre.cli import app


def calibrate(*arguments):
    return CliRunner().invoke(app, ["calibrate", *(str(a) for a in arguments), "--threads", "1"])


def one_error(result):
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line]
    return line


@pytest.fixture
def folder(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "model")


@pytest.fixture
def lists(tmp_path):
    return tiny_corpus.write_rows(tmp_path / "lists.jsonl", tiny_corpus.films(4))


def candidates(path, *, gold):
    rows = []
    for example in tiny_corpus.films(4):
        triples = [
            dict(zip(("subject", "predicate", "object"), t, strict=True))
            for t in (*example.anchors, *example.negatives)
        ]
        rows.append({"text": example.text, "triples": triples} | ({"gold": triples[:2]} if gold else {}))
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def thresholds(folder):
    return json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))


def test_contrastive_rows_are_labelled_by_their_lists(folder, lists):
    result = calibrate(lists, "--model", folder)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert f"{folder / 'thresholds.json'}: text_threshold " in result.stderr
    found = thresholds(folder)
    assert found["calibration"]["kind"] == "logistic"
    assert (
        found["fitted_on"] | {"data": "lists.jsonl", "labels": "auto", "candidates": 16, "true": 8}
        == found["fitted_on"]
    )


def test_candidate_rows_are_labelled_by_their_gold(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    before = thresholds(folder)
    result = calibrate(candidates(tmp_path / "c.jsonl", gold=True), "--model", folder, "-o", elsewhere)
    assert result.exit_code == 0, result.output
    assert thresholds(folder) == before
    assert thresholds(elsewhere)["fitted_on"]["true"] == 8


def test_rows_that_have_no_such_labels(folder, lists, tmp_path):
    bare = candidates(tmp_path / "c.jsonl", gold=False)
    assert "gold" in one_error(calibrate(bare, "--model", folder))
    assert "--labels lists needs contrastive rows" in one_error(calibrate(bare, "--model", folder, "--labels", "lists"))
    assert "--labels gold needs rows with gold" in one_error(calibrate(lists, "--model", folder, "--labels", "gold"))


def test_no_such_data_or_model(folder, lists, tmp_path):
    assert "no such file" in one_error(calibrate(tmp_path / "none.jsonl", "--model", folder))
    assert "no such folder" in one_error(calibrate(lists, "--model", tmp_path / "none"))


def test_wrong_usage(folder, lists):
    assert calibrate(lists, "--model", folder, "--target-precision", "1.5").exit_code == 2
    assert calibrate(lists, "--model", folder, "--labels", "guess").exit_code == 2
