import json
import shutil
from importlib import resources

import pytest
from typer.testing import CliRunner

import tiny_corpus
from cacre.cli import app
from cacre.cli.fitted_folder import check_target, name_of, write_fitted
from cacre.errors import ConfigError
from cacre.inference.thresholds import Thresholds

OLD, NEW = Thresholds(text_threshold=0.1), Thresholds(text_threshold=0.2)


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "encoder.onnx", "model.safetensors", "README.md", "metrics.json"):
        (folder / name).write_text(name)
    write_fitted(folder, folder, OLD)
    return folder


def names(folder):
    return {path.name for path in folder.iterdir()}


def text_threshold(folder, name="thresholds.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))["text_threshold"]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def judged(path, *, times=1, spo_list=False):
    rows = []
    for example in tiny_corpus.films(4) * times:
        right, wrong = ([t._asdict() for t in triples] for triples in (example.anchors, example.negatives))
        row = {"text": example.text}
        if spo_list:
            row |= {"triples": right + wrong, "spo_list": [t | {"object": {"@value": t["object"]}} for t in right]}
        else:
            row["triples"] = [t | {"supported": 1} for t in right] + [t | {"supported": 0} for t in wrong]
        rows.append(row)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_copy_is_a_model_that_the_next_command_takes(tiny_folder, tmp_path):
    data, ours = judged(tmp_path / "c.jsonl"), tmp_path / "ours"
    before = (tiny_folder / "thresholds.json").read_bytes()
    result = invoke("calibrate", data, "--model", tiny_folder, "-o", ours, "--threads", "1")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-1].endswith(f"--model {ours}")
    assert not (ours / "thresholds.json.bak").exists()
    assert (tiny_folder / "thresholds.json").read_bytes() == before
    filtered = invoke("filter", data, "-o", tmp_path / "kept.jsonl", "--model", ours)
    assert filtered.exit_code == 0, filtered.output
    again = invoke("calibrate", data, "--model", ours, "--max-recall-loss", "0", "--threads", "1")
    assert again.exit_code == 0, again.output
    assert (ours / "thresholds.json.bak").is_file()


def test_a_copy_has_what_makes_the_model_and_nothing_else(model, tmp_path):
    ours = tmp_path / "deep" / "ours"
    check_target(model, ours)
    assert write_fitted(model, ours, NEW) is False
    assert names(ours) == {"config.json", "encoder.onnx", "model.safetensors", "README.md", "thresholds.json"}
    assert (text_threshold(ours), text_threshold(model)) == (0.2, 0.1)


def test_a_copy_is_completed_and_its_own_card_kept(model, tmp_path):
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "README.md").write_text("our own")
    (ours / ".encoder.onnx.x.part").write_text("half")
    write_fitted(ours, ours, OLD)
    check_target(model, ours)
    assert write_fitted(model, ours, NEW) is True
    assert (ours / "README.md").read_text() == "our own"
    assert (ours / "encoder.onnx").read_text() == "encoder.onnx"
    assert (text_threshold(ours), text_threshold(ours, "thresholds.json.bak")) == (0.2, 0.1)


def test_a_failed_copy_leaves_no_thresholds(model, tmp_path, monkeypatch):
    monkeypatch.setattr("cacre.cli.fitted_folder.shutil.copyfileobj", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_fitted(model, tmp_path / "ours", NEW)
    assert names(tmp_path / "ours") == set()


def test_the_same_thresholds_again_do_not_push_out_the_older_ones(model):
    assert write_fitted(model, model, NEW) is True
    assert write_fitted(model, model, NEW) is False
    assert text_threshold(model, "thresholds.json.bak") == 0.1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("notes.txt", "mine", "holds notes.txt, which is no part of the model"),
        ("encoder.onnx", "another", r"holds another model than .* \(encoder.onnx differs\)"),
    ],
)
def test_a_folder_with_something_else_is_refused(model, tmp_path, name, text, message):
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        check_target(model, ours)
    assert names(ours) == {name}


def test_a_file_is_refused_and_a_plain_copy_is_not(model, tmp_path):
    with pytest.raises(ConfigError, match="is a file"):
        check_target(model, model / "config.json")
    check_target(model, shutil.copytree(model, tmp_path / "copy"))


def test_a_folder_called_like_a_bundled_model(monkeypatch, tmp_path):
    monkeypatch.setattr("cacre.cli.fitted_folder.bundled_models", lambda: {"mini": tmp_path})
    assert [name_of(tmp_path.__class__(name)) for name in ("mini", "my model")] == ["./mini", "'my model'"]


@pytest.mark.parametrize(("times", "warned"), [(1, True), (20, False)])
def test_few_labels_are_warned_of_and_their_source_named(tiny_folder, tmp_path, times, warned):
    data = judged(tmp_path / "c.jsonl", times=times)
    result = invoke("calibrate", data, "--model", tiny_folder, "-o", tmp_path / "ours", "--threads", "1")
    assert result.exit_code == 0, result.output
    assert "labels: support (chosen by --labels auto); schema and mention checks not applied\n" in result.stderr
    assert ("warning: only 16 labelled candidates (8 right, 8 wrong) of 4 texts" in result.stderr) == warned


def test_spo_list_is_gold_of_candidates(tiny_folder, tmp_path):
    data = judged(tmp_path / "c.jsonl", spo_list=True)
    result = invoke("calibrate", data, "--model", tiny_folder, "-o", tmp_path / "ours", "--threads", "1")
    assert result.exit_code == 0, result.output
    assert "labels: gold (chosen by --labels auto)" in result.stderr
    fitted_on = json.loads((tmp_path / "ours" / "thresholds.json").read_text(encoding="utf-8"))["fitted_on"]
    assert (fitted_on["true"], fitted_on["candidates"]) == (8, 16)
    data.write_text('{"text": "甲。", "triples": [], "spo_list": [["甲"]]}\n', encoding="utf-8")
    result = invoke("calibrate", data, "--model", tiny_folder, "-o", tmp_path / "ours", "--threads", "1")
    assert f"{data}:1: spo_list[0]: expected" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("limit", [(), ("--target-precision", "0.85", "--max-recall-loss", "0.2")])
def test_filter_without_checks_keeps_what_calibrate_says(tmp_path, limit):
    sample = resources.files("cacre.resources").joinpath("samples", "demo.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in sample.splitlines()[:30]]
    data, kept, ours = tmp_path / "c.jsonl", tmp_path / "kept.jsonl", tmp_path / "ours"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    options = ("--model", "mini-zh", "-o", ours, "--labels", "gold", *limit)
    result = invoke("calibrate", data, *options, "--threads", "1")
    assert result.exit_code == 0, result.output
    off = ("--no-schema-checks", "--no-mention-checks", "--reject-modality", "none")
    result = invoke("filter", data, "-o", kept, "--model", ours, *off)
    assert result.exit_code == 0, result.output
    gold = {row["text"]: {(t["subject"], t["predicate"], t["object"]) for t in row["gold"]} for row in rows}
    found = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    triples = [(row["text"], (t["subject"], t["predicate"], t["object"])) for row in found for t in row["triples"]]
    right = sum(triple in gold[text] for text, triple in triples)
    said = json.loads((ours / "thresholds.json").read_text(encoding="utf-8"))["fitted_on"]
    assert said["precision"] == round(right / len(triples), 4)
    assert said["recall"] == round(right / sum(map(len, gold.values())), 4)
