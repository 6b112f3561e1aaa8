import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainingArguments

import tiny_corpus
from cacre.config import TrainingSettings
from cacre.errors import ConfigError, DataError
from cacre.preprocessing.tokenizer import SPECIAL_TOKENS, build_character_tokenizer
from cacre.training import pretraining
from cacre.training.optimisation import watched_arguments
from cacre.training.pretraining import Blocks, PretrainingSettings, mask_spans, pretrain, read_lines

LINES = ["甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"[start % 9 :] for start in range(60)]
"""Always in the same order, so that a hidden character can be told from its neighbours."""
ENCODER = tiny_corpus.settings({"encoder": {"architecture": "modernbert", "hidden_size": 32}}).encoder
SETTINGS = PretrainingSettings(block_length=24, batch_size=4, epochs=16, learning_rate=1e-2, save_steps=40)


def test_one_of_several_gpus_is_used(tmp_path, monkeypatch):
    """DataParallel, which the Trainer takes else, would hand every GPU the whole batch of an extractor."""
    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda self: 4))
    assert pretraining._arguments(tmp_path, SETTINGS)._n_gpu == 1
    assert watched_arguments(TrainingSettings(), tmp_path, 9, "eval_f1", logs=1)._n_gpu == 1


@given(
    st.integers(1, 300), st.floats(0.0, 1.0), st.floats(1.0, 5.0), st.integers(0, 2**32 - 1)
)  # fmt: skip
def test_spans_reach_the_fraction_and_stay_within_the_length(length, fraction, mean_span, seed):
    chosen = mask_spans(length, fraction, mean_span, np.random.default_rng(seed))
    assert chosen.shape == (length,)
    assert min(length, max(1, round(length * fraction))) <= chosen.sum() <= length


def test_a_fraction_above_one_masks_all_and_ends():
    assert mask_spans(20, 1.5, 2.0, np.random.default_rng(0)).all()


def test_spans_are_about_as_long_as_asked():
    rng = np.random.default_rng(0)
    runs = [np.diff(np.flatnonzero(np.diff(np.r_[0, mask_spans(400, 0.05, 3.0, rng), 0])))[::2] for _ in range(200)]
    assert np.concatenate(runs).mean() == pytest.approx(3.0, rel=0.2)


def make_blocks(**options):
    tokenizer = build_character_tokenizer(LINES)
    return Blocks(LINES, tokenizer, PretrainingSettings(**{"block_length": 24, **options})), tokenizer


def test_blocks_are_the_text_in_order():
    blocks, tokenizer = make_blocks()
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    assert (blocks.blocks[:, 0] == cls).all()
    running = [i for line in LINES for i in (*tokenizer.encode(line, add_special_tokens=False).ids, sep)]
    body = blocks.blocks[:, 1:].flatten().tolist()
    assert body == running[: len(body)]
    assert len(running) - len(body) < 23


def test_labels_are_the_true_characters_where_they_are_hidden():
    blocks, tokenizer = make_blocks(mask_fraction=0.4)
    mask = tokenizer.token_to_id("[MASK]")
    masked = changed = kept = 0
    for index in range(len(blocks)):
        item, truth = blocks[index], torch.from_numpy(blocks.blocks[index].astype(np.int64))
        ids, labels = item["input_ids"], item["labels"]
        predicted = labels != -100
        assert (labels[predicted] == truth[predicted]).all()
        assert (truth[predicted] >= len(SPECIAL_TOKENS)).all()
        assert (ids[~predicted] == truth[~predicted]).all()
        masked += int((ids[predicted] == mask).sum())
        kept += int((ids[predicted] == truth[predicted]).sum())
        changed += int(((ids != truth) & (ids != mask)).sum())
    total = masked + changed + kept
    assert masked / total == pytest.approx(0.8, abs=0.05)
    assert changed / total == pytest.approx(0.1, abs=0.05)


def test_masks_are_a_function_of_seed_epoch_and_block():
    (one, _), (two, _), (other, _) = make_blocks(), make_blocks(), make_blocks(seed=14)
    torch.rand(3)
    assert torch.equal(one[3]["labels"], two[3]["labels"])
    assert not torch.equal(one[3]["labels"], other[3]["labels"])
    two.set_epoch(1)
    assert not torch.equal(one[3]["labels"], two[3]["labels"])


def test_too_little_text():
    tokenizer = build_character_tokenizer(LINES)
    with pytest.raises(DataError, match="3 characters of text are not enough for one block of 23"):
        Blocks(["电影"], tokenizer, PretrainingSettings(block_length=24))


@pytest.mark.parametrize(("fraction", "kept"), [(1.0, 10), (0.5, 5), (0.25, 2), (0.0, 0)])
def test_keep_reads_a_fraction_evenly_spread(tmp_path, fraction, kept):
    path = tmp_path / "news.txt"
    path.write_text("".join(f"第{i}行\n" for i in range(10)), encoding="utf-8")
    other = tmp_path / "other.txt"
    other.write_text("另\n", encoding="utf-8")
    lines = list(read_lines([path, other], {"news": fraction}))
    assert lines[-1] == "另"
    assert len(lines) - 1 == kept
    if kept == 5:
        assert lines[:-1] == [f"第{i}行" for i in (1, 3, 5, 7, 9)]


def weights(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.slow
def test_the_loss_falls_and_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path, monkeypatch, capsys):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    pretrain(LINES, whole, ENCODER, SETTINGS)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("step ")
    log = [
        e["loss"] for e in json.loads((whole / "pretraining.json").read_text(encoding="utf-8"))["log"] if "loss" in e
    ]
    assert log[-1] < 0.8 * log[0]

    class Stop(Exception):
        pass

    class StopInTheSecondEpoch(pretraining.ProgressLines):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == state.max_steps - 9:
                raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(pretraining, "ProgressLines", StopInTheSecondEpoch)
        with pytest.raises(Stop):
            pretrain(LINES, cut, ENCODER, SETTINGS)
    assert not (cut / "model.safetensors").exists()
    pretrain(LINES, cut, ENCODER, replace(SETTINGS, loader_workers=2))  # on a machine with more cores, say
    left, right = weights(whole), weights(cut)
    assert left.keys() == right.keys()
    assert max(np.abs(left[name] - right[name]).max() for name in left) <= 1e-6
    with pytest.raises(ConfigError, match="text was"):
        pretrain(LINES[:20], cut, ENCODER, SETTINGS)


@pytest.mark.slow
def test_a_generator_is_gone_on_from(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    short = replace(SETTINGS, epochs=2)
    pretrain(LINES, first, ENCODER, short)
    pretrain(LINES, second, ENCODER, replace(short, learning_rate=1e-6), generator=first)
    before, after = weights(first), weights(second)
    assert before.keys() == after.keys()
    moved = max(np.abs(before[name] - after[name]).max() for name in before)
    assert 0 < moved < 1e-3
    assert (second / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()
