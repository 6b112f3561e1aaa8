import pytest
import torch
from extractor_corpus import SCHEMA, TEXTS, settings
from safetensors.torch import load_file

from cacre.baselines.extractors.annotations import split_annotated
from cacre.baselines.extractors.marks import Marker
from cacre.baselines.extractors.run import new_extractor, train_extractor
from cacre.baselines.extractors.trainer import ExtractorTrainer, WindowCollator
from cacre.data.duie import DuieText
from cacre.errors import DataError

FOUR_STEPS = {
    "encoder": {"dropout": 0.1},
    "training": {"epochs": 2, "batch_size": 5, "evaluations_per_epoch": 4},
}
"""Four steps an epoch, with a checkpoint after each, and dropout, which draws from torch's generator."""


class Killed(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "system"),
    [("casrel-blcf", {"lstm_size": 8}), ("cecrel", {"augmented": 1.0, "contrast_weight": 1.0, "contrast_width": 8})],
)
def test_a_run_killed_within_an_epoch_goes_on_as_one_that_was_not(tmp_path, monkeypatch, name, system):
    def run(folder):
        chosen = settings(**FOUR_STEPS, system=system)
        metrics = train_extractor(name, TEXTS, tmp_path / folder, chosen, SCHEMA, TEXTS[:3])
        # Of the last step: the best checkpoint may be one from before the kill, as nothing is learnt in eight steps.
        last = load_file(tmp_path / folder / "checkpoints" / f"checkpoint-{metrics['steps']}" / "model.safetensors")
        return [entry["loss"] for entry in metrics["history"] if "loss" in entry], last

    losses, whole = run("whole")
    measure, calls = ExtractorTrainer.evaluate, []

    def killed(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return measure(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(ExtractorTrainer, "evaluate", killed)
        with pytest.raises(Killed):
            run("killed")
    assert {path.name for path in (tmp_path / "killed" / "checkpoints").iterdir()} == {"checkpoint-1", "checkpoint-2"}
    resumed_losses, resumed = run("killed")
    assert len(losses) == 8 and len(set(losses)) == 8
    assert resumed_losses == pytest.approx(losses, abs=1e-6)
    assert all(torch.allclose(whole[key], resumed[key], atol=1e-6) for key in whole)


@pytest.mark.slow
def test_a_checkpoint_is_chosen_at_the_threshold_that_serves_it_best(tmp_path):
    """So short a run finds nothing at 0.5 at any time, and something at a lower threshold towards its end."""
    chosen = settings(training={"epochs": 12, "warmup_ratio": 0.0})
    metrics = train_extractor("electra-joint", TEXTS, tmp_path / "out", chosen, SCHEMA, TEXTS)
    watched = [entry for entry in metrics["history"] if "eval_f1" in entry]
    assert metrics["thresholds"]["0.5"]["f1"] == 0.0
    assert metrics["dev"]["f1"] == max(entry["eval_f1"] for entry in watched) > 0.0
    assert metrics["threshold"] in {entry["eval_threshold"] for entry in watched} - {0.5}


def test_altered_texts_depend_on_seed_and_epoch_and_on_nothing_drawn_before():
    extractor = new_extractor("cecrel", TEXTS, settings(system={"augmented": 1.0}), SCHEMA)
    extractor.network.prepare(TEXTS, SCHEMA)
    marker = Marker(extractor.maker, extractor.tags)
    items = marker.label(TEXTS)[:6]

    def views(seed, epoch):
        collate = WindowCollator(extractor.network, marker, seed)
        collate.set_epoch(epoch)
        torch.rand(3)
        return [item.source for item in collate(items)["batch"].views.items]

    assert views(1, 0) == views(1, 0)
    assert views(1, 0) != views(1, 1)
    assert views(1, 0) != views(2, 0)


def test_the_split_shares_neither_texts_nor_pairs():
    train, dev = split_annotated(TEXTS, 0.3, seed=1)
    assert len(train) + len(dev) == len(TEXTS)
    pairs = [
        {(fact.triple.subject, fact.triple.object) for text in part for fact in text.facts} for part in (train, dev)
    ]
    assert not pairs[0] & pairs[1]
    assert any(text.facts[0].slots for text in (*train, *dev) if text.facts)  # what the split passes on is whole


def test_nothing_to_learn_from_is_refused(tmp_path):
    with pytest.raises(DataError, match="none of the 1 texts has a triple"):
        train_extractor("electra-joint", [DuieText("雨", ())], tmp_path / "out", settings(), SCHEMA)
    assert not (tmp_path / "out").exists()
