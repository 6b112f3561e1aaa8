import json
import shutil
from importlib import resources

import pytest
from typer.testing import CliRunner

import tiny_corpus
from cacre.cli import app
from cacre.cli.calibrate import Labels, labelled_rows


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
        found["fitted_on"] | {"data": "lists.jsonl", "labels": "lists", "candidates": 16, "true": 8}
        == found["fitted_on"]
    )


def test_thresholds_for_new_relations_stay_until_there_are_labels_of_such(folder, lists, tmp_path):
    path = folder / "thresholds.json"
    known = {"format": 1, "text_threshold": -0.5, "pair_thresholds": {}, "calibration": None, "fitted_on": {}}
    path.write_text(json.dumps(thresholds(folder) | {"new_relations": known}), encoding="utf-8")
    types = {"subject_type": "影视作品", "object_type": "人物"}
    relations = [{"name": name, **types} for name in ("导演", "主演", "摄影")]
    schema = tmp_path / "own.json"
    schema.write_text(json.dumps({"name": "own", "relations": relations}), encoding="utf-8")
    for asked in ((), ("--schema", schema)):
        assert calibrate(lists, "--model", folder, *asked).exit_code == 0
        assert thresholds(folder)["new_relations"] == known, "the rows are of 导演 and 主演"
    lists.write_text(lists.read_text(encoding="utf-8").replace("主演", "摄影"), encoding="utf-8")
    assert calibrate(lists, "--model", folder, "--schema", schema).exit_code == 0
    assert "new_relations" not in thresholds(folder)


def test_a_blank_line_at_the_start_hides_no_lists(lists):
    lists.write_text("\n" + lists.read_text(encoding="utf-8"), encoding="utf-8")
    rows, source, _ = labelled_rows(lists, Labels.auto)
    assert (len(rows), source) == (4, "lists")


def test_candidate_rows_are_labelled_by_their_gold(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    before = thresholds(folder)
    result = calibrate(candidates(tmp_path / "c.jsonl", gold=True), "--model", folder, "-o", elsewhere)
    assert result.exit_code == 0, result.output
    assert thresholds(folder) == before
    assert thresholds(elsewhere)["fitted_on"]["true"] == 8


def test_rows_that_have_no_such_labels(folder, lists, tmp_path):
    bare = candidates(tmp_path / "c.jsonl", gold=False)
    message = one_error(calibrate(bare, "--model", folder))
    assert message.startswith(f"error: {bare}:1: gold: the row has no labels: ")
    assert all(key in message for key in ("`gold`", "`spo_list`", "`supported`"))
    assert "--labels lists needs contrastive rows" in one_error(calibrate(bare, "--model", folder, "--labels", "lists"))
    message = one_error(calibrate(lists, "--model", folder, "--labels", "gold"))
    assert message.startswith(f"error: {lists}:1: gold: --labels gold needs `gold` in each row")


def test_no_such_data_or_model(folder, lists, tmp_path):
    assert "no such file" in one_error(calibrate(tmp_path / "none.jsonl", "--model", folder))
    assert "no such folder" in one_error(calibrate(lists, "--model", tmp_path / "none"))


def test_a_bundled_model_is_found_by_name_and_never_written_to(folder, lists, tmp_path, monkeypatch):
    monkeypatch.setattr("cacre.inference.folder.bundled_models", lambda: {"mini": folder})
    monkeypatch.setattr("cacre.cli.fitted_folder.bundled_models", lambda: {"mini": folder})
    before = thresholds(folder)
    for options in (("mini",), (folder,), (folder / ".." / folder.name,), ("mini", "-o", folder)):
        message = one_error(calibrate(lists, "--model", *options))
        assert "is part of the installed package" in message
        assert "with -o" in message
    result = calibrate(lists, "--model", "mini", "-o", tmp_path / "mine")
    assert result.exit_code == 0, result.output
    assert thresholds(tmp_path / "mine")["fitted_on"]["candidates"] == 16
    assert thresholds(folder) == before


def judged(path, *, texts=4, label=lambda right: {"supported": int(right)}, gold=False):
    """Candidate rows that say of each triple whether the text supports it; some texts twice, as one may draw them."""
    films = tiny_corpus.films(4)
    rows = []
    for number in range(texts):
        example = films[number % 4]
        triples = [t._asdict() | label(True) for t in example.anchors] + [
            t._asdict() | label(False) for t in example.negatives
        ]
        rows.append({"text": example.text, "triples": triples} | ({"gold": []} if gold else {}))
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("gold", [False, True])
def test_judged_triples_are_labels_before_gold(folder, tmp_path, gold):
    result = calibrate(judged(tmp_path / "c.jsonl", gold=gold), "--model", folder)
    assert result.exit_code == 0, result.output
    found = thresholds(folder)["fitted_on"]
    assert (found["labels"], found["true"], found["candidates"]) == ("support", 8, 16)
    assert found["rows_without_labels"] == 0


def test_the_packaged_sample_has_labels_of_each_triple(folder, tmp_path):
    with resources.as_file(resources.files("cacre.resources") / "samples" / "demo.jsonl") as sample:
        rows, source, unlabelled = labelled_rows(sample, Labels.auto)
    assert (source, unlabelled) == ("support", 0)
    assert {label for row in rows for label in row.labels} == {True, False}


def test_rows_that_nobody_judged_are_left_out_and_counted(folder, tmp_path):
    path = judged(tmp_path / "c.jsonl")
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"text": "《雾中渡》由林知远执导。", "triples": []}, ensure_ascii=False) + "\n")
    assert calibrate(path, "--model", folder).exit_code == 0
    assert thresholds(folder)["fitted_on"]["rows_without_labels"] == 1


