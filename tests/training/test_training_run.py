import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import tiny_corpus
from cacre.errors import ConfigError, DataError, ModelError
from cacre.modeling.folder import load_model
from cacre.training import train
from cacre.training.trainer import CacreTrainer
from cacre.types import Triple

TESTS = Path(__file__).parents[1]
FOUR_EPOCHS = {"training": {"epochs": 4}}


def weights(folder):
    return load_file(folder / "model.safetensors")


def distance(left, right):
    assert left.keys() == right.keys()
    return max(float(np.abs(left[name].astype(np.float64) - right[name]).max()) for name in left)


def evaluations(metrics):
    return [(e["step"], e["eval_mean_auc"]) for e in metrics["history"] if "eval_mean_auc" in e]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, schema):
    """A complete run: (folder, result)."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    return folder, train(tiny_corpus.films(60), folder, tiny_corpus.settings(FOUR_EPOCHS), schema)


@pytest.mark.slow
def test_it_learns_what_can_be_learnt(finished):
    folder, result = finished
    assert result.metrics["dev"]["mean_auc"] > 0.9
    losses = [e["loss"] for e in result.metrics["history"] if "loss" in e]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    assert result.metrics == json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert {p.name for p in folder.iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json", "schema.json"}
    assert not list(folder.glob("*.bin")), "what looks like a pickle would be refused at serving"
    counts = result.metrics["train"]
    assert counts["texts"] + result.metrics["dev_data"]["texts"] == 60
    assert counts["anchors"] == 2 * counts["texts"]


@pytest.mark.slow
def test_the_folder_holds_the_weights_that_scored_best(finished):
    folder, result = finished
    best = max(score for _, score in evaluations(result.metrics))
    assert result.metrics["dev"]["mean_auc"] == pytest.approx(best)
    steps = [step for step, score in evaluations(result.metrics) if score == best]
    state = load_file(folder / "checkpoints" / f"checkpoint-{steps[0]}" / "model.safetensors")
    found = weights(folder)
    assert max(np.abs(found[name] - state[f"model.{name}"]).max() for name in found) == 0
    assert load_model(folder).settings == tiny_corpus.settings(FOUR_EPOCHS)


@pytest.mark.slow
def test_it_does_not_learn_what_means_nothing(tmp_path, schema):
    """Labels by a coin: nothing that separates them on new texts."""
    chosen = tiny_corpus.settings({"training": {"epochs": 3, "generated_negatives": 0}})
    data, dev = tiny_corpus.shuffled(tiny_corpus.films(60)), tiny_corpus.shuffled(tiny_corpus.films(60, seed=7), seed=1)
    result = train(data, tmp_path, chosen, schema, dev)
    assert 0.25 < result.metrics["dev"]["text_auc"] < 0.75


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again_and_others_are_refused(finished, schema, monkeypatch):
    folder, result = finished
    before = weights(folder)
    monkeypatch.setattr(CacreTrainer, "train", None)
    again = train(tiny_corpus.films(60), folder, tiny_corpus.settings(FOUR_EPOCHS), schema)
    assert again.metrics == result.metrics
    assert list(again.dev) == list(result.dev)
    assert distance(weights(folder), before) == 0
    with pytest.raises(ConfigError, match=r"settings\.training\.seed was 13, now 14"):
        train(tiny_corpus.films(60), folder, tiny_corpus.settings(FOUR_EPOCHS, {"training": {"seed": 14}}), schema)
    with pytest.raises(ConfigError, match="data was"):
        train(tiny_corpus.films(59), folder, tiny_corpus.settings(FOUR_EPOCHS), schema)


_CHILD = """
import sys, time
import torch
import tiny_corpus
from cacre.schema import load_schema
from cacre.training import batches, train

torch.set_num_threads(1)
collate = batches.Collator.__call__
def slow(self, examples):
    time.sleep(0.3)
    return collate(self, examples)
batches.Collator.__call__ = slow
train(tiny_corpus.films(24), __import__("pathlib").Path(sys.argv[1]), tiny_corpus.settings(tiny_corpus.RESUMED),
      load_schema("duie"))
