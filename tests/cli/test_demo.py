"""`cacre demo` from end to end with the tiny model, and what it prints."""

import io
import json
import shutil
import subprocess
import sys
from collections import Counter

import pytest
import typer
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from cacre.cli.demo import demo_command, sample_rows
from cacre.cli.demo_report import choose_samples, print_report
from cacre.cli.filter import filter_command
from cacre.evaluation.verdict_summary import JudgedText, JudgedTriple, Label, read_judged
from cacre.schema import load_schema
from cacre.types import Triple

app = typer.Typer()
app.command()(demo_command)
THRESHOLDS = {
    "format": 1,
    "text_threshold": -0.3,
    "pair_thresholds": {"paraphrase": 0.7, "schema": 0.7},
    "calibration": None,
    "fitted_on": {},
}


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def model(tiny_folder, tmp_path_factory):
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("models") / "judge")
    (folder / "thresholds.json").write_text(json.dumps(THRESHOLDS))
    # A schema of its own, so that it shows which one is checked against.
    load_schema("open").save(folder / "schema.json")
    return folder


@pytest.fixture(scope="module")
def done(model, tmp_path_factory):
    """One run, shared: its output folder and its result."""
    output = tmp_path_factory.mktemp("demo") / "deep" / "out"
    result = run("-o", output, "--model", model, "--threads", 1)
    assert result.exit_code == 0, result.stderr
    return output, result


@pytest.fixture(scope="module")
def texts(done):
    return read_judged(rows_of(done[0] / "all.jsonl"))


def test_the_files_and_nothing_else(done):
    output, _ = done
    assert sorted(path.name for path in output.iterdir()) == [
        "all.jsonl",
        "candidates.jsonl",
        "kept.jsonl",
        "rejected.jsonl",
        "report.html",
    ]
    everything, kept, rejected = (rows_of(output / f"{n}.jsonl") for n in ("all", "kept", "rejected"))
    assert [row["id"] for row in everything] == [row["id"] for row in sample_rows()]
    counts = Counter(t["verdict"] for row in everything for t in row["triples"])
    assert sum(len(row["triples"]) for row in kept) == counts["supported"] > 0
    assert sum(len(row["triples"]) for row in rejected) == counts["rejected"] > 0
    # A label goes with its triple, so that no list in a row is out of step with another.
    assert all("labels" not in row for row in (*everything, *kept, *rejected))
    assert all(t["label"]["supported"] in (0, 1) for row in (*kept, *rejected) for t in row["triples"])


def test_all_is_what_cacre_filter_writes(done, model, tmp_path):
    output, _ = done
    other = typer.Typer()
    other.command()(filter_command)
    arguments = (
        output / "candidates.jsonl",
        "--all",
        tmp_path / "all.jsonl",
        "--model",
        model,
        "--threads",
        1,
    )
    assert CliRunner().invoke(other, [str(a) for a in arguments]).exit_code == 0
    assert (tmp_path / "all.jsonl").read_bytes() == (output / "all.jsonl").read_bytes()


def test_it_prints_what_was_done_and_where_it_is(done, texts):
    output, result = done
    triples = [t for row in texts for t in row.triples]
    assert result.stdout.startswith(f"{len(texts)} texts, {len(triples)} candidates, judge on CPU: ")
    assert "ms per candidate" in result.stdout.splitlines()[0]
    wrong = sum(t.supported and t.right is False for t in triples)
    assert f"kept {sum(t.supported for t in triples)} ({wrong} of them wrong)" in result.stdout
    for name in ("report.html", "kept.jsonl", "rejected.jsonl", "all.jsonl"):
        assert f"{output / name} " in result.stdout
    assert result.stderr == ""
    assert "\x1b" not in result.stdout


def test_the_report_shows_every_text(done, texts):
    source = (done[0] / "report.html").read_text(encoding="utf-8")
    assert source.count('<article class="card') == len(texts)
    assert "Before and after" in source
    assert "Which errors were caught" in source