def test_support_labels_that_are_not_there(folder, lists, tmp_path):
    bare = candidates(tmp_path / "c.jsonl", gold=True)
    assert "no triple is judged" in one_error(calibrate(bare, "--model", folder, "--labels", "support"))
    assert "needs candidate rows" in one_error(calibrate(lists, "--model", folder, "--labels", "support"))
    odd = judged(tmp_path / "odd.jsonl", label=lambda right: {"label": "good"})
    assert "triples[0].label" in one_error(calibrate(odd, "--model", folder))


def easy(path, texts):
    """Nearly all right, so that any model can be certified."""
    films = tiny_corpus.films(4)
    rows = []
    for number in range(texts):
        example = films[number % 4]
        triples = [t._asdict() | {"supported": 1} for t in example.anchors]
        if number % 50 == 0:
            triples[0]["supported"] = 0
        rows.append({"text": f"{example.text}此为第{number}条。", "triples": triples})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_guarantee_is_given_stored_and_explained(folder, tmp_path):
    data = easy(tmp_path / "c.jsonl", 300)
    result = calibrate(data, "--model", folder, "--guarantee-precision", 0.8, "--delta", 0.2, "--max-per-text", 2)
    assert result.exit_code == 0, result.output
    outcome, labels, rests_on, everything, warning, kept = result.stderr.splitlines()
    assert labels.endswith("; schema and mention checks applied for the guarantee, not for the probability")
    assert "(594 right, 6 wrong)" in warning
    assert kept.endswith(".bak")
    assert everything.startswith(
        "keeping all 600 candidates: precision 0.990 recall 1.000 F1 0.995; AUC of text_score "
    )
    assert "precision >= 0.8 with confidence 0.8 (p = " in outcome
    assert rests_on.startswith("the guarantee rests on: ")
    assert "exchangeable" in rests_on
    found = thresholds(folder)["fitted_on"]
    assert found["criterion"] == "guarantee"
    assert found["guarantee"]["delta"] == 0.2
    assert found["guarantee"]["settings"]["max_per_text"] == 2
    assert "labels are right" in found["guarantee"]["rests_on"]


def test_a_guarantee_is_refused_and_nothing_is_written(folder, lists, tmp_path):
    before = thresholds(folder)
    few = judged(tmp_path / "c.jsonl")
    assert "too few to guarantee" in one_error(calibrate(few, "--model", folder, "--guarantee-precision", 0.9))
    message = one_error(calibrate(lists, "--model", folder, "--guarantee-precision", 0.9))
    assert "contrastive lists cannot guarantee" in message
    assert thresholds(folder) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--delta", 0.1), "give --guarantee-precision"),
        (("--max-per-text", 3), "give --guarantee-precision"),
        (("--guarantee-precision", 0.9, "--target-precision", 0.9), "leave out --target-precision"),
        (("--guarantee-precision", 0.9, "--max-recall-loss", 0.1), "leave out --target-precision"),
        (("--guarantee-precision", 1.5), "precision must lie between 0 and 1, got 1.5"),
        (("--guarantee-precision", 0.9, "--delta", 0), "delta must lie between 0 and 1"),
        (("--calibration", "isotonic"), "at least 1000 labels, got 16"),
    ],
)
def test_options_that_do_not_go_together(folder, tmp_path, options, message):
    assert message in one_error(calibrate(judged(tmp_path / "c.jsonl"), "--model", folder, *options))


