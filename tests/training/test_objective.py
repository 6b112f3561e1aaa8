import math

import pytest
import torch

import tiny_corpus
from cacre.config import LossSettings
from cacre.losses import multi_granularity_info_nce
from cacre.modeling.values import Projection
from cacre.training.batches import Collator
from cacre.training.objective import Criterion, compute_objective, pair_loss, project

OPTIONS = {"temperature": 0.2, "top_k": 0.6, "base_margin": 0.05, "margin_scale": 0.3}


def loss_settings(**values):
    return LossSettings(**{**OPTIONS, **values})


@pytest.fixture(scope="module")
def models():
    """Two networks: similarities by position, and the default ones."""
    chosen = {"local_similarity": "position", "pair_similarity": "position"}
    return {
        "position": tiny_corpus.random_model(tiny_corpus.settings({"model": chosen})),
        "default": tiny_corpus.random_model(tiny_corpus.settings()),
    }


def make(loaded, features, loss):
    batch = Collator(loaded.featurizer, loaded.settings.model, loss)(features)
    with torch.no_grad():
        return batch, project(loaded.model, batch)


def cut(projection, view, triple):
    """X_T of pair `view` and X_R of pair `triple`, without padding, as a batch of one."""
    t = projection.text_mask[view].bool()
    r = projection.triple_mask[triple].bool()
    return Projection(
        projection.text[view][t][None],
        torch.ones(1, int(t.sum())),
        projection.triple[triple][r][None],
        torch.ones(1, int(r.sum())),
        projection.attention[triple][r][:, : int(t.sum())][None],
    )


def text_cosines(model, projection, view, triple):
    return tuple(float(x) for x in model.text_similarity(cut(projection, view, triple)))


def pair_cosines(model, projection, left, right):
    a, b = cut(projection, left, left), cut(projection, right, right)
    return tuple(float(x) for x in model.pair_similarity(a.triple, a.triple_mask, b.triple, b.triple_mask))


def row_loss(positive, negatives, s, w=0.7):
    """Equations (16)-(21) of one row, from (local, global) cosines."""
    fuse = [(w * local + (1 - w) * overall) / s.temperature for local, overall in (positive, *negatives)]
    margin = (
        s.base_margin + s.margin_scale * (positive[1] - sum(n[1] for n in negatives) / len(negatives)) / s.temperature
    )
    hard = sorted(fuse[1:], reverse=True)[: math.ceil(s.top_k * len(negatives))]
    return -math.log(math.exp(fuse[0]) / (math.exp(fuse[0]) + sum(math.exp(h - margin) for h in hard)))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def text_reference(model, batch, projection, s):
    anchors, positives = batch["anchor"].tolist(), batch["positive"].tolist()
    own = [[i for i in row if i >= 0] for row in batch["negative"].tolist()]
    if s.negatives == "cross_text":
        own = [row + [i for i in more if i >= 0] for row, more in zip(own, batch["other"].tolist(), strict=True)]
    if s.negatives == "pooled":
        own = [sorted({i for row in own for i in row})] * len(own)
    kinds = {"anchor": [anchors], "positive": [positives], "anchor_and_positive": [anchors, positives]}
    losses = []
    for rows in kinds[s.text_positives]:
        for a, right, wrong in zip(anchors, rows, own, strict=True):
            views = {i: a if s.text_view == "anchor" else i for i in (right, *wrong)}
            cosines = [text_cosines(model, projection, views[i], i) for i in (right, *wrong)]
            losses.append(row_loss(cosines[0], cosines[1:], s))
    return mean(losses)


def anchor_reference(model, batch, projection, s):
    anchors, positives = batch["anchor"].tolist(), batch["positive"].tolist()
    own = [
        [pair_cosines(model, projection, a, i) for i in row if i >= 0]
        for a, row in zip(anchors, batch["negative"].tolist(), strict=True)
    ]
    if s.negatives == "pooled":
        own = [[c for row in own for c in row]] * len(own)
    twins = (
        [pair_cosines(model, projection, n, p) for n, p in batch["twins"].tolist()] if s.paraphrased_negatives else []
    )
    return mean(
        row_loss(pair_cosines(model, projection, a, p), wrong + twins, s)
        for a, p, wrong in zip(anchors, positives, own, strict=True)
    )


