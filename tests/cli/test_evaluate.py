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
