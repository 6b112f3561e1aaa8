import math

import pytest
import torch

from cacre.losses.hard_negatives import hard_count, select_hard

TABLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 5, 10: 8, 32: 26, 74: 60, 96: 77}


def test_count_follows_the_table():
    assert hard_count(torch.tensor(list(TABLE)), 0.8).tolist() == list(TABLE.values())


def test_count_at_the_borders():
    assert hard_count(torch.tensor([0, 1, 7]), 1.0).tolist() == [0, 1, 7]
    assert hard_count(torch.tensor([0, 1, 7]), 1e-12).tolist() == [0, 1, 1]


def test_rounding_does_not_add_one():
    assert 100 * 0.55 > 55
    assert hard_count(torch.tensor([100]), 0.55).tolist() == [55]
    assert select_hard(torch.zeros(1, 100), torch.ones(1, 100, dtype=torch.bool), 0.55)[0].shape == (1, 55)


@pytest.mark.parametrize("top_k", [0.0, -0.1, 1.01, math.nan])
def test_a_share_out_of_range_is_named(top_k):
    with pytest.raises(ValueError, match=r"top_k is .*allowed is 0 < top_k <= 1"):
        hard_count(torch.tensor([3]), top_k)


@pytest.mark.parametrize("width", [*TABLE, 7, 15, 25])
@pytest.mark.parametrize("top_k", [0.1, 0.3, 0.8, 1.0])
def test_keeps_the_highest_of_each_row(width, top_k):
    generator = torch.Generator().manual_seed(width)
    scores = torch.randn(4, width, generator=generator)
    valid = torch.rand(4, width, generator=generator) > 0.4
    valid[0] = True
    valid[1] = False
    hard, count = select_hard(scores, valid, top_k)
    for row in range(4):
        there = sorted(scores[row][valid[row]].tolist(), reverse=True)
        expected = max(1, math.ceil(len(there) * top_k - 1e-9)) if there else 0
        assert count[row] == expected
        assert hard[row, :expected].tolist() == there[:expected]
        assert hard[row, expected:].eq(-math.inf).all()
    assert hard.shape[1] == count[0]  # no wider than the fullest row needs


def test_no_columns_at_all():
    hard, count = select_hard(torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.bool), 0.8)
    assert hard.shape == (2, 0)
    assert count.tolist() == [0, 0]
