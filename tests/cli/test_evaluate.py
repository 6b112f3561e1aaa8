import json
import re

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
    others = [{"text": f"别话{number}。", "gold": []} for number in range(8)]  # intervals need ten texts
    predictions = [
        {"text": TEXT, "triples": [["晚潮", "导演", "周一鸣"], ["晚潮", "编剧", "周一鸣"]]},
        {"text": "别处的话。", "triples": [["甲", "号", "乙"]]},
    ]
    slots = {"@value": "周一鸣", "inArea": "香港"}
    gold = [
        {"text": TEXT, "spo_list": [{"subject": "晚潮", "predicate": "导演", "object": slots}]},
        {"text": OTHER, "gold": [["沈青", "毕业院校", "南岭大学"], ["沈青", "号", "青"]]},
        *others,
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
        "ignored_texts": 1,
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
    more = [f"别话{number}。" for number in range(8)]
    empty = [{"text": text, "triples": []} for text in (OTHER, *more)]
    gold = [{"text": TEXT, "gold": [RIGHT]}, {"text": OTHER, "gold": [("沈青", "号", "青")]}]
    gold += [{"text": text, "gold": []} for text in more]
    found = [{"text": TEXT, "triples": [RIGHT]}, *empty]
    worse = [{"text": TEXT, "triples": [WRONG]}, *empty]
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


def test_anchors_stand_in_for_gold_and_it_is_said_once(run_on):
    found = [{"text": TEXT, "triples": [RIGHT, WRONG]}, {"text": OTHER, "triples": []}]
    lists = {"positives": [RIGHT], "negatives": [WRONG]}
    gold = [
        {"text": TEXT, "anchors": [RIGHT], "gold": None, **lists},
        {"text": OTHER, "anchors": [ALSO], "gold": [], **lists},
    ]
    result = run_on({"a": found, "gold": gold}, "a", "gold", "--json")
    report = json.loads(result.stdout)
    assert (report["correct"], report["predicted"], report["gold"]) == (1, 2, 1)
    assert result.stderr.count("their anchors were taken for it") == 1
    assert result.stderr.startswith("1 rows of ")


def test_predictions_of_no_text_of_gold_are_an_error(run_on):
    gold = [{"text": TEXT, "gold": [RIGHT]}]
    for predictions, message in (
        ([{"text": f" {TEXT}", "triples": [RIGHT]}], "no text of .* is in .*: texts are joined exactly"),
        ([], "there are no rows"),
    ):
        error = run_on({"a": predictions, "gold": gold}, "a", "gold", "--json").exception
        assert isinstance(error, DataError)
        assert re.search(message, str(error))


def test_gold_without_rows_is_said_to_be_empty(run_on):
    error = run_on({"a": [{"text": TEXT, "triples": [RIGHT]}], "gold": []}, "a", "gold").exception
    assert isinstance(error, DataError)
    assert re.search(r"gold\S*: there are no rows: gold needs a row for each text", str(error))


@pytest.mark.parametrize("texts", [9, 10])
def test_intervals_of_few_texts_are_withheld(run_on, texts):
    found = [{"text": f"{number}。", "triples": [RIGHT]} for number in range(texts)]
    gold = [{"text": f"{number}。", "gold": [RIGHT]} for number in range(texts)]
    files = {"a": found, "b": found, "gold": gold}
    result = run_on(files, "a", "gold", "--against", "b", "--json", "--bootstrap", "20")
    report, enough = json.loads(result.stdout), texts == 10
    assert report["intervals"]["f1"] == ([1.0, 1.0] if enough else None)
    assert report["difference"]["f1"] == {
        "value": 0.0,
        "interval": [0, 0] if enough else None,
        "p": 1 if enough else None,
    }
    assert result.stderr.count("no intervals") == (not enough)
    shown = run_on(files, "a", "gold", "--against", "b", "--bootstrap", "20").stdout
    assert ("95% from" in shown) == enough


@pytest.mark.parametrize("texts", [9, 10])
def test_intervals_of_scores_of_few_texts_are_withheld(run_on, texts):
    rows = [rows_of((*RIGHT, 0.9), (*WRONG, 0.2), gold=[RIGHT]) | {"text": f"{number}。"} for number in range(texts)]
    files = {"a": rows, "b": rows}
    result = run_on(files, "a", "--scores", "--against", "b", "--json", "--bootstrap", "20")
    report, enough = json.loads(result.stdout), texts == 10
    assert report["scores"]["text_score"]["auc"] == {"value": 1.0, "interval": [1.0, 1.0] if enough else None}
    assert (report["auc_difference"]["text_score"]["p"] is not None) == enough
    assert result.stderr.count("no intervals") == (not enough)
    assert "AUC minus that of the other" in run_on(files, "a", "--scores", "--against", "b").stdout


def test_synonyms_are_wrong_by_the_official_rules_and_right_by_a_schema(tmp_path):
    app = typer.Typer()
    app.command()(evaluate)
    said = [
        ["晚潮", "执导者", "周一鸣"],
        ["晚潮", "导演", "周一鸣"],
        ["周一鸣", "执导作品", "晚潮"],
        ["沈青", "配偶", "周一鸣"],
    ]
    files = {"said": said, "other": said[:1], "gold": [["晚潮", "导演", "周一鸣"], ["沈青", "丈夫", "周一鸣"]]}
    for name, triples in files.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": TEXT, "triples": triples}), "utf-8")
    predictions, gold, other = (str(tmp_path / f"{name}.jsonl") for name in ("said", "gold", "other"))

    def scored(*options):
        result = CliRunner().invoke(app, [predictions, gold, "--json", *options])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout), result.stderr

    official, _ = scored()
    assert (official["correct"], official["predicted"], official["gold"]) == (1, 4, 2)
    report, said_on_stderr = scored("--schema", "duie", "--against", other)
    assert (report["correct"], report["predicted"]) == (1, 3), "执导者 and 导演 are one, 配偶 and 执导作品 stay"
    assert report["against"]["correct"] == 1
    assert f"1 predicates of {predictions} were synonyms" in said_on_stderr
    assert CliRunner().invoke(app, [predictions, "--scores", "--schema", "duie"]).exit_code == 2


def test_rows_of_one_text_are_scored_together(run_on):
    director, writer = (plain_rows(spo) for spo in (RIGHT, ("晚潮", "编剧", "沈青")))
    result = run_on({"p": [director, writer], "g": [writer, director]}, "p", "g", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["f1"], report["correct"], report["gold"]) == (1.0, 2, 2)
    assert len(re.findall("1 rows of .* repeat the text of another: rows of one text are", result.stderr)) == 2


def test_what_is_not_judged_right_is_no_gold_and_is_counted(run_on):
    gold = {**plain_rows(RIGHT, WRONG, ALSO), "labels": [1, None, 0]}
    result = run_on({"p": [plain_rows(RIGHT)], "g": [gold]}, "p", "g", "--json")
    assert result.exit_code == 0, result.output
    assert (json.loads(result.stdout)["f1"], json.loads(result.stdout)["gold"]) == (1.0, 1)
    assert re.search("2 triples of .* are no gold by their labels: 1 wrong, 1 not judged", result.stderr)


def plain_rows(*triples):
    return {"text": TEXT, "triples": [list(triple) for triple in triples]}
