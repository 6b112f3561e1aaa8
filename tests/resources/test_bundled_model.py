"""The model that ships with the package: there, small, usable without torch, the same whatever the batch."""

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import cacre
from cacre.config import load_settings, parse_settings
from cacre.data import read_rows, to_candidates
from cacre.evaluation import roc_auc
from cacre.inference import OnnxVerifier, bundled_models

MEGABYTES = 12


@pytest.fixture(scope="module")
def verifier():
    return cacre.load_verifier("mini-zh", threads=1)


@pytest.fixture(scope="module")
def rows():
    path = resources.files("cacre.resources") / "samples" / "demo.jsonl"
    return [(row.raw, to_candidates(row)) for row in read_rows(str(path), "candidates")]


def test_it_is_small_and_holds_no_weights_but_onnx():
    folder = bundled_models()["mini-zh"]
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json", "tokenizer.json", "schema.json", "thresholds.json", "README.md",
        "encoder.onnx", "pair.onnx", "compare.onnx",
    }  # fmt: skip
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MEGABYTES * 1e6


def test_its_network_is_that_of_the_preset_default():
    settings = json.loads((bundled_models()["mini-zh"] / "config.json").read_text(encoding="utf-8"))["settings"]
    its, preset = (
        parse_settings(settings, "config.json"),
        load_settings(),
    )  # a setting newer than the folder is off in it
    assert its.model == preset.model and its.loss == preset.loss


def test_its_files_name_no_path_of_the_machine_that_made_them():
    for path in bundled_models()["mini-zh"].iterdir():
        content = path.read_bytes()
        assert b"site-packages" not in content and b"/src/cacre/" not in content and b"/home/" not in content


def test_it_needs_no_torch():
    program = (
        "import sys, cacre; v = cacre.load_verifier('mini-zh', threads=1);"
        "v.verify('《雾中渡》由林知远执导。', [cacre.Triple('雾中渡', '导演', '林知远')]);"
        "print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_it_tells_supported_from_planted_errors(verifier, rows):
    """Far above chance on texts that neither training nor any choice has seen; not a claim of quality."""
    scored = verifier.score_many([(each.text, each.candidates) for _, each in rows])
    scores = [score.text_score for row in scored for score in row]
    labels = [bool(label["supported"]) for raw, _ in rows for label in raw["labels"]]
    assert roc_auc(labels, scores) > 0.75


def test_scores_do_not_depend_on_the_batch(verifier, rows):
    pairs = [(each.text, each.candidates) for _, each in rows[:24]]
    alone = OnnxVerifier(verifier.path, threads=1, batch_size=1)
    together = [score for row in verifier.score_many(pairs) for score in row]
    single = [score for row in reversed(pairs) for score in alone.score_many([row])[0][::-1]][::-1]
    assert max(abs(a.text_score - b.text_score) for a, b in zip(together, single, strict=True)) <= 1e-5
    both = [(a, b) for a, b in zip(together, single, strict=True) if a.pair_score is not None]
    assert max(abs(a.pair_score - b.pair_score) for a, b in both) <= 1e-5


def test_scores_are_the_same_to_the_last_digit_whoever_asks_together(verifier, rows):
    pairs = [(each.text, each.candidates) for _, each in rows]
    together = verifier.score_many(pairs)
    assert together == [verifier.score_many([pair])[0] for pair in pairs]
    alone = [verifier.score_many([(text, [c])])[0][0].text_score for text, found in pairs[:30] for c in found]
    assert alone == [score.text_score for row in together[:30] for score in row]


def test_its_card_says_what_it_was_made_from():
    card = (bundled_models()["mini-zh"] / "README.md").read_text(encoding="utf-8")
    assert "corpus/seed" in card and "CC BY-SA" in card and "DuIE" in card
    record = json.loads((Path(bundled_models()["mini-zh"]) / "thresholds.json").read_text(encoding="utf-8"))
    assert record["fitted_on"]["candidates"] > 500