@pytest.mark.parametrize("network", ["position", "default"])
@pytest.mark.parametrize("negatives", ["own", "cross_text", "pooled"])
@pytest.mark.parametrize("text_positives", ["anchor", "positive", "anchor_and_positive"])
@pytest.mark.parametrize("text_view", ["pairwise", "anchor"])
@torch.no_grad()
def test_text_branch_equals_a_loop(models, features, network, negatives, text_positives, text_view):
    if (negatives, text_view) == ("pooled", "anchor"):
        pytest.skip("refused by the settings")
    s = loss_settings(negatives=negatives, text_positives=text_positives, text_view=text_view)
    loaded = models[network]
    batch, projection = make(loaded, features, s)
    loss = compute_objective(loaded.model, batch, projection, s, 0.7).text
    assert loss.item() == pytest.approx(text_reference(loaded.model, batch, projection, s), abs=1e-5)


@pytest.mark.parametrize("network", ["position", "default"])
@pytest.mark.parametrize("negatives", ["own", "cross_text", "pooled"])
@pytest.mark.parametrize("paraphrased", [False, True])
@torch.no_grad()
def test_anchor_branch_equals_a_loop(models, features, network, negatives, paraphrased):
    s = loss_settings(negatives=negatives, paraphrased_negatives=paraphrased)
    loaded = models[network]
    batch, projection = make(loaded, features, s)
    assert len(batch["twins"])
    loss = compute_objective(loaded.model, batch, projection, s, 0.7).anchor
    assert loss.item() == pytest.approx(anchor_reference(loaded.model, batch, projection, s), abs=1e-5)


@torch.no_grad()
def test_anchor_branch_equals_the_public_loss(models, features):
    s = loss_settings(negatives="own", paraphrased_negatives=False)
    loaded = models["position"]
    batch, projection = make(loaded, features, s)
    rows = []
    for a, p, row in zip(batch["anchor"], batch["positive"], batch["negative"], strict=True):
        n = row[row >= 0]
        x, m = projection.triple, projection.triple_mask
        masks = {"anchor_mask": m[a][None], "positive_mask": m[p][None], "negative_mask": m[n][None]}
        rows.append(
            multi_granularity_info_nce(x[a][None], x[p][None], x[n][None], **masks, local_weight=0.7, **OPTIONS)
        )
    assert compute_objective(loaded.model, batch, projection, s, 0.7).anchor.item() == pytest.approx(
        mean(r.item() for r in rows), abs=1e-6
    )


@torch.no_grad()
def test_text_branch_given_the_anchor_equals_the_public_loss(models, features):
    s = loss_settings(negatives="own", text_view="anchor", text_positives="positive")
    loaded = models["position"]
    batch, projection = make(loaded, features, s)
    rows = []
    for a, p, row in zip(batch["anchor"], batch["positive"], batch["negative"], strict=True):
        n = row[row >= 0]
        x_t, t, x, m = projection[:4]
        masks = {"anchor_mask": t[a][None], "positive_mask": m[p][None], "negative_mask": m[n][None]}
        rows.append(
            multi_granularity_info_nce(x_t[a][None], x[p][None], x[n][None], **masks, local_weight=0.7, **OPTIONS)
        )
    assert compute_objective(loaded.model, batch, projection, s, 0.7).text.item() == pytest.approx(
        mean(r.item() for r in rows), abs=1e-6
    )


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@torch.no_grad()
def test_text_weight_mixes_the_branches(models, features, weight):
    s = loss_settings(text_weight=weight)
    loaded = models["default"]
    batch, projection = make(loaded, features, s)
    result = compute_objective(loaded.model, batch, projection, s, 0.7)
    assert result.text.item() != pytest.approx(result.anchor.item(), abs=1e-3)
    assert result.loss.item() == pytest.approx(weight * result.text.item() + (1 - weight) * result.anchor.item())


def test_a_negative_in_another_window_is_not_compared_with_this_x_t(models, features):
    s = loss_settings(negatives="own", text_view="anchor")
    loaded = models["default"]
    batch, projection = make(loaded, features[:1], s)
    expected = compute_objective(loaded.model, batch, projection, s, 0.7).text
    gone = batch["negative"][0, 0]
    moved = batch | {"pair_text": batch["pair_text"].clone()}
    moved["pair_text"][gone] = 1
    without = batch | {"negative": torch.where(batch["negative"] == gone, -1, batch["negative"])}
    assert (
        compute_objective(loaded.model, moved, projection, s, 0.7).text
        == compute_objective(loaded.model, without, projection, s, 0.7).text
    )
    assert compute_objective(loaded.model, moved, projection, s, 0.7).text != expected


