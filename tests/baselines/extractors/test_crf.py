from itertools import pairwise, product

import pytest
import torch

from cacre.baselines.extractors.crf import LinearChainCRF

LENGTHS = (4, 2, 1)


@pytest.fixture
def chain():
    torch.manual_seed(1)
    crf = LinearChainCRF(3)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions = torch.randn(len(LENGTHS), max(LENGTHS), 3)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return crf, emissions, mask


def scores_by_hand(crf, emissions, length):
    """The score of each of the 3^length tag sequences."""
    table = {}
    for tags in product(range(3), repeat=length):
        score = crf.start[tags[0]] + crf.end[tags[-1]] + sum(emissions[at, tag] for at, tag in enumerate(tags))
        table[tags] = score + sum(crf.transitions[a, b] for a, b in pairwise(tags))
    return table


def test_everything_agrees_with_enumeration(chain):
    crf, emissions, mask = chain
    tags = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 0], [2, 0, 0, 0]])
    likelihood = crf.log_likelihood(emissions, tags, mask)
    marginals, best = crf.marginals(emissions, mask), crf.best_tags(emissions, mask)
    for row, length in enumerate(LENGTHS):
        table = scores_by_hand(crf, emissions[row], length)
        log_z = torch.logsumexp(torch.stack(list(table.values())), dim=0)
        assert torch.allclose(likelihood[row], table[tuple(tags[row, :length].tolist())] - log_z, atol=1e-5)
        assert tuple(best[row]) == max(table, key=table.get)
        for place, tag in product(range(length), range(3)):
            wanted = sum((score - log_z).exp() for tags_, score in table.items() if tags_[place] == tag)
            assert torch.allclose(marginals[row, place, tag], wanted, atol=1e-5)
    assert not marginals[~mask].any()
