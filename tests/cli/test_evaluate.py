import json

import pytest
import typer
from typer.testing import CliRunner

from cacre.cli.evaluate import evaluate
from cacre.errors import DataError

TEXT, OTHER = "《晚潮》由周一鸣导演。", "沈青毕业于南岭大学。"


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    app.command()(evaluate)
    predictions = [
        {"text": TEXT, "triples": [["晚潮", "导演", "周一鸣"], ["晚潮", "编剧", "周一鸣"]]},
        {"text": "别处的话。", "triples": [["甲", "号", "乙"]]},
    ]
    slots = {"@value": "周一鸣", "inArea": "香港"}
    gold = [
        {"text": TEXT, "spo_list": [{"subject": "晚潮", "predicate": "导演", "object": slots}]},
        {"text": OTHER, "gold": [["沈青", "毕业院校", "南岭大学"], ["沈青", "号", "青"]]},
    ]
    paths = []
    for name, rows in (("predictions", predictions), ("gold", gold)):
        paths.append(str(tmp_path / f"{name}.jsonl"))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return lambda *options, **more: CliRunner().invoke(app, [*paths, *options], **more)


def test_json_has_the_official_keys_rounded(run):
    result = run("--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "precision": 0.5,
        "recall": 0.3333,
        "f1": 0.4,
        "correct": 1,
        "predicted": 2,
        "gold": 3,
    }
    assert "1 of 2 texts with predictions are not in gold" in result.stderr


def test_strict_mode(run):
    assert json.loads(run("--json", "--mode", "strict").stdout)["correct"] == 0
    assert run("--mode", "loose").exit_code == 2


def test_relations_intervals_and_aliases(run, tmp_path):
    (tmp_path / "aliases.tsv").write_text("夜潮\t晚潮\n", "utf-8")
    options = ("--per-relation", "--bootstrap", "20", "--aliases", str(tmp_path / "aliases.tsv"))
    report = json.loads(run("--json", *options).stdout)
    assert report["correct_gold"] == 1
    assert report["relations"]["导演"]["f1"] == 1.0
    assert report["intervals"]["resamples"] == 20
    assert report["intervals"]["f1"][0] <= report["f1"] <= report["intervals"]["f1"][1]


def test_the_table_shows_the_same_numbers(run):
    result = run("--per-relation", "--bootstrap", "20")
    assert result.exit_code == 0
    for shown in ("0.5000", "0.3333", "0.4000", "导演", "95% from"):
        assert shown in result.stdout


def test_faults_reach_the_caller(run, tmp_path):
    (tmp_path / "gold.jsonl").write_text("{}", "utf-8")
    assert isinstance(run("--json").exception, DataError)


def test_only_one_side_can_be_standard_input():
    app = typer.Typer()
    app.command()(evaluate)
    assert CliRunner().invoke(app, ["-", "-"]).exit_code == 2


def rows_of(*triples, **more):
    keys = ("subject", "predicate", "object", "text_score")
    judged = [{**dict(zip(keys, triple, strict=True)), "verdict": "supported"} for triple in triples]
    return {"text": TEXT, "triples": judged, **more}


@pytest.fixture
def run_on(tmp_path):
    app = typer.Typer()
    app.command()(evaluate)

    def run_files(files, *arguments):
        for name, rows in files.items():
            (tmp_path / name).write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
        return CliRunner().invoke(app, [str(tmp_path / a) if a in files else a for a in arguments])

    return run_files


RIGHT, WRONG, ALSO = ("晚潮", "导演", "周一鸣"), ("晚潮", "编剧", "周一鸣"), ("晚潮", "主演", "周一鸣")


def test_another_output_is_compared(run_on):
    gold = [{"text": TEXT, "gold": [RIGHT]}, {"text": OTHER, "gold": [("沈青", "号", "青")]}]
    found = [{"text": TEXT, "triples": [RIGHT]}, {"text": OTHER, "triples": []}]
    worse = [{"text": TEXT, "triples": [WRONG]}, {"text": OTHER, "triples": []}]
    files = {"a": found, "b": worse, "gold": gold}
    report = json.loads(run_on(files, "a", "gold", "--against", "b", "--json", "--bootstrap", "50").stdout)
    assert (report["f1"], report["against"]["f1"]) == (0.6667, 0.0)
    assert report["difference"]["f1"]["value"] == 0.6667
    assert report["difference"]["f1"]["interval"][0] <= 0.6667
    assert 0 < report["difference"]["precision"]["p"] <= 1
    shown = run_on(files, "a", "gold", "--against", "b").stdout
    assert "against the other output" in shown
    assert "0.6667" in shown
    result = run_on({**files, "b": worse[:1]}, "a", "gold", "--against", "b")
    assert isinstance(result.exception, DataError)
    assert run_on(files, "a", "gold", "--against", "b", "--bootstrap", "0").exit_code == 2


def test_scores_of_a_verifier(run_on):
    files = {"all": [rows_of((*RIGHT, 0.9), (*WRONG, 0.2), (*ALSO, 0.4), gold=[RIGHT, ALSO])]}
    report = json.loads(run_on(files, "all", "--scores", "--json", "--bootstrap", "10").stdout)
    assert report["scores"]["text_score"]["auc"]["value"] == 1.0
    assert report["label_source"] == "gold"
    assert report["left_out"] == {"rows_without_labels": 0, "unjudged": 0, "repeated": 0}
    shown = run_on(files, "all", "--scores").stdout
    assert "AUC" in shown
    assert shown.count("incomplete") == 4  # scores, keeping all, by relation, by length


def test_scores_with_labels_against_another_verifier(run_on, tmp_path):
    support = [{"text": TEXT, "triples": [{"triple": RIGHT, "supported": 1}, {"triple": WRONG, "supported": 0}]}]
    files = {
        "all": [rows_of((*RIGHT, 0.9), (*WRONG, 0.2), (*ALSO, 0.4))],
        "other": [rows_of((*WRONG, 0.8), (*RIGHT, 0.3), (*ALSO, 0.4))],
        "labels": support,
        "training": [{"text": TEXT, "anchors": [RIGHT], "positives": [RIGHT], "negatives": [WRONG]}],
    }
    options = ("all", "--scores", "--labels", "labels", "--label-source", "support", "--against", "other")
    report = json.loads(run_on(files, *options, "--training", "training", "--json", "--bootstrap", "10").stdout)
    assert report["auc_difference"]["text_score"]["value"] == 1.0
    assert report["left_out"]["unjudged"] == 1
    assert report["groups"]["entities"]["seen"]["n"] == 2
    result = run_on(files, *options)
    assert "AUC minus that of the other" in result.stdout
    assert "1 candidates not judged" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("a",),
        ("a", "a", "--label-source", "gold"),
        ("a", "--scores", "--per-relation"),
        ("a", "a", "--scores", "--labels", "a"),
        ("a", "--scores", "--label-source", "guess"),
    ],
)
def test_options_that_do_not_go_together(run_on, arguments):
    assert run_on({"a": [rows_of((*RIGHT, 0.5), gold=[])]}, *arguments).exit_code == 2
