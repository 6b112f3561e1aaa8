"""Every open place of the paper is a setting that does what its name says."""

import pytest
import torch
from networks import LITERAL, MARKS, WIDTH, encoder, network, pairs, score
from pydantic import ValidationError

from cacre.config import ModelSettings, parse_settings
from cacre.errors import ConfigError
from cacre.modeling.attention import Attention
from cacre.modeling.model import Cacre

SHORT = {"max_text_length": 16, "max_triple_length": 16}


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def same_weights(**settings):
    """Two networks, default and changed, that agree in every weight they both have."""
    left, right = network(), network(**settings)
    right.load_state_dict({**right.state_dict(), **left.state_dict()}, strict=False)
    return left, right


@pytest.mark.parametrize(
    "settings",
    [
        {"second_hop": "none"},
        {"attention_residual": False},
        {"mask_padding": False, "pad_to_max": True},
        {"local_similarity": "position"},
        {"local_similarity": "max_sim"},
        {"role_embedding": False},
        {"evidence": False},
        {"evidence_layers": 0},
        {"local_weight": 0.1},
        {"leaky_slope": 0.5},
    ],
    ids=str,
)
def test_changing_one_setting_changes_the_score(settings):
    left, right = same_weights(**settings)
    pair = pairs()
    assert (score(left, pair) - score(right, pair)).abs().max() > 1e-4


def test_shapes():
    with torch.no_grad():
        made = network()(pairs(text_lengths=(9, 5), triple_lengths=(6, 7)))
    assert made.text.shape == (2, 9, 6)
    assert made.triple.shape == (2, 7, 6)
    assert made.attention.shape == (2, 7, 9)


def test_pair_similarity_variants_differ_and_are_symmetric():
    position, best = network(pair_similarity="position"), network(pair_similarity="max_sim")
    left, right = torch.randn(3, 5, 6), torch.randn(3, 4, 6)
    masks = torch.ones(3, 5), torch.ones(3, 4)
    values = [model.pair_similarity(left, masks[0], right, masks[1]).local for model in (position, best)]
    assert (values[0] - values[1]).abs().min() > 1e-3
    for model, value in zip((position, best), values, strict=True):
        torch.testing.assert_close(model.pair_similarity(right, masks[1], left, masks[0]).local, value)
        itself = model.pair_similarity(left, masks[0], left, masks[0])
        torch.testing.assert_close(itself.fuse(0.7), torch.ones(3))


def test_without_attention_text_and_triple_do_not_meet_before_the_similarity():
    model = network(attention="none", local_similarity="max_sim", evidence=False)
    pair = pairs()
    other = pair._replace(text_states=torch.randn_like(pair.text_states))
    with torch.no_grad():
        made, changed = model(pair), model(other)
    torch.testing.assert_close(made.triple, changed.triple)
    assert (made.text - changed.text).abs().max() > 1e-2
    assert made.attention.shape == (3, 7, 9)
    assert model.cross_attention is None


def test_without_projection_similarities_are_taken_on_the_attended_states():
    model = network(projection="none", evidence=False)
    pair = pairs()
    with torch.no_grad():
        made = model(pair)
        triple = pair.triple_states + model.role(pair.role_ids)
        text, triple, _ = model.cross_attention(pair.text_states, pair.text_mask, triple, pair.triple_mask)
    torch.testing.assert_close(made.text, text)
    torch.testing.assert_close(made.triple, triple)
    assert model.projection_size == WIDTH


@pytest.mark.parametrize("changes", [{"projection": "none"}, {"attention": "none", "local_similarity": "max_sim"}])
def test_ablations_also_run_with_evidence(changes):
    assert torch.isfinite(score(network(**changes), pairs())).all()


def test_sharing_attention_makes_both_directions_one_module():
    shared, apart = network(share_attention=True), network()
    assert shared.cross_attention.text_to_triple is shared.cross_attention.triple_to_text
    one = sum(p.numel() for p in apart.cross_attention.triple_to_text.parameters())
    assert parameters(apart) - parameters(shared) == one


def test_same_side_differs_from_crosswise():
    crosswise = network(**LITERAL | {"second_hop": "crosswise"})
    literal = network(**LITERAL)
    literal.load_state_dict(crosswise.state_dict())
    pair = pairs(text_size=9, triple_size=9)
    assert (score(literal, pair) - score(crosswise, pair)).abs().max() > 1e-4


