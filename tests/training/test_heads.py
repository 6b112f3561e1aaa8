"""The evidence head and the pattern head: nothing until they are fitted, and then only themselves."""

from dataclasses import replace

import pytest
import torch

import tiny_corpus
from cacre.config import ModelSettings
from cacre.data.negatives import CorruptionRules
from cacre.errors import ConfigError
from cacre.modeling.folder import load_model
from cacre.modeling.heads import silent_weights, with_heads
from cacre.schema import load_schema
from cacre.training import train
from cacre.training.batches import Collator
from cacre.training.evidence_head import fit_evidence_head
from cacre.training.features import featurize
from cacre.training.objective import project
from cacre.training.pattern_head import fit_pattern_head
from cacre.training.record import weights_digest
from cacre.training.run import build_model

FIT = {"evidence_head": fit_evidence_head, "pattern_head": fit_pattern_head}


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr("cacre.training.pattern_head.LEAST_STEPS", 60)


def settings_with(**model):
    return tiny_corpus.settings(tiny_corpus.READER, {"model": {"triple_encoding": "parts", **model}})


WITH = {name: settings_with(**{name: 0.7}) for name in FIT}
WITHOUT = settings_with()
each_head = pytest.mark.parametrize("name", FIT)


@pytest.fixture(scope="module")
def films():
    """Featurised examples and a collator for all networks here."""
    schema = load_schema("duie")
    featurizer = tiny_corpus.random_model(WITHOUT).featurizer
    rules = CorruptionRules()
    made = featurize(tiny_corpus.films(40), featurizer, schema, generated=0, paraphrase=False, seed=1, rules=rules)
    return made.examples, Collator(featurizer, WITHOUT.model, WITHOUT.loss)


def new(settings):
    torch.manual_seed(5)
    return build_model(settings, load_schema("duie"), tiny_corpus.films(12)).model


def head_weights(model, head):
    return {name: value.clone() for name, value in model.state_dict().items() if head in name}


def logits(model, films):
    examples, collator = films
    with torch.no_grad():
        return project(model, collator(examples[:4])).logit


def head_of(model, name):
    return getattr(model.reader, name)


@each_head
def test_until_it_is_fitted_the_network_is_the_one_without(films, name):
    with_head, without = new(WITH[name]), new(WITHOUT)
    state = with_head.state_dict()
    assert all(torch.equal(state[key], value) for key, value in without.state_dict().items())
    torch.testing.assert_close(logits(with_head.eval(), films), logits(without.eval(), films), rtol=0, atol=0)
    assert not any(p.requires_grad for key, p in with_head.named_parameters() if name in key)


@each_head
def test_only_the_head_learns_and_what_it_says_is_weighed(films, name):
    model = new(WITH[name]).eval()
    before, alone = {key: value.clone() for key, value in model.state_dict().items()}, logits(model, films)
    noise = torch.get_rng_state()
    assert FIT[name](model, films[0], seed=3) < 0.3  # .69 is a guess
    assert torch.equal(torch.get_rng_state(), noise)
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == set(head_weights(model, name))
    together = logits(model, films)
    head_of(model, name).weight *= 2
    torch.testing.assert_close(logits(model, films) - alone, 2 * (together - alone))


def test_the_evidence_head_is_fitted_on_what_it_will_be_given(films):
    examples = films[0]
    model, seen = new(WITH["evidence_head"]).eval(), []
    model.reader.evidence_head.register_forward_pre_hook(lambda _, given: seen.append(given))
    logits(model, films)
    ((values, predicates),) = seen
    judged = {tuple(row) for row in torch.cat([values, predicates], dim=1).double().numpy().round(4)}
    seen.clear()
    fit_evidence_head(model, examples[:4], seed=0)
    fitted = {tuple(row) for given in seen[:1] for row in torch.cat(given, dim=1).double().numpy().round(4)}
    assert fitted == judged and len(fitted) > 4


def test_the_pattern_head_is_fitted_on_what_it_will_be_given(films):
    examples = films[0]
    model, seen = new(WITH["pattern_head"]).eval(), []
    model.reader.pattern_head.register_forward_pre_hook(lambda _, given: seen.append(given))

    def rows(ids, mask, marks, predicates):
        lengths = mask.sum(dim=1).tolist()
        parts = zip(ids, marks, predicates.double().numpy().round(4), lengths, strict=True)
        return {(*i[:n].tolist(), *m[:n].flatten().tolist(), *p) for i, m, p, n in parts}

    logits(model, films)
    judged = rows(*seen[0])
    seen.clear()
    fit_pattern_head(model, examples[:4], seed=0)
    assert rows(*seen[0]) == judged and len(judged) > 4


@each_head
def test_a_seed_gives_one_head_and_a_fitted_one_goes_on(films, name):
    one, same, other = new(WITH[name]), new(WITH[name]), new(WITH[name])
    for model, seed in ((one, 1), (same, 1), (other, 2)):
        FIT[name](model, films[0], seed=seed)
    weights = head_weights(one, name)
    assert all(torch.equal(value, weights[key]) for key, value in head_weights(same, name).items())
    assert not all(torch.equal(value, weights[key]) for key, value in head_weights(other, name).items())
    FIT[name](one, films[0][:4], seed=1)
    near = max(float((value - weights[key]).abs().max()) for key, value in head_weights(one, name).items())
    assert 0 < near < 0.2


def test_a_pattern_head_that_loses_its_way_says_nothing(films, monkeypatch, capsys):
    monkeypatch.setattr("cacre.training.pattern_head.LEARNING_RATE", 30.0)
    model = new(WITH["pattern_head"]).eval()
    alone = logits(model, films)
    assert fit_pattern_head(model, films[0], seed=3) > 0.6
    torch.testing.assert_close(logits(model, films), alone, rtol=0, atol=0)
    assert "pattern head: pass 2/" in capsys.readouterr().err


