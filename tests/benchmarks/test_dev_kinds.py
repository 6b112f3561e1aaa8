"""Benchmarks that look at the dev part of contrastive rows, on a corpus of twenty texts."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from cacre.config import Settings
from cacre.data import load_examples, write_rows
from cacre.data.splits import split_examples


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"id": f"r{n}", "text": f"《书{n}》由人{n}写成，人{n}否认写过《剧{n}》。", "genre": "新闻",
         "kinds": ["negated"], "anchors": [[f"书{n}", "作者", f"人{n}"]], "positives": [[f"书{n}", "写书人", f"人{n}"]],
         "negatives": [[f"剧{n}", "作者", f"人{n}"]], "hard": [[f"人{n}", "作者", f"书{n}", "swap"]]}
        for n in range(20)
    ]  # fmt: skip
    write_rows(tmp_path / "texts/a.jsonl", rows)
    return tmp_path / "texts"


@pytest.fixture
def benchmark_module(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    yield import_module
    for name in ("dev_kinds", "modality"):
        sys.modules.pop(name, None)


def test_dev_rows_are_those_that_training_leaves_out(folder, benchmark_module):
    found = benchmark_module("dev_kinds").dev_rows([str(folder)])
    training = Settings().training
    fractions = (1 - training.dev_fraction, training.dev_fraction, 0.0)
    split = split_examples(load_examples(folder), fractions, training.seed)
    assert [text for text, _, _ in found] == [example.text for example in split.dev]
    learnt = benchmark_module("dev_kinds").dev_rows([str(folder)], 5)
    assert [text for text, _, _ in learnt] == [example.text for example in split.train[:5]]
    assert all(kinds == ["right", "negated", "swap"] for _, _, kinds in found)


def test_modality_counts_what_it_hits_on_dev(folder, benchmark_module, monkeypatch, capsys):
    modality = benchmark_module("modality")
    monkeypatch.setattr(sys, "argv", ["modality.py", str(folder), "--dev"])
    modality.main()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| denied | 2 | 0 | 2 | 2 |") for line in lines), lines