@pytest.mark.parametrize("layers", [2, 3])
def test_affine_layers(layers):
    model = network(affine_layers=layers)
    assert len(model.projection.affine) == layers


def test_residual_weight_starts_where_it_is_told_and_learns():
    model = Cacre(
        encoder(),
        ModelSettings(pair_width=0, attention_heads=2, residual_init=0.25, **SHORT),
        marks=MARKS,
        values=4,
    )
    assert model.projection.residual_weight.item() == 0.25
    model.text_similarity(model(pairs())).fuse(0.7).sum().backward()
    assert model.projection.residual_weight.grad.abs() > 0


def test_a_residual_weight_of_0_leaves_the_projection_alone():
    model = network(evidence=False)
    x = torch.randn(2, 4, WIDTH)
    with torch.no_grad():
        whole = model.projection(x, None)
        residual = model.projection.residual_weight * model.projection.residual(x)
        model.projection.residual_weight.zero_()
        torch.testing.assert_close(model.projection(x, None), whole - residual)


def test_roles_tell_subject_from_object():
    model, pair = network(), pairs()
    swapped = pair._replace(
        role_ids=torch.where(pair.role_ids == 1, 3, torch.where(pair.role_ids == 3, 1, pair.role_ids))
    )
    assert (score(model, pair) - score(model, swapped)).abs().max() > 1e-4
    plain = network(role_embedding=False, evidence=False)
    torch.testing.assert_close(score(plain, pair), score(plain, swapped))


def test_marks_and_values_reach_the_score():
    model, pair = network(), pairs()
    before = score(model, pair)
    assert (score(model, pair._replace(marks=1 - pair.marks)) - before).abs().max() > 1e-4
    assert (score(model, pair._replace(values=pair.values + 1)) - before).abs().max() > 1e-4
    blind = network(evidence=False)
    torch.testing.assert_close(
        score(blind, pair), score(blind, pair._replace(marks=1 - pair.marks, values=pair.values + 1))
    )


def test_values_are_standardised_by_the_stored_statistics():
    model, pair = network(), pairs()
    before = score(model, pair)
    model.evidence.mean.fill_(2.0)
    model.evidence.scale.fill_(3.0)
    torch.testing.assert_close(score(model, pair._replace(values=pair.values * 3 + 2)), before)


def test_dropout_acts_in_training_only():
    model, pair = network(dropout=0.5), pairs()
    torch.testing.assert_close(score(model, pair), score(model, pair), atol=0, rtol=0)
    model.train()
    assert (score(model, pair) - score(model, pair)).abs().max() > 1e-4


def test_every_parameter_gets_a_gradient():
    model = network()
    made = model(pairs())
    model.text_similarity(made).fuse(0.7).sum().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None and not n.startswith("encoder.")]
    assert without == []


def test_same_side_without_equal_lengths_is_refused():
    with pytest.raises(ValidationError, match="pad_to_max"):
        ModelSettings(second_hop="same_side")
    with pytest.raises(ConfigError, match="pad_to_max"):
        parse_settings({"model": {"second_hop": "same_side"}}, "x.toml")
    with pytest.raises(ConfigError, match=r"max_text_length=16.*max_triple_length=8"):
        network(**LITERAL, max_triple_length=8)


@pytest.mark.parametrize(
    "values",
    [{"conv_kernel": 2}, {"attention": "none"}, {"affine_layers": 4}, {"evidence_layers": -1}, {"unheard_of": 1}],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        parse_settings({"model": values}, "x.toml")


def test_pair_width_narrows_what_the_encoder_gives():
    model = network(pair_width=4, projection_size=4)
    ids = torch.randint(5, 30, (2, 7))
    with torch.no_grad():
        states = model.encode(ids, torch.ones_like(ids))
        torch.testing.assert_close(states, model.narrow(model.encoder(ids, torch.ones_like(ids))))
    assert states.shape == (2, 7, 4)
    assert network(pair_width=0).encode(ids, torch.ones_like(ids)).shape == (2, 7, WIDTH)


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match=r"attention_heads=3.*8"):
        Attention(8, 3, 0.0)


def test_texts_longer_than_the_encoder_takes_are_refused_before_training():
    with pytest.raises(ConfigError, match=r"takes 32 tokens.*=40"):
        network(max_text_length=40)
