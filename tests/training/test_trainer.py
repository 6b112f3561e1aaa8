import numpy as np
import pytest
import torch

import tiny_corpus
from cacre.training.batches import Collator
from cacre.training.features import featurize
from cacre.training.objective import Criterion, project
from cacre.training.sampler import LengthGroupedSampler
from cacre.training.trainer import CacreTrainer, dev_aucs


class Spy(Collator):
    def __call__(self, examples):
        self.__dict__.setdefault("seen", []).append([e.key for e in examples])
        return super().__call__(examples)


def make_trainer(tmp_path, schema, *layers, count=9, patience=None):
    training = {"training": {"batch_size": 4, "epochs": 2, "patience": patience}}
    chosen = tiny_corpus.settings(training, *layers)
    loaded = tiny_corpus.random_model(chosen)
    parts = [
        featurize(e, loaded.featurizer, schema, generated=0, paraphrase=False, seed=1).examples
        for e in (tiny_corpus.films(count), tiny_corpus.films(2, seed=9))
    ]
    collator = Spy(loaded.featurizer, chosen.model, chosen.loss)
    return CacreTrainer(Criterion(loaded.model, chosen.loss), chosen, *parts, collator, tmp_path)


def test_the_order_is_the_samplers_and_logs_go_to_stderr(tmp_path, schema, capsys):
    trainer = make_trainer(tmp_path, schema)
    trainer.train()
    sampler = LengthGroupedSampler([e.length for e in trainer.train_dataset.examples], 4, 13)
    expected = []
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        expected += list(sampler)
    # The dev examples are collated too, in their own order, after each epoch.
    seen = [keys for keys in trainer.data_collator.seen if keys != [0, 1]]
    assert [key for keys in seen for key in keys] == expected
    assert expected[:9] != expected[9:]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "step 6/6  text_auc " in captured.err


@pytest.mark.parametrize("name", ["mean_auc", "text_auc"])
def test_the_checkpoint_is_chosen_by_the_area_that_is_asked_for(tmp_path, schema, name):
    trainer = make_trainer(tmp_path, schema, {"training": {"chosen_by": name}})
    assert trainer.args.metric_for_best_model == f"eval_{name}"
    assert f"eval_{name}" in trainer.evaluate()


def test_learning_rates_and_decay(tmp_path, schema):
    trainer = make_trainer(
        tmp_path, schema, {"training": {"learning_rate": 0.01, "encoder_learning_rate": 0.002, "weight_decay": 0.3}}
    )
    groups = trainer.create_optimizer().param_groups
    rates = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    model = trainer.model.model
    encoder = model.encoder.backbone.embeddings.word_embeddings.weight
    norm = model.encoder.backbone.embeddings.LayerNorm.weight
    assert rates[id(encoder)] == (0.002, 0.3)
    assert rates[id(norm)] == (0.002, 0.0)
    assert rates[id(model.narrow.weight)] == (0.01, 0.3)
    assert rates[id(model.projection.residual_weight)] == (0.01, 0.0)
    assert len(rates) == sum(1 for _ in model.parameters())


@pytest.mark.slow
def test_shared_attention_can_be_saved_and_loaded_again(tmp_path, schema):
    trainer = make_trainer(tmp_path, schema, {"model": {"share_attention": True}}, count=5)
    trainer.train()  # at its end it loads the best checkpoint
    attention = trainer.model.model.cross_attention
    assert attention.text_to_triple is attention.triple_to_text


@pytest.mark.slow
def test_bfloat16_trains_on_a_cpu(tmp_path, schema):
    trainer = make_trainer(tmp_path, schema, {"training": {"bf16": True, "epochs": 1}}, count=4)
    assert np.isfinite(trainer.train().training_loss)


def auc(right, wrong):
    """Share of (right, wrong) pairs in the right order, ties half."""
    pairs = [(r > w) + 0.5 * (r == w) for r in right for w in wrong]
    return sum(pairs) / len(pairs)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
@torch.no_grad()
def test_dev_aucs_equal_a_loop(tiny, features, batch_size):
    collator = Collator(tiny.featurizer, tiny.settings.model, tiny.settings.loss)
    text = {True: [], False: []}
    pair = {True: [], False: []}
    for example in features:
        projection = project(tiny.model, collator([example]))
        scores = tiny.model.text_similarity(projection).fuse(0.7).tolist()
        text[True] += [scores[i] for i in example.anchors]
        text[False] += [scores[i] for i in example.negatives]
        x, m = projection.triple, projection.triple_mask
        for a, p in zip(example.anchors, example.positives, strict=True):
            for i in (p, *example.negatives):
                score = tiny.model.pair_similarity(x[a][None], m[a][None], x[i][None], m[i][None]).fuse(0.7).item()
                pair[i == p].append(score)
    found = dev_aucs(tiny.model, features, collator, batch_size)
    assert found["text_auc"] == pytest.approx(auc(text[True], text[False]))
    assert found["anchor_auc"] == pytest.approx(auc(pair[True], pair[False]))
    assert found["mean_auc"] == pytest.approx((found["text_auc"] + found["anchor_auc"]) / 2)


def test_dev_aucs_leave_the_mode_as_it_was(tiny, features):
    loaded = tiny_corpus.random_model(tiny.settings)
    collator = Collator(loaded.featurizer, tiny.settings.model, tiny.settings.loss)
    loaded.model.train()
    first = dev_aucs(loaded.model, features, collator, 8)
    assert loaded.model.training
    assert dev_aucs(loaded.model, features, collator, 8) == first
