import pytest
import torch

import tiny_corpus
from cacre.errors import ModelError
from cacre.modeling.masked_lm import MaskedLanguageModel, load_head, save_head
from cacre.modeling.pretrained import build_encoder
from cacre.modeling.replaced_tokens import ReplacedTokenDetector

SIZES = tiny_corpus.settings({"encoder": {"architecture": "modernbert", "hidden_size": 16, "dropout": 0.0}}).encoder
VOCABULARY = 30
MASK = 4


def detector():
    torch.manual_seed(0)
    generator = MaskedLanguageModel(build_encoder(SIZES, VOCABULARY))
    return ReplacedTokenDetector(build_encoder(SIZES, VOCABULARY), generator)


def batch():
    true = torch.arange(5, 25).reshape(2, 10)
    labels = torch.full_like(true, -100)
    labels[:, 3:6] = true[:, 3:6]
    return {"input_ids": true.where(labels == -100, MASK), "attention_mask": torch.ones_like(true), "labels": labels}


def test_only_what_was_masked_is_replaced_and_what_was_guessed_right_is_no_replacement():
    model, seen = detector(), []
    model.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    row = batch()
    with torch.no_grad():
        model.generator.bias.zero_()[7] = 1e4  # it always says 7
    model(**row)
    true = torch.where(row["labels"] != -100, row["labels"], row["input_ids"])
    assert (seen[0][row["labels"] == -100] == true[row["labels"] == -100]).all()
    assert (seen[0][row["labels"] != -100] == 7).all()
    with torch.no_grad():  # all characters of one kind: nothing is replaced, and saying so costs nothing
        model.head[2].weight.zero_()
        model.head[2].bias.fill_(-30.0)
    row["labels"] = row["labels"].where(row["labels"] == -100, 7)
    assert model(**row)["loss"] < 1e-6


def test_the_encoder_learns_and_the_generator_does_not():
    model = detector().train()
    model(**batch())["loss"].backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad is not None for p in model.encoder.parameters())


def test_a_head_is_read_back_and_another_is_refused(tmp_path):
    model, other = detector().generator, detector().generator
    with torch.no_grad():
        model.bias.fill_(3.0)
    save_head(model, tmp_path)
    load_head(other, tmp_path)
    assert (other.bias == 3.0).all()
    with pytest.raises(ModelError, match=r"masked_lm_head\.safetensors: not the head of this encoder"):
        load_head(MaskedLanguageModel(build_encoder(SIZES, VOCABULARY + 1)), tmp_path)
    (tmp_path / "masked_lm_head.safetensors").unlink()
    with pytest.raises(ModelError, match="cacre pretrain"):
        load_head(other, tmp_path)