def printed(texts, width, **more):
    stream = io.StringIO()
    print_report(Console(file=stream, width=width, highlight=False, **more), texts, "headline", 0.5)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(texts, width):
    lines = printed(texts, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    # Chinese characters take two cells: the scores of the last table still stand under each other.
    verdicts = [line for line in lines if line.startswith((" ✓ kept", " ✗ rejected"))]
    assert len(verdicts) == 12
    assert {line[len(" ✗ rejected") :].lstrip(" ").partition("   ")[0].count(".") for line in verdicts} == {1}
    assert len({cell_len(line[: line.index(".")]) for line in verdicts}) == 1


def test_colour_only_on_a_terminal(texts):
    assert "\x1b[" not in printed(texts, 80)
    assert "\x1b[" in printed(texts, 80, force_terminal=True, color_system="standard", no_color=False)


def judged(name, *, correct, kept, score=0.0, kind="swap", reason="text_score 0 below 1", evidence=()):
    return JudgedTriple(
        triple=Triple(name, f"p{name}", "o"),
        supported=kept,
        reason=None if kept else reason,
        text_score=score,
        pair_score=None,
        probability=None,
        evidence=evidence,
        paraphrase=None,
        label=Label(correct, None if correct else kind),
    )


def one_each(*triples):
    return [JudgedText(None, f"text {i}", (t,), None) for i, t in enumerate(triples)]


def names(groups):
    return [[sample.judged.triple.subject for sample in group] for group in groups]


def test_samples_show_the_most_confident_misses():
    missed = [judged(f"m{i}", correct=False, kept=True, score=i / 10, kind=f"k{i}") for i in range(5)]
    lost = [judged(f"l{i}", correct=True, kept=False, score=i / 10) for i in range(5)]
    fine = [judged(f"f{i}", correct=True, kept=True, score=i / 10) for i in range(5)]
    caught = [judged(f"c{i}", correct=False, kept=False, score=i / 10, kind=f"k{i}") for i in range(9)]
    groups = names(choose_samples(one_each(*missed, *lost, *fine, *caught)))
    assert groups == [["f4", "f3"], ["c0", "c1", "c2", "c3", "c4", "c5"], ["m4", "m3"], ["l0", "l1"]]


def test_samples_vary_in_gate_kind_and_text():
    gates = ["text_score 0 below 1", "pair_score 0 below 1", "object not in text", "predicate not in schema"]
    caught = [judged(f"c{i}", correct=False, kept=False, score=i / 10, reason=gates[i // 3]) for i in range(12)]
    (_, chosen, _, _) = choose_samples(one_each(*caught), 6)
    assert {sample.judged.gate for sample in chosen} == {"text_score", "pair_score", "mention check", "schema check"}
    same = [JudgedText(None, "one", tuple(caught[:3]), None), *one_each(caught[5])]
    (_, chosen, _, _) = choose_samples(same, 2)
    assert [sample.text for sample in chosen] == ["one", "text 0"]


def test_samples_of_few_triples_are_all_there_is():
    triples = (judged("a", correct=True, kept=True), judged("b", correct=False, kept=True))
    assert names(choose_samples(one_each(*triples))) == [["a"], [], ["b"], []]
    assert choose_samples([]) == [[], [], [], []]


def test_misses_are_marked_and_markup_in_data_is_text():
    evil = judged("[bold]x[/]", correct=False, kept=True, evidence=((0, 4),))
    output = printed(one_each(evil, judged("b", correct=True, kept=False)), 80)
    assert "! but wrong" in output
    assert "! but correct" in output
    assert "[bold]x[/] → p[bold]x[/] → o" in output
    assert "【text】 0" in output


def test_no_torch(tmp_path):
    code = "import sys, cacre.cli.demo; sys.exit(str({'torch', 'transformers', 'onnx', 'sklearn'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.stderr.strip() == "set()"


def test_an_unknown_model_is_one_line_and_leaves_nothing(tmp_path):
    result = run("-o", tmp_path / "out", "--model", tmp_path / "none")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_one_line(tmp_path, model):
    (tmp_path / "out").write_text("mine")
    result = run("-o", tmp_path / "out", "--model", model)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert (tmp_path / "out").read_text() == "mine"
