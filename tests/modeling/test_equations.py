"""Equations (2)-(7) against a plain reference that shares no code with the network."""

import pytest
import torch
from networks import LITERAL, network, pairs
from torch import nn

TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


def attention(ours, queries, keys, mask):
    """(2)-(3) by torch's own module, the weights copied."""
    module = nn.MultiheadAttention(queries.shape[-1], ours.heads, batch_first=True)
    module.in_proj_weight.data = torch.cat([ours.query.weight, ours.key.weight, ours.value.weight])
    module.in_proj_bias.data = torch.cat([ours.query.bias, ours.key.bias, ours.value.bias])
    module.out_proj.weight.data, module.out_proj.bias.data = ours.output.weight, ours.output.bias
    return module(queries, keys, keys, key_padding_mask=None if mask is None else mask == 0)


def linear(layer, x):
    return torch.einsum("clj,ij->cli", x, layer.weight) + layer.bias


def layer_norm(layer, x):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + layer.eps).sqrt() * layer.weight + layer.bias


def projection(ours, x, mask, slope):
    """(5)-(7) with the convolution as a sum over shifted copies."""
    if mask is not None:
        x = torch.where(mask[..., None] == 1, x, 0.0)
    half = ours.convolution.kernel_size[0] // 2
    convolved = torch.zeros_like(x) + ours.convolution.bias
    for k in range(2 * half + 1):
        for position in range(x.shape[1]):
            source = position + k - half
            if 0 <= source < x.shape[1]:
                convolved[:, position] += x[:, source] @ ours.convolution.weight[:, :, k].T
    inner = linear(ours.linear, convolved)
    for layer in ours.affine:
        inner = linear(layer, inner)
    activated = torch.where(inner > 0, inner, slope * inner)
    return layer_norm(ours.norm, activated) + ours.residual_weight * linear(ours.residual, x)


def reference(model, pair):
    settings, crossing = model.settings, model.cross_attention
    text, triple = pair.text_states, pair.triple_states
    text_mask, triple_mask = (pair.text_mask, pair.triple_mask) if settings.mask_padding else (None, None)
    if model.role is not None:
        triple = triple + model.role.weight[pair.role_ids]
    v_t, w_t = attention(crossing.text_to_triple, text, triple, triple_mask)
    v_r, w_r = attention(crossing.triple_to_text, triple, text, text_mask)
    if settings.second_hop == "same_side":
        hop_t, hop_r = torch.bmm(w_t, v_t), torch.bmm(w_r, v_r)
    else:
        hop_t, hop_r = torch.bmm(w_t, v_r), torch.bmm(w_r, v_t)
    if settings.attention_residual:
        hop_t, hop_r = layer_norm(crossing.norm_text, text + hop_t), layer_norm(crossing.norm_triple, triple + hop_r)
    x_t = projection(model.projection, hop_t, text_mask, settings.leaky_slope)
    return x_t, projection(model.projection, hop_r, triple_mask, settings.leaky_slope), w_r


@pytest.mark.parametrize(
    "settings",
    [
        LITERAL,
        LITERAL | {"mask_padding": True},
        LITERAL | {"affine_layers": 3, "conv_kernel": 5, "leaky_slope": 0.2, "residual_init": 0.3},
        {"evidence": False},
        {"evidence": False, "share_attention": True, "attention_heads": 4},
    ],
    ids=["paper", "paper with masks", "paper with other sizes", "default", "shared attention"],
)
def test_network_computes_equations_2_to_7(settings):
    model = network(**settings)
    size = 10 if settings.get("pad_to_max") else None  # the literal reading needs L_T = L_R
    pair = pairs(text_size=size, triple_size=size)

    with torch.no_grad():
        found = model(pair)
        text, triple, weights = reference(model, pair)

    torch.testing.assert_close(found.text, text, **TOLERANCE)
    torch.testing.assert_close(found.triple, triple, **TOLERANCE)
    torch.testing.assert_close(found.attention, weights, **TOLERANCE)


@pytest.mark.parametrize("layers", [2, 3])
def test_a_folded_projection_is_the_same_function(layers):
    model, pair = network(affine_layers=layers, conv_kernel=5), pairs()
    with torch.no_grad():
        expected = model(pair)
        model.projection.fold()
        found = model(pair)
    torch.testing.assert_close(found.text, expected.text, **TOLERANCE)
    torch.testing.assert_close(found.triple, expected.triple, **TOLERANCE)
    assert not list(model.projection.affine)


def test_residual_is_the_input_itself_where_the_widths_agree():
    model = network(evidence=False, projection_size=8)
    assert isinstance(model.projection.residual, nn.Identity)


def test_attention_weights_are_a_distribution_over_what_is_not_padding():
    pair = pairs()
    with torch.no_grad():
        weights = network()(pair).attention
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:2]))
    assert weights[pair.text_mask[:, None, :].expand_as(weights) == 0].max() == 0.0


def test_fusing_is_equation_16():
    model = network(local_weight=0.7)
    with torch.no_grad():
        similarity = model.text_similarity(model(pairs()))
    torch.testing.assert_close(similarity.fuse(0.7), 0.7 * similarity.local + 0.3 * similarity.pooled)
