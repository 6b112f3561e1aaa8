"""A finished run is reused only while the experiment still says the same."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

import tiny_corpus
from cacre.cli import app
from cacre.data import load_examples, write_rows
from cacre.errors import ConfigError
from cacre.reproduction import runs as runs_module
from cacre.reproduction.experiment import load_experiment
from cacre.reproduction.runs import finished_runs, natural_negatives, run_folder, train_runs, variant_rows
from cacre.schema import RelationType, Schema
from cacre.training.checkpoints import claim_folder
from cacre.training.record import data_record, run_record

EXPERIMENT = """
name = "films"
schema = "schema.json"
train = ["train.jsonl"]
main = "CACRE"
seeds = [1, 2]
[set.training]
epochs = 1
[candidates.LLM]
path = "test.jsonl"
[variants.CACRE]
[variants.calibrated]
labels = "gold"
"""
RELATIONS = [RelationType("导演", "影视作品", "人物"), RelationType("主演", "影视作品", "人物")]


def write_train(data, films):
    rows = [
        {
            "text": film.text,
            **{name: [list(t) for t in getattr(film, name)] for name in ("anchors", "positives", "negatives", "gold")},
        }
        for film in films
    ]
    write_rows(data / "train.jsonl", rows)


def films():
    return [replace(film, gold=film.anchors[:1]) for film in tiny_corpus.films(4)]


def plan(data, text=EXPERIMENT):
    (data / "films.toml").write_text(text, encoding="utf-8")
    return load_experiment(data / "films.toml")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder in which every run but one, which was interrupted, is finished, and nothing can be trained."""
    write_train(tmp_path, films())
    Schema.of("films", RELATIONS).save(tmp_path / "schema.json")
    experiment = plan(tmp_path)
    schema = experiment.relation_schema(tmp_path)
    examples = load_examples(tmp_path / "train.jsonl", schema=schema)
    for variant, seed in experiment.runs():
        folder = run_folder(tmp_path / "runs", variant, seed)
        folder.mkdir(parents=True)
        rows = variant_rows(examples, experiment.variants[variant], schema)
        claim_folder(folder, run_record(experiment.settings(variant, seed), data_record(schema, rows)))
        if seed == 1:
            (folder / "fitted").touch()
        else:
            (folder / "checkpoints" / "checkpoint-1").mkdir(parents=True)
            (folder / "checkpoints" / "checkpoint-1" / "trainer_state.json").write_text('{"global_step": 1}')
    monkeypatch.setattr(runs_module, "train", lambda *_: pytest.fail("it is trained"))
    return tmp_path


def test_runs_of_the_same_experiment_are_accepted(data):
    found = finished_runs(plan(data), data, data / "runs")
    assert [(run.variant, run.seed) for run in found] == [("CACRE", 1), ("calibrated", 1)]
    assert train_runs(plan(data), data, data / "runs", only={"calibrated"}, tell=print) == found
    renamed = EXPERIMENT.replace('path = "test', 'path = "other').replace(
        "[set.training]", "resamples = 200\n[set.training]"
    )
    assert finished_runs(plan(data, renamed), data, data / "runs") == found, "this is not what they were trained with"


def other_settings(data):
    return EXPERIMENT.replace("epochs = 1", "epochs = 2")


def other_rows(data):
    write_train(data, films()[:3])
    return EXPERIMENT


def other_gold(data):
    write_train(data, [replace(film, gold=film.anchors) for film in films()])
    return EXPERIMENT


def other_schema(data):
    Schema.of("films", RELATIONS[:1]).save(data / "schema.json")
    return EXPERIMENT


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (other_settings, r"epochs was 1\.0, now 2\.0"),
        (other_rows, "data was"),
        (other_gold, "data was"),
        (other_schema, "schema was"),
    ],
)
def test_runs_of_another_experiment_are_refused(data, change, fault):
    changed = plan(data, change(data))
    for ask in (
        lambda: finished_runs(changed, data, data / "runs"),
        lambda: train_runs(changed, data, data / "runs", only={"calibrated"}, tell=print),
    ):
        with pytest.raises(ConfigError, match=rf"CACRE-seed1 holds a run .*{fault}.* give another folder with --runs"):
            ask()


def test_an_interrupted_run_of_another_experiment_is_refused_before_another_is_trained(data):
    for name in ("CACRE", "calibrated"):
        (run_folder(data / "runs", name, 1) / "fitted").unlink()
    (run_folder(data / "runs", "CACRE", 1) / "run.json").unlink()
    with pytest.raises(ConfigError, match=r"CACRE-seed2 holds a run"):
        train_runs(plan(data, other_settings(data)), data, data / "runs", only={"CACRE"}, tell=print)


def test_without_finished_runs_no_training_rows_are_needed(data):
    (data / "train.jsonl").unlink()
    assert finished_runs(plan(data), data, data / "elsewhere") == []


def test_annotated_rows_have_no_negatives_to_choose_among(tmp_path):
    first, second = tiny_corpus.films(1)[0].anchors
    triples = [dict(zip(("subject", "predicate", "object"), triple, strict=True)) for triple in (first, second)]
    write_rows(tmp_path / "rows.jsonl", [{"text": tiny_corpus.films(1)[0].text, "triples": triples}])
    (example,) = load_examples(tmp_path / "rows.jsonl", schema=Schema.of("films", RELATIONS))
    chosen = natural_negatives(replace(example, gold=(first,)))
    assert (chosen.anchors, chosen.negatives, chosen.hard) == ((first,), (), (second,))
    assert chosen.positives == example.positives[:1]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("table4 --variant CACR", "--variant CACR: experiment films has no such variant, only CACRE, calibrated"),
        ("table4 --no-train --variant CACRE", "--variant: it says what to train, and --no-train trains nothing"),
        ("table1 --variant CACRE", "--variant: it says what to train, and table1 trains nothing"),
    ],
)
def test_a_variant_that_nothing_would_come_of(data, words, fault):
    arguments = ["reproduce", *words.split(), "--data", str(data), "--runs", str(data / "runs")]
    result = CliRunner().invoke(app, [*arguments, "--experiment", str(plan(data) and data / "films.toml")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {fault}")