@each_head
def test_without_one_nothing_is_fitted(films, name):
    assert FIT[name](new(WITHOUT), films[0], seed=0) is None


@each_head
def test_it_says_the_same_while_the_network_beside_it_is_trained(films, name):
    model, given = new(WITH[name]), []
    FIT[name](model, films[0], seed=0)
    head = head_of(model.train(), name)
    head.register_forward_pre_hook(lambda _, arguments: given.append(arguments))
    logits(model, films)
    torch.testing.assert_close(head(*given[0]), head(*given[0]), rtol=0, atol=0)


@each_head
@pytest.mark.parametrize("values", [{"reader_layers": 0}, {"triple_encoding": "whole"}], ids=str)
def test_it_needs_a_reader_and_predicates_encoded_by_themselves(values, name):
    with pytest.raises(ValueError, match=f"{name} adds to a reader's logit"):
        ModelSettings(**WITH[name].model.model_dump() | values)


@pytest.mark.slow
def test_training_fits_them_last_and_averages_them_with_those_of_the_start(tmp_path, schema):
    heads = {"model": {"triple_encoding": "parts", "evidence_head": 0.7, "pattern_head": 0.3}}
    first = train(tiny_corpus.films(40), tmp_path / "first", tiny_corpus.settings(tiny_corpus.READER, heads), schema)
    assert 0 < first.metrics["evidence_head_loss"] < 0.5
    assert 0 < first.metrics["pattern_head_loss"] < 0.5
    start = head_weights(load_model(tmp_path / "first").model, "_head.")
    again = tiny_corpus.settings(tiny_corpus.READER, heads, {"training": {"epochs": 1, "start_weight": 1.0}})
    train(tiny_corpus.films(40, seed=9), tmp_path / "kept", again, schema, start=load_model(tmp_path / "first"))
    kept = head_weights(load_model(tmp_path / "kept").model, "_head.")
    assert all(torch.equal(value, start[name]) for name, value in kept.items())
    moved = tiny_corpus.settings(tiny_corpus.READER, heads, {"training": {"epochs": 1, "start_weight": 0.5}})
    train(tiny_corpus.films(40, seed=9), tmp_path / "moved", moved, schema, start=load_model(tmp_path / "first"))
    half = head_weights(load_model(tmp_path / "moved").model, "_head.")
    assert not any(torch.equal(value, start[name]) for name, value in half.items())


@each_head
def test_a_trained_network_can_be_given_one_more_or_one_less(films, name):
    """The old logit until it is fitted; with one less, that of the reader."""
    bare = replace(tiny_corpus.random_model(WITHOUT), model=new(WITHOUT).eval())
    one, same = (with_heads(bare, WITH[name].model) for _ in range(2))
    assert one.settings.model == WITH[name].model and getattr(bare.model.reader, name) is None
    assert weights_digest(one.model) == weights_digest(same.model)
    assert silent_weights(one.model) == set(head_weights(one.model, name))
    torch.testing.assert_close(logits(one.model, films), logits(bare.model, films), rtol=0, atol=0)
    FIT[name](one.model, films[0], seed=3)
    fitted = logits(one.model, films)
    assert silent_weights(one.model) == set() and float((fitted - logits(bare.model, films)).abs().max()) > 0.5
    twice = with_heads(one, WITH[name].model.model_copy(update={name: 1.4}))
    torch.testing.assert_close(logits(twice.model, films) - fitted, fitted - logits(bare.model, films))
    less = with_heads(one, WITHOUT.model)
    torch.testing.assert_close(logits(less.model, films), logits(bare.model, films), rtol=0, atol=0)
    with pytest.raises(ConfigError, match="nothing else"):
        with_heads(one, WITH[name].model.model_copy(update={"reader_layers": 3}))


@pytest.mark.slow
def test_a_new_head_is_not_averaged_with_what_it_began_with(tmp_path, schema):
    base = tiny_corpus.settings(tiny_corpus.READER, {"model": {"triple_encoding": "parts"}})
    train(tiny_corpus.films(30), tmp_path / "first", base, schema)
    heads = {"model": {"triple_encoding": "parts", "evidence_head": 0.7, "pattern_head": 0.3}}
    on = tiny_corpus.settings(tiny_corpus.READER, heads, {"training": {"epochs": 1, "start_weight": 1.0}})
    first = load_model(tmp_path / "first")
    start = with_heads(first, on.model)
    train(tiny_corpus.films(30), tmp_path / "on", on, schema, start=start)
    first, trained = load_model(tmp_path / "first"), load_model(tmp_path / "on")
    assert silent_weights(trained.model) == set()
    before = first.model.state_dict()
    assert all(torch.equal(value, trained.model.state_dict()[name]) for name, value in before.items())
    again = with_heads(first, on.model)
    train(tiny_corpus.films(30), tmp_path / "on", on, schema, start=again)  # the same start, and done


@pytest.mark.slow
def test_the_pattern_head_gets_no_copies_with_other_names(tmp_path, schema, monkeypatch):
    given = []
    monkeypatch.setattr(
        "cacre.training.run.fit_pattern_head", lambda _, examples, **rest: given.append((examples, rest))
    )
    copies = tiny_corpus.settings(tiny_corpus.READER, {"training": {"epochs": 1, "renamed_copies": 1}})
    metrics = train(tiny_corpus.films(30), tmp_path / "run", copies, schema).metrics
    ((examples, rest),) = given
    assert 2 * len(examples) == metrics["train"]["texts"] and "pattern_head_loss" not in metrics
    assert rest == {"seed": copies.training.seed}
