"""Two processes against one, over loopback. The two train under torchrun; the one is this process."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import tiny_corpus
from cacre.errors import ConfigError
from cacre.schema import load_schema
from cacre.training import train

TESTS = Path(__file__).parents[1]
# Nothing that picks the largest of some: where two are equal, rounding chooses, and the curves part from there.
BASE = {
    "encoder": {"num_layers": 2, "dropout": 0.0},
    "model": {"dropout": 0.0, "pair_similarity": "position"},
    "loss": {"top_k": 1.0},
    "training": {"batch_size": 6, "epochs": 2, "evaluations_per_epoch": 2},
}
SMALL = {"training": {"gradient_accumulation_steps": 2, "grad_cache_chunk": 2, "gradient_checkpointing": True}}
LAYERS = {
    "own": [{"loss": {"negatives": "own"}}],
    "pooled": [],
    "pooled-small": [SMALL],
    "cross_text": [{"loss": {"negatives": "cross_text", "cross_pairs": 3}, "encoder": {"frozen": True}}],
    "reader": [tiny_corpus.READER],
}


def examples():
    """19 texts, so that the last batch has none for the second process; some with one anchor only."""
    made = tiny_corpus.films(19)
    return [replace(e, anchors=e.anchors[:1], positives=e.positives[:1]) if i % 3 else e for i, e in enumerate(made)]


def run(folder, name):
    chosen = tiny_corpus.settings(BASE, *LAYERS[name])
    return train(examples(), folder / name, chosen, load_schema("duie"), tiny_corpus.films(13, seed=5))


_CHILD = """
import os, pathlib, signal, sys
import test_parallel_training as tests
from cacre.training.trainer import CacreTrainer

folder, *names = sys.argv[1:]
evaluate = CacreTrainer.evaluate
def killed(self, *args, **options):
    if self.state.global_step == int(os.environ["KILLED_AT"]) and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(self, *args, **options)
if "KILLED_AT" in os.environ:
    CacreTrainer.evaluate = killed
for name in names:
    result = tests.run(pathlib.Path(folder), name)
    assert result.first == (os.environ["RANK"] == "0")
"""


def launch(folder, names, **environment):
    script = folder / "child.py"
    script.write_text(_CHILD, encoding="utf-8")
    paths = os.pathsep.join([str(TESTS), str(Path(__file__).parent)])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    return subprocess.run(
        [*command, str(folder), *names],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


def history(folder, key):
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return [(entry["step"], entry[key]) for entry in metrics["history"] if key in entry]


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_same_run(left, right):
    for key, tolerance in (("loss", 2e-5), ("eval_mean_auc", 1e-9)):
        found, wanted = history(left, key), history(right, key)
        assert [step for step, _ in found] == [step for step, _ in wanted]
        assert [value for _, value in found] == pytest.approx([value for _, value in wanted], abs=tolerance)
    one, other = weights(left), weights(right)
    assert one.keys() == other.keys()
    assert max(np.abs(one[name] - other[name]).max() for name in one) < 1e-3


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder with all runs of two processes, and what they wrote to stderr."""
    folder = tmp_path_factory.mktemp("two")
    done = launch(folder, list(LAYERS))
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", list(LAYERS))
def test_two_processes_train_like_one(two, tmp_path, name):
    run(tmp_path, name)
    assert len(history(tmp_path / name, "loss")) > 3
    assert_same_run(two[0] / name, tmp_path / name)


@pytest.mark.slow
def test_one_process_reports(two):
    assert two[1].count("step 2/8  loss ") == len(LAYERS) - 1  # the one that accumulates has half as many steps


@pytest.mark.slow
def test_a_run_of_which_one_process_was_killed_is_taken_up_again(two, tmp_path):
    assert launch(tmp_path, ["pooled"], KILLED_AT="6").returncode != 0
    assert (tmp_path / "pooled/checkpoints/checkpoint-4/rng_state_1.pth").is_file()
    assert not (tmp_path / "pooled/metrics.json").exists()
    run(tmp_path, "pooled")  # by one process, which a folder does not mind
    assert_same_run(tmp_path / "pooled", two[0] / "pooled")


def test_more_processes_than_texts(tmp_path, monkeypatch):
    monkeypatch.setattr("cacre.training.run.process_count", lambda: 7)
    with pytest.raises(ConfigError, match="batch_size=6 texts for 7 processes"):
        run(tmp_path, "own")