@torch.no_grad()
def test_padding_has_no_say_even_where_it_is_not_masked(features):
    """A text gets the same projection next to a longer one: what an encoder leaves in the padding is cleared."""
    loaded = tiny_corpus.random_model(tiny_corpus.settings(tiny_corpus.LITERAL))
    batch = Collator(loaded.featurizer, loaded.settings.model, LossSettings())(features)
    before = project(loaded.model, batch)
    spoiled = batch | {"text_ids": torch.where(batch["text_mask"] == 0, 7, batch["text_ids"])}
    assert torch.allclose(project(loaded.model, spoiled).text, before.text, atol=1e-6)


def gradients(settings, features):
    loaded = tiny_corpus.random_model(settings)
    criterion = Criterion(loaded.model, settings.loss).train()
    criterion(**Collator(loaded.featurizer, settings.model, settings.loss)(features))["loss"].backward()
    return {name: p.grad for name, p in loaded.model.named_parameters()}


def test_gradients_reach_every_parameter_of_a_network_with_a_reader(features):
    found = gradients(tiny_corpus.settings(tiny_corpus.READER), features)
    assert [name for name, grad in found.items() if grad is None] == []


def test_the_cross_entropy_takes_each_anchor_and_each_negative_once():
    batch = {"anchor": torch.tensor([0, 0]), "negative": torch.tensor([[1, 2], [2, -1]])}
    logit = torch.tensor([2.0, -1.0, 0.5, 99.0])
    right, wrong = math.log1p(math.exp(-2.0)), math.log1p(math.exp(-1.0)) + math.log1p(math.exp(0.5))
    assert pair_loss(batch, logit).item() == pytest.approx((right + wrong) / 3)


def test_a_reader_reads_positives_only_where_the_loss_wants_them(features):
    loaded = tiny_corpus.random_model(tiny_corpus.settings(tiny_corpus.READER))
    batch = Collator(loaded.featurizer, loaded.settings.model, LossSettings())(features)
    only = [i for i in set(batch["positive"].tolist()) - set(batch["anchor"].tolist()) if i not in batch["negative"]]
    with torch.no_grad():
        without, with_ = (project(loaded.model, batch, positives=wanted).logit for wanted in (False, True))
    assert only and without[only].abs().max() == 0 and with_[only].abs().min() > 0
    torch.testing.assert_close(without[batch["anchor"]], with_[batch["anchor"]])


def test_triples_without_a_gradient_are_encoded_as_at_inference_and_texts_still_train_the_encoder(features):
    settings = tiny_corpus.settings(tiny_corpus.READER, {"model": {"triple_gradient": False}})
    loaded = tiny_corpus.random_model(settings)
    batch = Collator(loaded.featurizer, settings.model, settings.loss)(features)
    ids, mask = batch["triple_ids"], batch["triple_mask"]
    states = loaded.model.train().encode_triples(ids, mask)
    assert loaded.model.encoder.training
    assert torch.equal(states, loaded.model.eval().encode(ids, mask))
    states.sum().backward()
    assert all(p.grad is None for p in loaded.model.encoder.parameters())
    assert loaded.model.narrow.weight.grad is not None
    found = gradients(settings, features)
    assert [name for name, grad in found.items() if grad is None] == []


@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_gradients_reach_every_parameter_of_the_default_network(features, architecture):
    found = gradients(tiny_corpus.settings({"encoder": {"architecture": architecture}}), features)
    assert [name for name, grad in found.items() if grad is None] == []
    # A constant added to all keys changes no softmax, so that its gradient is rounding and nothing else.
    still = {name for name, grad in found.items() if grad.abs().max() < 1e-6}
    assert {name for name in still if not name.endswith("key.bias")} == set()


def test_gradients_reach_every_parameter_of_the_literal_network(features):
    found = gradients(tiny_corpus.settings(tiny_corpus.LITERAL), features)
    assert [name for name, grad in found.items() if grad is None] == []


def test_bfloat16_autocast_gives_a_finite_loss_near_the_full_one(models, features):
    loaded = models["default"]
    criterion = Criterion(loaded.model, LossSettings())
    batch = Collator(loaded.featurizer, loaded.settings.model, LossSettings())(features)
    full = criterion(**batch)["loss"].item()
    with torch.autocast("cpu", torch.bfloat16):
        half = criterion(**batch)["loss"]
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(full, rel=0.05)
