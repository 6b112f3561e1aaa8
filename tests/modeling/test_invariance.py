"""What must not change a score: padding and what stands in it, the other pairs of a batch, and their order."""

import pytest
import torch
from networks import READER, network, pairs, score

MASKED = [
    {},
    {"evidence": False},
    {"second_hop": "none", "attention_residual": False},
    {"projection": "none"},
    {"attention": "none", "local_similarity": "max_sim"},
    {"local_similarity": "position", "conv_kernel": 5},
    {"share_attention": True, "evidence_layers": 2},
    READER,
]


def padded(pair, more_text, more_triple):
    """The same pairs with more padding, random states in it."""

    def longer(x, more, fill):
        return torch.cat([x, fill(x.shape[0], more, *x.shape[2:]).to(x.dtype)], dim=1)

    def garbage(*shape):
        return 50 * torch.randn(*shape)

    return pair._replace(
        text_states=longer(pair.text_states, more_text, garbage),
        text_mask=longer(pair.text_mask, more_text, torch.zeros),
        triple_states=longer(pair.triple_states, more_triple, garbage),
        triple_mask=longer(pair.triple_mask, more_triple, torch.zeros),
        role_ids=longer(pair.role_ids, more_triple, torch.zeros),
        marks=longer(pair.marks, more_text, garbage),
    )


@pytest.mark.parametrize("settings", MASKED, ids=str)
@pytest.mark.parametrize("more", [(0, 5), (5, 0), (4, 7)], ids=str)
def test_padding_changes_no_score(settings, more):
    model, pair = network(**settings), pairs()
    torch.testing.assert_close(score(model, padded(pair, *more)), score(model, pair), atol=1e-6, rtol=0)


def test_padding_changes_the_score_where_the_paper_does_not_mask():
    model, pair = network(mask_padding=False, pad_to_max=True), pairs()
    assert (score(model, padded(pair, 4, 7)) - score(model, pair)).abs().max() > 1e-4


@pytest.mark.parametrize("settings", MASKED, ids=str)
def test_a_pair_scores_the_same_alone_and_in_a_batch(settings):
    model, pair = network(**settings), pairs()
    together = score(model, pair)
    for row, (l_t, l_r) in enumerate(zip(pair.text_mask.sum(1), pair.triple_mask.sum(1), strict=True)):
        alone = type(pair)(
            pair.text_states[row : row + 1, :l_t],
            pair.text_mask[row : row + 1, :l_t],
            pair.triple_states[row : row + 1, :l_r],
            pair.triple_mask[row : row + 1, :l_r],
            pair.role_ids[row : row + 1, :l_r],
            pair.marks[row : row + 1, :l_t],
            pair.values[row : row + 1],
        )
        torch.testing.assert_close(score(model, alone), together[row : row + 1], atol=1e-6, rtol=0)


def test_permuting_the_pairs_permutes_the_scores():
    model, pair = network(), pairs()
    order = torch.tensor([2, 0, 1])
    permuted = type(pair)(*(x[order] for x in pair[:7]))
    torch.testing.assert_close(score(model, permuted), score(model, pair)[order], atol=1e-6, rtol=0)


def test_pair_scores_ignore_padding():
    model = network()
    left, right = torch.randn(2, 5, 6), torch.randn(2, 4, 6)
    masks = torch.tensor([[1, 1, 1, 0, 0]] * 2), torch.tensor([[1, 1, 1, 1]] * 2)
    whole = model.pair_similarity(left, masks[0], right, masks[1]).fuse(0.7)
    cut = model.pair_similarity(left[:, :3], masks[0][:, :3], right, masks[1]).fuse(0.7)
    torch.testing.assert_close(whole, cut, atol=1e-6, rtol=0)


def test_encoding_ignores_padding():
    model = network()
    ids = torch.randint(5, 30, (1, 6))
    with torch.no_grad():
        short = model.encode(ids, torch.ones_like(ids))
        long = model.encode(torch.cat([ids, torch.full((1, 3), 7)], 1), torch.tensor([[1] * 6 + [0] * 3]))
    torch.testing.assert_close(long[:, :6], short, atol=1e-6, rtol=0)
