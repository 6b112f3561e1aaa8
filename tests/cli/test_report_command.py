"""`cacre report` on verdict rows as `cacre filter --all` writes them."""

import json
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from cacre.cli import report
from cacre.cli.report import report_command
from cacre.errors import DataError
from cacre.inference import load_verifier

TEXTS = ("《雾中渡》由林知远执导，沈青编剧。", "《晚潮》由周一鸣执导，顾川编剧。", "《北岸》由苏南执导，何田编剧。")


def verdict(subject, predicate, object_, score, right, **more):
    return {
        "subject": subject,
        "predicate": predicate,
        "object": object_,
        "verdict": "supported" if score > 0.5 else "rejected",
        "text_score": score,
        "pair_score": score,
        "probability": (score + 1) / 2,
        "evidence": [[1, 3]],
        "reason": None if score > 0.5 else f"text_score {score:.3f} below 0.500",
        "label": {"supported": right, "kind": None if right else "swap"},
        **more,
    }


def rows():
    for number, text in enumerate(TEXTS):
        film, director, writer = (part for part in (text[1 : text.index("》")], text[-10:-8], text[-5:-3]))
        yield {
            "id": f"r{number}",
            "text": text,
            "gold": [[film, "导演", director]],
            "triples": [
                verdict(film, "导演", director, 0.8 + number / 100, 1),
                verdict(film, "编剧", writer, 0.4 + number / 10, 1),
                verdict(director, "导演", film, 0.55 - number / 10, 0),
            ],
        }


def write(path, lines):
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    app.command()(report_command)
    source = write(tmp_path / "all.jsonl", rows())

    def invoke(*options, source=source):
        return CliRunner().invoke(app, [source, "-o", str(tmp_path / "out"), "--resamples", "20", *options])

    return invoke


@pytest.fixture
def seen(monkeypatch):
    """What the report is made from; nothing is drawn."""
    sources = []
    made = SimpleNamespace(page="<p>", figures=())
    monkeypatch.setattr(report, "make_report", lambda source: sources.append(source) or made)
    return sources


def test_page_figures_and_numbers_are_written(run, tmp_path):
    result = run("--label-source", "support", "--language", "zh", "--title", "一页")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "report.html" in result.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<title>一页</title>" in page
    assert "文本 ROC" in page
    assert "judged against the text (support)" in page
    assert str(tmp_path) not in page  # folders may be private
    numbers = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (numbers["candidates"], numbers["right"], numbers["resamples"]) == (9, 6, 0)
    assert numbers["scores"]["text_score"]["auc"]["interval"] is None
    assert "no intervals: they come from drawing texts anew, of 10 or more; here: 3" in result.stderr
    names = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    stems = ("roc", "similarities", "thresholds", "risk-coverage", "reliability")
    assert names == {f"{stem}{ending}" for stem in stems for ending in (".svg", ".png")}


def test_of_ten_texts_there_are_intervals(run, seen, tmp_path):
    many = [{**row, "id": f"{n}{row['id']}", "text": f"{row['text']}{n}"} for n in range(4) for row in rows()]
    result = run("--label-source", "support", source=write(tmp_path / "many.jsonl", many))
    assert "no intervals" not in result.stderr
    assert seen[0].measured["resamples"] == 20
    assert seen[0].measured["scores"]["text_score"]["auc"]["interval"] is not None


def test_gold_is_the_annotation_of_the_rows(run, seen):
    assert run().exit_code == 0
    table = seen[0].table
    assert table.label_source == "gold"
    assert int(table.labels.sum()) == 3
    assert seen[0].facts["label file"] == "the rows themselves"
    assert seen[0].thresholds is None
    assert seen[0].title == "Verification report: all.jsonl"


def test_labels_of_a_file_and_what_was_left_out(run, seen, tmp_path):
    first = next(rows())["triples"][0]
    judged = [{"triple": [first["subject"], first["predicate"], first["object"]], "supported": 1}]
    labels = write(tmp_path / "judged.jsonl", [{"id": "r0", "triples": judged}])
    assert run("--labels", labels, "--label-source", "support").exit_code == 0
    assert len(seen[0].candidates) == len(seen[0].table) == 1
    assert seen[0].facts["label file"] == "judged.jsonl"
    assert seen[0].facts["candidates left out"] == "2 without a label; 2 in rows without labels (rows)"


def test_thresholds_of_the_model_and_a_training_log(run, seen, tmp_path):
    log = tmp_path / "metrics.json"
    log.write_text(json.dumps({"history": [{"step": 1, "loss": 2.0}]}), encoding="utf-8")
    assert run("--model", "mini-zh", "--history", str(log)).exit_code == 0
    assert seen[0].thresholds == load_verifier("mini-zh").thresholds
    assert seen[0].history == [{"step": 1, "loss": 2.0}]
    assert seen[0].facts["model"] == "mini-zh"
    assert set(seen[0].table.strategy) == {"schema"}  # told apart by the schema of the model


def test_relations_that_the_model_has_not_learned_have_thresholds_of_their_own(run, seen, tmp_path):
    def with_new(predicates):
        told = {"导演": "导演", "编剧": "编剧"} | dict(zip(predicates, ("取景地", "外景地"), strict=False))
        lines = [
            {**row, "triples": [{**t, "predicate": told[t["predicate"]]} for t in row["triples"]]} for row in rows()
        ]
        return write(tmp_path / f"{len(predicates)}.jsonl", lines)

    fitted = load_verifier("mini-zh").thresholds
    assert run("--model", "mini-zh", "--label-source", "support", source=with_new(["导演"])).exit_code == 0
    assert seen[0].thresholds == fitted
    assert "6 candidates are of others, which have thresholds of their own where" in seen[0].facts["thresholds"]
    assert run("--model", "mini-zh", "--label-source", "support", source=with_new(["导演", "编剧"])).exit_code == 0
    assert seen[1].thresholds == fitted.new_relations
    assert fitted.new_relations is not None
    assert seen[1].facts["thresholds"] == "those for relations that the model has not learned"


def test_verdicts_without_labels_are_refused_before_anything_is_written(run, tmp_path):
    bare = [{**row, "triples": [{**t, "label": None} for t in row["triples"]]} for row in rows()]
    result = run("--label-source", "support", source=write(tmp_path / "bare.jsonl", bare))
    assert isinstance(result.exception, DataError)
    assert "support" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_standard_input_is_refused(run):
    result = run(source="-")
    assert result.exit_code == 2
    assert "standard input" in result.output