def test_wrong_usage(folder, lists):
    assert calibrate(lists, "--model", folder, "--target-precision", "1.5").exit_code == 2
    assert calibrate(lists, "--model", folder, "--labels", "guess").exit_code == 2


@pytest.fixture
def port_schema(tmp_path):
    entry = {"name": "停靠港", "subject_type": "船舶", "object_type": "地点", "cues": ["停靠"]}
    path = tmp_path / "my port.json"
    path.write_text(json.dumps({"name": "harbour", "relations": [entry]}, ensure_ascii=False), encoding="utf-8")
    return path


def voyages(path, texts):
    """Of a schema of its own; every third has a ship that the text lacks."""
    rows = []
    for number in range(texts):
        right = {"subject": f"云帆{number}号", "predicate": "停靠港", "object": "临澜", "label": True}
        absent = {**right, "subject": f"远星{number}号", "label": False}
        text = f"云帆{number}号昨日停靠临澜。"
        rows.append({"text": text, "triples": [right, absent] if number % 3 == 0 else [right]})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_guarantee_under_a_schema_of_ones_own(folder, tmp_path, port_schema):
    data, target = voyages(tmp_path / "c.jsonl", 120), tmp_path / "ours"
    options = ("--model", folder, "-o", target, "--guarantee-precision", 0.6, "--max-per-text", 2)
    message = one_error(calibrate(data, *options))
    assert (
        "no candidate is left to guarantee a precision for: checks reject 160 of 160 candidates: 160 predicate not in "
        "schema 'duie' ('停靠港' 160): give the schema that they are of (--schema)"
    ) in message
    assert not target.exists()
    result = calibrate(data, *options, "--schema", port_schema)
    assert result.exit_code == 0, result.output
    assert "checks reject 40 of 160 candidates: 40 subject not in text: those count as missed" in result.stderr
    assert result.stderr.splitlines()[-1].endswith(f"--model {target} --schema '{port_schema}'")
    found = thresholds(target)["fitted_on"]
    assert found["schema"] == "harbour"
    assert found["guarantee"]["left_out"] == {"subject not in text": 40}


def test_a_refused_guarantee_names_what_the_checks_reject(folder, tmp_path, port_schema):
    data = voyages(tmp_path / "c.jsonl", 6)
    message = one_error(calibrate(data, "--model", folder, "--guarantee-precision", 0.9, "--schema", port_schema))
    assert "too few to guarantee" in message
    assert message.endswith("; checks reject 2 of 8 candidates: 2 subject not in text")
    odd = calibrate(data, "--model", folder, "--guarantee-precision", 1.5)
    assert one_error(odd) == "error: precision must lie between 0 and 1, got 1.5"


def test_the_schema_fitted_under_is_the_models_by_default(folder, lists):
    assert calibrate(lists, "--model", folder).exit_code == 0
    assert thresholds(folder)["fitted_on"]["schema"] == "duie"


def test_thresholds_that_keep_everything_are_no_success(folder, tmp_path):
    result = calibrate(easy(tmp_path / "c.jsonl", 100), "--model", folder)
    assert result.exit_code == 0, result.output
    found = thresholds(folder)["fitted_on"]
    assert found["kept_all"] == {"precision": 0.99, "recall": 1.0, "f1": 0.995}
    assert f"keeping all 200 candidates: precision 0.990 recall 1.000 F1 0.995; the thresholds gain {0:+.3f} F1" in (
        result.stderr
    )
    assert f"AUC of text_score {found['text_auc']:.3f}" in result.stderr
    assert "warning: the thresholds gain no" in result.stderr
    asked = calibrate(tmp_path / "c.jsonl", "--model", folder, "--target-precision", 0.98)
    assert "warning: the thresholds gain no" not in asked.stderr
