import json
import shutil
import subprocess
import sys

import pytest
from extractor_corpus import SCHEMA, TEXTS, TINY, gold
from typer.testing import CliRunner

from cacre.baselines.extractors.loading import load_extractor
from cacre.baselines.extractors.onnx_export import export_onnx
from cacre.baselines.extractors.onnx_extractor import OnnxExtractor
from cacre.cli import app
from cacre.data import parse_row, write_rows
from cacre.errors import ConfigError

FAST = {"epochs": 20, "batch_size": 5, "learning_rate": 1e-2, "encoder_learning_rate": 1e-2}
SETS = [
    argument
    for table, values in TINY.items()
    for key, value in {**values, **(FAST if table == "training" else {})}.items()
    for argument in ("--set", f"{table}.{key}={json.dumps(value)}")
]


def invoke(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Texts, their annotation twice over (as DuIE and contrastive rows), and an extractor trained by the command."""
    place = tmp_path_factory.mktemp("commands")
    write_rows(place / "duie.jsonl", (text.to_dict() for text in TEXTS[:12]))
    rest = [(text, [list(fact.triple) for fact in text.facts]) for text in TEXTS[12:]]
    lists = (
        {"text": t.text, "anchors": a, "positives": a, "negatives": a, "gold": t.to_dict()["spo_list"]} for t, a in rest
    )
    write_rows(place / "lists.jsonl", lists)
    write_rows(place / "dev.jsonl", (text.to_dict() for text in TEXTS))
    write_rows(place / "texts.jsonl", ({"id": number, "text": text.text} for number, text in enumerate(TEXTS)))
    SCHEMA.save(place / "schema.json")
    result = invoke(*training(place))
    assert result.exit_code == 0, result.stderr
    assert "dev F1 1.000" in result.stderr
    return place


def training(place, *more):
    data = [place / "duie.jsonl", place / "lists.jsonl"]
    options = ["-o", place / "model", "--dev", place / "dev.jsonl", "--schema", place / "schema.json"]
    return ["train-extractor", "electra-joint", *data, *options, *SETS, *more]


@pytest.mark.slow
def test_a_folder_is_complete_and_training_again_changes_nothing(folder):
    model = folder / "model"
    before = (model / "model.safetensors").stat().st_mtime_ns
    card = (model / "README.md").read_text(encoding="utf-8")
    assert "Zhu, Xue, Zhou 2020" in card
    assert "| F1 | 1.000 |" in card
    assert load_extractor(model).name == "electra-joint"
    assert invoke(*training(folder)).exit_code == 0
    assert (model / "model.safetensors").stat().st_mtime_ns == before
    other = invoke(*training(folder, "--set", "training.seed=4"))
    assert "holds a run with other settings or data (extractor_settings.training.seed was 3, now 4)" in other.stderr


@pytest.mark.slow
def test_extract_writes_candidate_rows_without_an_llm(folder, tmp_path):
    output = tmp_path / "candidates.jsonl"
    result = invoke("extract", folder / "texts.jsonl", "-o", output, "--extractor", folder / "model", "--limit", 15)
    assert result.exit_code == 0, result.stderr
    rows = rows_of(output)
    for row, text in zip(rows, TEXTS[:15], strict=True):
        items = parse_row(row, "candidates").triples
        found = {(i.triple, tuple(i.model_extra.get("qualifiers", {}).items())) for i in items}
        assert found == gold(text)
    assert rows[0]["id"] == 0
    assert rows[0]["extraction"] == {"extractor": "electra-joint", "name": str(folder / "model")}
    scores = invoke("evaluate", output, folder / "dev.jsonl", "--mode", "strict", "--json")
    assert json.loads(scores.stdout)["precision"] == 1.0


@pytest.mark.slow
def test_run_verifies_what_was_extracted(folder, tmp_path, tiny_folder):
    kept, every = tmp_path / "kept.jsonl", tmp_path / "all.jsonl"
    options = [
        "--extractor",
        folder / "model",
        "--model",
        tiny_folder,
        "--all",
        every,
        "--rejected",
        tmp_path / "no.jsonl",
    ]
    result = invoke("run", folder / "texts.jsonl", "-o", kept, *options)
    assert result.exit_code == 0, result.stderr
    rows = rows_of(every)
    assert len(rows) == len(TEXTS)
    verdicts = [item["verdict"] for row in rows for item in row["triples"]]
    assert len(verdicts) == sum(len(gold(text)) for text in TEXTS)
    assert sum(len(row["triples"]) for row in rows_of(kept)) == verdicts.count("supported")


def test_a_lower_threshold_finds_more_and_the_rows_say_it(tmp_path):
    write_rows(tmp_path / "texts.jsonl", [{"text": "《雾渡》是顾南枝执导的电影，由沈聿和许知遥主演，2019年上映。"}])
    found = {}
    for threshold in (None, 0.1, 0.9):
        options = [] if threshold is None else ["--extractor-threshold", threshold]
        output = tmp_path / f"{threshold}.jsonl"
        result = invoke("extract", tmp_path / "texts.jsonl", "-o", output, "--extractor", "mini-zh", *options)
        assert result.exit_code == 0, result.stderr
        (row,) = rows_of(output)
        assert row["extraction"].get("threshold") == threshold
        found[threshold] = {(t["subject"], t["predicate"], t["object"]) for t in row["triples"]}
    assert found[0.9] < found[None] < found[0.1]


def test_a_threshold_that_means_nothing_is_refused(tmp_path):
    write_rows(tmp_path / "texts.jsonl", [{"text": "雾渡"}])
    start = ["run", tmp_path / "texts.jsonl", "--extractor-threshold"]
    assert "name an extractor with --extractor" in invoke(*start, 0.3).stderr
    assert "--extractor-threshold" in invoke(*start, 0, "--extractor", "mini-zh").stderr
    with pytest.raises(ConfigError, match=r"between 0 and 1, got 0\.0"):
        load_extractor("mini-zh", threshold=0.0)


@pytest.mark.slow
def test_options_of_an_llm_are_refused(folder):
    start = ["extract", folder / "texts.jsonl", "--extractor", folder / "model"]
    result = invoke(*start, "--provider", "deepseek", "--max-cost", 1)
    assert result.exit_code == 1
    assert "--provider, --max-cost: an extractor asks no LLM" in result.stderr
    assert "error: --judge: an extractor asks no LLM" in invoke("run", *start[1:], "--judge").stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--schema", "duie", "--resume"), "--schema, --resume"),
        (("--schema", "open"), "--schema"),
        (("--band", "0.05"), "--band"),
    ],
)
def test_options_of_an_llm_are_refused_at_their_defaults_too(tmp_path, words, named):
    write_rows(tmp_path / "texts.jsonl", [{"text": "雾渡"}])
    result = invoke("run", tmp_path / "texts.jsonl", "-o", tmp_path / "out.jsonl", "--extractor", "mini-zh", *words)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"error: {named}: an extractor asks no LLM and has its own schema" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_what_is_not_an_extractor_is_named(tmp_path, tiny_folder):
    write_rows(tmp_path / "texts.jsonl", [{"text": "雾渡"}])
    start = ["extract", tmp_path / "texts.jsonl", "--extractor"]
    assert "neither a bundled extractor (mini-zh) nor a folder" in invoke(*start, tmp_path / "none").stderr
    assert "expected 'cacre-extractor'; a verifier goes with --model" in invoke(*start, tiny_folder).stderr


def test_an_unknown_system_or_setting_is_named(tmp_path):
    write_rows(tmp_path / "rows.jsonl", [TEXTS[0].to_dict()])
    rest = [tmp_path / "rows.jsonl", "-o", tmp_path / "out"]
    assert "extractor 'bert' is unknown: use one of electra-joint" in invoke("train-extractor", "bert", *rest).stderr
    assert (
        "--set: training.epoch: Extra"
        in invoke("train-extractor", "electra-joint", *rest, "--set", "training.epoch=1").stderr
    )


NO_TORCH = """
import sys
from pathlib import Path
sys.modules.update(torch=None, transformers=None, safetensors=None)
from cacre.baselines.extractors import load_extractor
extractor = load_extractor(sys.argv[1])
print([[list(c.triple) for c in found] for found in extractor.extract([sys.argv[2]])])
"""


@pytest.mark.slow
def test_with_graphs_the_same_is_found_without_torch(folder, tmp_path):
    place = shutil.copytree(folder / "model", tmp_path / "model")
    torch_extractor = load_extractor(place)
    export_onnx(place)
    texts = [text.text for text in TEXTS]
    onnx_extractor = load_extractor(place)
    assert isinstance(onnx_extractor, OnnxExtractor)
    for ours, theirs in zip(onnx_extractor.extract(texts), torch_extractor.extract(texts), strict=True):
        assert [(c.triple, c.extra["mentions"]) for c in ours] == [(c.triple, c.extra["mentions"]) for c in theirs]
        assert [c.extra["score"] for c in ours] == pytest.approx([c.extra["score"] for c in theirs], abs=2e-4)
    command = [sys.executable, "-c", NO_TORCH, str(place), texts[6]]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout.strip() == str([[list(c.triple) for c in torch_extractor.extract([texts[6]])[0]]])
