import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cacre.training.sampler import LengthGroupedSampler

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5), st.integers(0, 5))
def test_it_yields_each_index_once_as_a_function_of_seed_and_epoch(lengths, batch_size, seed, epoch):
    def order():
        sampler = LengthGroupedSampler(lengths, batch_size, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    first = order()
    assert sorted(first) == list(range(len(lengths)))
    np.random.default_rng().random(3)  # no state but its own
    assert order() == first


def test_epochs_and_seeds_differ():
    lengths = list(range(1, 200))
    one, two = LengthGroupedSampler(lengths, 8, 1), LengthGroupedSampler(lengths, 8, 2)
    first = list(one)
    assert first != list(two)
    one.set_epoch(1)
    assert first != list(one)


def test_batches_hold_texts_of_like_length():
    lengths = np.random.default_rng(0).integers(5, 200, 333)
    order = np.asarray(list(LengthGroupedSampler(lengths, 16, 1)))

    def padding(indices):
        return sum(int((b.max() - b).sum()) for b in (lengths[indices[i : i + 16]] for i in range(0, 333, 16)))

    assert padding(order) < 0.2 * padding(np.arange(333))
    firsts = lengths[order[::16]]
    assert (np.diff(firsts) > 0).any(), "batches come in random order, not by length"
    assert (np.diff(firsts) < 0).any(), "batches come in random order, not by length"