"""


@pytest.mark.slow
def test_a_killed_run_ends_like_an_uninterrupted_one(tmp_path, schema):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(cut)], env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while not list(cut.glob("checkpoints/checkpoint-*/trainer_state.json")):
        assert child.poll() is None, child.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stderr.close()
    assert not (cut / "metrics.json").exists()
    reached = max(int(p.name.split("-")[1]) for p in cut.glob("checkpoints/checkpoint-*"))
    # What a process leaves that is killed while it writes a checkpoint.
    torn = cut / "checkpoints" / f"checkpoint-{reached + 1}"
    torn.mkdir(exist_ok=True)
    (torn / "model.safetensors").write_bytes(b"torn")

    chosen = tiny_corpus.settings(tiny_corpus.RESUMED)
    resumed = train(tiny_corpus.films(24), cut, chosen, schema).metrics
    uninterrupted = train(tiny_corpus.films(24), whole, chosen, schema).metrics
    assert reached < uninterrupted["steps"]
    assert distance(weights(cut), weights(whole)) <= 1e-6
    assert evaluations(resumed) == evaluations(uninterrupted)
    for name in ("dev", "steps", "parameters", "train", "dev_data"):
        assert resumed[name] == uninterrupted[name]


@pytest.mark.slow
def test_patience_is_not_forgotten_by_an_interruption(tmp_path, schema, monkeypatch):
    """Nothing gets better without learning: training stops at the third evaluation, interrupted or not."""
    chosen = tiny_corpus.settings(
        {"training": {"epochs": 9, "patience": 2, "learning_rate": 1e-12, "encoder_learning_rate": 1e-12}}
    )
    evaluate, calls = CacreTrainer.evaluate, []

    class Stop(Exception):
        pass

    def stop_at_the_third(self, *args, **options):
        calls.append(self.state.global_step)
        if len(calls) == 3:
            raise Stop
        return evaluate(self, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(CacreTrainer, "evaluate", stop_at_the_third)
        with pytest.raises(Stop):
            train(tiny_corpus.films(8), tmp_path, chosen, schema, tiny_corpus.films(2, seed=5))
    assert (
        train(tiny_corpus.films(8), tmp_path, chosen, schema, tiny_corpus.films(2, seed=5)).metrics["steps"]
        == calls[2]
        == 3
    )


@pytest.mark.slow
def test_a_frozen_encoder_stays_as_it_was_and_the_rest_learns(tmp_path, schema):
    chosen = tiny_corpus.settings({"encoder": {"frozen": True}, "training": {"epochs": 1}})
    train(tiny_corpus.films(20), tmp_path / "one", chosen, schema)
    still = tiny_corpus.settings({"encoder": {"frozen": True}, "training": {"epochs": 1, "learning_rate": 1e-12}})
    train(tiny_corpus.films(20), tmp_path / "two", still, schema)
    moved, unmoved = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in moved:
        same = np.abs(moved[name] - unmoved[name]).max() < 1e-9
        if name.startswith("encoder."):
            assert same, name
    for name in ("narrow.weight", "projection.linear.weight", "cross_attention.text_to_triple.value.weight"):
        assert np.abs(moved[name] - unmoved[name]).max() > 1e-3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path, schema):
    runs = {}
    for name, seed, workers in (("one", 1, 0), ("two", 1, 2), ("three", 2, 0)):
        chosen = tiny_corpus.settings({"training": {"epochs": 1, "seed": seed, "loader_workers": workers}})
        train(tiny_corpus.films(10), tmp_path / name, chosen, schema, tiny_corpus.films(2, seed=5))
        runs[name] = weights(tmp_path / name)
    assert distance(runs["one"], runs["two"]) == 0
    assert distance(runs["one"], runs["three"]) > 1e-3


@pytest.mark.slow
def test_annotated_rows_without_negatives_suffice(tmp_path, schema):
    annotated = [replace(e, negatives=(), gold=e.anchors) for e in tiny_corpus.films(24)]
    result = train(annotated, tmp_path, tiny_corpus.settings({"training": {"epochs": 1}}), schema)
    assert result.metrics["dev_data"]["negatives"] > 0
    assert all(example.hard for example in result.dev)


@pytest.mark.slow
def test_wrong_candidates_become_negatives_of_training_texts_alone(tmp_path, schema):
    settings = tiny_corpus.settings({"training": {"epochs": 1}})
    examples = tiny_corpus.films(24)
    wrong = {e.text: [Triple(e.anchors[0].object, "主演", e.anchors[0].subject)] for e in examples}
    without, added = (
        train(examples, tmp_path / name, settings, schema, extracted=found).metrics
        for name, found in (("without", None), ("with", wrong))
    )
    assert added["train"]["negatives"] == without["train"]["negatives"] + without["train"]["texts"]
    assert added["dev_data"] == without["dev_data"]
    with pytest.raises(ConfigError, match=r"other settings or data .*extracted"):
        train(examples, tmp_path / "without", settings, schema, extracted=wrong)


def test_nothing_to_learn_from(tmp_path, schema):
    chosen = tiny_corpus.settings({"training": {"generated_negatives": 0}})
    bare = [replace(e, negatives=()) for e in tiny_corpus.films(3)]
    with pytest.raises(DataError, match="none of the 3 train examples has both an anchor and a negative"):
        train(bare, tmp_path, chosen, schema, tiny_corpus.films(2, seed=5))


def test_too_little_to_hold_any_out_for_dev(tmp_path, schema):
    with pytest.raises(DataError, match=r"0\.1 of 3 examples, .* leaves none for dev: .*--dev"):
        train(tiny_corpus.films(3), tmp_path, tiny_corpus.settings(), schema)


def test_a_first_attempt_that_failed_does_not_stand_in_the_way(tmp_path, schema):
    for encoder, fault in (("no/such-encoder", "no/such-encoder"), ("nor/this-one", "nor/this-one")):
        chosen = tiny_corpus.settings({"encoder": {"name_or_path": encoder}})
        with pytest.raises(ModelError, match=fault):
            train(tiny_corpus.films(24), tmp_path, chosen, schema)
