import pytest
import torch
from extractor_corpus import SCHEMA, TEXTS, settings
from safetensors.torch import load_file

from cacre.baselines.extractors.annotations import split_annotated
from cacre.baselines.extractors.run import train_extractor
from cacre.baselines.extractors.trainer import ExtractorTrainer
from cacre.data.duie import DuieText
from cacre.errors import DataError

SHORT = {"training": {"epochs": 3, "evaluations_per_epoch": 1}}


class Killed(Exception):
    pass


@pytest.mark.slow
def test_a_run_that_was_killed_ends_as_one_that_was_not(tmp_path, monkeypatch):
    run = ("casrel-blcf", TEXTS, tmp_path / "whole", settings(**SHORT, system={"lstm_size": 8}), SCHEMA, TEXTS[:3])
    train_extractor(*run)
    measure, calls = ExtractorTrainer.evaluate, []

    def killed(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return measure(self, *arguments, **options)

    monkeypatch.setattr(ExtractorTrainer, "evaluate", killed)
    again = (*run[:2], tmp_path / "killed", *run[3:])
    with pytest.raises(Killed):
        train_extractor(*again)
    monkeypatch.undo()
    train_extractor(*again)
    whole, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-6) for name in whole)


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
