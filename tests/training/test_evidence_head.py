"""The evidence head: nothing until it is fitted, and then only itself."""

import pytest
import torch

import tiny_corpus
from cacre.config import ModelSettings
from cacre.data.negatives import CorruptionRules
from cacre.schema import load_schema
from cacre.training import train
from cacre.training.batches import Collator
from cacre.training.evidence_head import fit_evidence_head
from cacre.training.features import featurize
from cacre.training.objective import project
from cacre.training.run import build_model

HEAD = {"model": {"triple_encoding": "parts", "evidence_head": 0.7}}
WITH, WITHOUT = (
    tiny_corpus.settings(tiny_corpus.READER, HEAD),
    tiny_corpus.settings(tiny_corpus.READER, {"model": {"triple_encoding": "parts"}}),
)


@pytest.fixture(scope="module")
def films():
    """Featurised examples and a collator for networks of both settings."""
    schema = load_schema("duie")
    featurizer = tiny_corpus.random_model(WITH).featurizer
    rules = CorruptionRules()
    made = featurize(tiny_corpus.films(40), featurizer, schema, generated=0, paraphrase=False, seed=1, rules=rules)
    return made.examples, Collator(featurizer, WITH.model, WITH.loss)


def new(settings):
    torch.manual_seed(5)
    return build_model(settings, load_schema("duie"), tiny_corpus.films(12)).model


def head_weights(model):
    return {name: value.clone() for name, value in model.state_dict().items() if "evidence_head" in name}


def logits(model, films):
    examples, collator = films
    with torch.no_grad():
        return project(model, collator(examples[:4])).logit


def test_until_it_is_fitted_the_network_is_the_one_without(films):
    with_head, without = new(WITH), new(WITHOUT)
    state = with_head.state_dict()
    assert all(torch.equal(state[name], value) for name, value in without.state_dict().items())
    torch.testing.assert_close(logits(with_head.eval(), films), logits(without.eval(), films), rtol=0, atol=0)
    assert not any(p.requires_grad for name, p in with_head.named_parameters() if "evidence_head" in name)


def test_only_the_head_learns_and_what_it_says_is_weighed(films):
    model = new(WITH).eval()
    before, alone = {name: value.clone() for name, value in model.state_dict().items()}, logits(model, films)
    noise = torch.get_rng_state()
    assert fit_evidence_head(model, films[0], seed=3) < 0.3  # .69 is a guess
    assert torch.equal(torch.get_rng_state(), noise)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == set(head_weights(model))
    together = logits(model, films)
    model.reader.evidence_head.weight *= 2
    torch.testing.assert_close(logits(model, films) - alone, 2 * (together - alone))


def test_it_is_fitted_on_what_it_will_be_given(films):
    examples = films[0]
    model, seen = new(WITH).eval(), []
    model.reader.evidence_head.register_forward_pre_hook(lambda _, given: seen.append(given))
    logits(model, films)
    ((values, predicates),) = seen
    judged = {tuple(row) for row in torch.cat([values, predicates], dim=1).double().numpy().round(4)}
    seen.clear()
    fit_evidence_head(model, examples[:4], seed=0)
    fitted = {tuple(row) for given in seen[:1] for row in torch.cat(given, dim=1).double().numpy().round(4)}
    assert fitted == judged and len(fitted) > 4


def test_a_seed_gives_one_head_and_a_fitted_one_goes_on(films):
    one, same, other = new(WITH), new(WITH), new(WITH)
    for model, seed in ((one, 1), (same, 1), (other, 2)):
        fit_evidence_head(model, films[0], seed=seed)
    weights = head_weights(one)
    assert all(torch.equal(value, weights[name]) for name, value in head_weights(same).items())
    assert not all(torch.equal(value, weights[name]) for name, value in head_weights(other).items())
    fit_evidence_head(one, films[0][:4], seed=1)
    near = max(float((value - weights[name]).abs().max()) for name, value in head_weights(one).items())
    assert 0 < near < 0.2


def test_without_one_nothing_is_fitted(films):
    assert fit_evidence_head(new(WITHOUT), films[0], seed=0) is None


def test_it_says_the_same_while_the_network_beside_it_is_trained(films):
    model = new(WITH)
    fit_evidence_head(model, films[0], seed=0)
    head = model.train().reader.evidence_head
    given = torch.randn(3, head.layers[0].in_features)
    parts = given.split([given.shape[1] - model.width, model.width], dim=1)
    torch.testing.assert_close(head(*parts), head(*parts), rtol=0, atol=0)


@pytest.mark.parametrize("values", [{"reader_layers": 0}, {"triple_encoding": "whole"}], ids=str)
def test_it_needs_a_reader_and_predicates_encoded_by_themselves(values):
    with pytest.raises(ValueError, match="evidence_head adds to a reader's logit"):
        ModelSettings(**WITH.model.model_dump() | values)


@pytest.mark.slow
def test_training_fits_it_last_and_averages_it_with_that_of_the_start(tmp_path, schema):
    first = train(tiny_corpus.films(40), tmp_path / "first", WITH, schema)
    assert 0 < first.metrics["evidence_head_loss"] < 0.5
    from cacre.modeling.folder import load_model

    start = head_weights(load_model(tmp_path / "first").model)
    again = tiny_corpus.settings(tiny_corpus.READER, HEAD, {"training": {"epochs": 1, "start_weight": 1.0}})
    train(tiny_corpus.films(40, seed=9), tmp_path / "kept", again, schema, start=load_model(tmp_path / "first"))
    kept = head_weights(load_model(tmp_path / "kept").model)
    assert all(torch.equal(value, start[name]) for name, value in kept.items())
    moved = tiny_corpus.settings(tiny_corpus.READER, HEAD, {"training": {"epochs": 1, "start_weight": 0.5}})
    train(tiny_corpus.films(40, seed=9), tmp_path / "moved", moved, schema, start=load_model(tmp_path / "first"))
    half = head_weights(load_model(tmp_path / "moved").model)
    assert not any(torch.equal(value, start[name]) for name, value in half.items())
