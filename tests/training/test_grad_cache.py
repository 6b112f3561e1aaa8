"""The gradient of a whole batch, however it is computed: in chunks, accumulated, with layers computed again."""

import contextlib

import pytest
import torch

import tiny_corpus
from cacre.training import grad_cache
from cacre.training.batches import Collator
from cacre.training.objective import Criterion, count_terms
from cacre.training.trainer import CacreTrainer

STILL = {"encoder": {"dropout": 0.0}, "model": {"dropout": 0.0}}
KINDS = {
    "own": [{"loss": {"negatives": "own"}}],
    "pooled": [],
    "cross_text": [tiny_corpus.LITERAL],
    "reader": [tiny_corpus.READER],
}


def make(*layers):
    chosen = tiny_corpus.settings(*layers)
    loaded = tiny_corpus.random_model(chosen)
    return Criterion(loaded.model, chosen.loss).train(), Collator(loaded.featurizer, chosen.model, chosen.loss)


def gradients(criterion, *calls, context=contextlib.nullcontext):
    """Loss and gradients, summed over calls."""
    torch.manual_seed(4)
    criterion.zero_grad()
    total = 0.0
    for call in calls:
        with context():
            loss = criterion(**call)["loss"]
        loss.backward()
        total += loss.item()
    return {"loss": torch.tensor(total), **{name: p.grad.clone() for name, p in criterion.named_parameters()}}


def assert_close(found, wanted, **tolerance):
    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], msg=lambda text, at=name: f"{at}: {text}", **tolerance)


@pytest.mark.parametrize("kind", list(KINDS))
def test_chunks_have_the_gradient_of_the_whole_batch(features, kind):
    criterion, collator = make(STILL, *KINDS[kind])
    whole = gradients(criterion, collator(features))
    chunked = gradients(criterion, {"chunks": collator.split(features, [[0, 1], [2]])})
    assert whole["loss"] > 0.1
    assert_close(chunked, whole, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("half", [False, True])
def test_a_chunk_is_computed_twice_with_the_same_dropout(features, monkeypatch, half):
    criterion, collator = make({"encoder": {"dropout": 0.3}, "model": {"dropout": 0.3}})
    chunks = {"chunks": collator.split(features, [[0], [1], [2]])}
    calls, scores = [], Criterion._scores
    monkeypatch.setattr(Criterion, "_scores", lambda self, batch: calls.append(id(batch)) or scores(self, batch))

    def context():
        return torch.autocast("cpu", torch.bfloat16, enabled=half)

    found = gradients(criterion, chunks, context=context)
    ids = [id(chunk) for chunk in chunks["chunks"]]
    assert calls == [*ids, *reversed(ids)]
    monkeypatch.setattr(grad_cache, "checkpoint", lambda compute, chunk, use_reentrant: compute(chunk))
    assert_close(found, gradients(criterion, chunks, context=context), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ["own", "reader"])
def test_accumulated_batches_have_the_gradient_of_the_whole_where_nothing_is_shared(features, kind):
    own = {"loss": {"negatives": "own", "paraphrased_negatives": False}}
    criterion, collator = make(STILL, *KINDS[kind], own)
    batches = collator.split(features, [[0, 1], [2]])
    totals = torch.stack([count_terms(batch, criterion.settings) for batch in batches]).sum(dim=0)
    assert totals.tolist()[:2] == [5, 5]
    accumulated = gradients(criterion, *({"num_items_in_batch": totals, **batch} for batch in batches))
    assert_close(accumulated, gradients(criterion, collator(features)), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "inside"), [("bert", "encoder.layer.1.attention.self.query"), ("modernbert", "layers.1.attn.Wqkv")]
)
def test_layers_computed_again_give_the_same_gradient(tmp_path, features, architecture, inside):
    encoder = {"encoder": {"architecture": architecture, "num_layers": 2, "dropout": 0.3}}
    found = {}
    for again in (False, True):
        criterion, collator = make(encoder)
        chosen = tiny_corpus.settings(encoder, {"training": {"gradient_checkpointing": again}})
        calls = []
        CacreTrainer(criterion, chosen, features, features, collator, tmp_path)
        linear = criterion.model.encoder.backbone.get_submodule(inside)
        linear.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        found[again] = gradients(criterion, collator(features))
        assert len(calls) == 2 * (1 + again)  # texts and triples
    assert_close(found[True], found[False], atol=1e-6, rtol=1e-5)
