import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.config import ModelSettings
from cacre.preprocessing.featurizer import Featurizer, _shorten
from cacre.types import Triple

TRIPLE = Triple("雾中渡", "导演", "林知远")


@pytest.mark.parametrize(
    ("triple_format", "tokens"),
    [
        ("separators", "[CLS] 雾 中 渡 [SEP] 导 演 [SEP] 林 知 远 [SEP]"),
        ("commas", "[CLS] 雾 中 渡 ， 导 演 ， 林 知 远 [SEP]"),
        ("sentence", "[CLS] 雾 中 渡 的 导 演 是 林 知 远 [SEP]"),
    ],
)
def test_each_format(make_featurizer, tokenizer, triple_format, tokens):
    made = make_featurizer(triple_format=triple_format).triple(TRIPLE)
    # NFKC folds the full-width comma, for the text as for the triple.
    expected = tokens.replace("，", ",").split()
    assert [tokenizer.id_to_token(i) for i in made.ids.tolist()] == expected
    assert made.role_ids.tolist() == [0, 1, 1, 1, 0, 2, 2, 0, 3, 3, 3, 0]
    assert made.ids.dtype == made.role_ids.dtype == np.int64


@pytest.mark.parametrize("triple_format", ["separators", "commas", "sentence"])
@pytest.mark.parametrize("length", [7, 8, 15, 64])
@settings(deadline=None, max_examples=30)
@given(sizes=st.tuples(*[st.integers(1, 90)] * 3))
def test_no_part_is_ever_emptied(make_featurizer, triple_format, length, sizes):
    made = make_featurizer(triple_format=triple_format, max_triple_length=length).triple(
        Triple(*("林" * n for n in sizes))
    )
    counts = np.bincount(made.role_ids, minlength=4)
    assert len(made.ids) == min(length, 4 + sum(sizes))
    assert (counts[1:] >= 1).all()
    # Only what is long is cut.
    assert all(kept == size or kept >= counts[1:].max() - 1 for kept, size in zip(counts[1:], sizes, strict=True))


def test_what_is_kept_is_the_beginning(make_featurizer, tokenizer):
    made = make_featurizer(max_triple_length=12).triple(Triple("雾中渡" * 9, "导演", "林知远" * 9))
    text = "".join(tokenizer.id_to_token(i) for i in made.ids.tolist())
    assert text == "[CLS]雾中渡[SEP]导演[SEP]林知远[SEP]"


def test_a_huge_part_is_cut_in_reasonable_time(featurizer):
    assert len(featurizer.triple(Triple("林" * 20000, "导演", "雾中渡")).ids) == 64


@settings(deadline=None)
@given(sizes=st.tuples(*[st.integers(0, 90)] * 3), budget=st.integers(3, 90))
def test_parts_lose_what_they_would_lose_token_by_token(sizes, budget):
    parts = [[part] * size for part, size in enumerate(sizes)]
    expected = [list(part) for part in parts]
    while sum(map(len, expected)) > budget:
        max(expected, key=len).pop()
    assert _shorten(parts, budget) == expected


def test_only_the_beginning_of_a_long_name_is_tokenised(tokenizer, schema):
    class Spy:
        longest = 0

        def encode(self, text, **options):
            self.longest = max(self.longest, len(text))
            return tokenizer.encode(text, **options)

        def __getattr__(self, name):
            return getattr(tokenizer, name)

    spy = Spy()
    made = Featurizer(spy, schema, ModelSettings()).triple(Triple("林" * 100_000, "导演", "雾中渡"))
    assert spy.longest <= 16 * ModelSettings().max_triple_length
    assert np.bincount(made.role_ids).tolist() == [4, 55, 2, 3]


def test_pieces_are_the_whole_or_each_part_and_their_states_stand_in_the_order_of_the_tokens(make_featurizer):
    whole, parts = (make_featurizer(triple_encoding=kind).triple(TRIPLE) for kind in ("whole", "parts"))
    assert [piece.tolist() for piece in whole.pieces] == [whole.ids.tolist()]
    assert parts.ids.tolist() == whole.ids.tolist()
    assert [len(piece) for piece in parts.pieces] == [5, 4, 5]
    for made in (whole, parts):
        states = [piece[:, None].astype(np.float32) for piece in made.pieces]  # each token's state is its id
        assert made.assemble(states)[:, 0].tolist() == made.ids.tolist()


def test_a_cut_name_is_cut_in_its_piece(make_featurizer):
    made = make_featurizer(triple_encoding="parts", max_triple_length=12).triple(Triple("林" * 30, "导演", "渡"))
    assert sum(map(len, made.pieces)) == len(made.ids) + 2


@pytest.mark.parametrize("part", ["😀", " 林 ", "[SEP]", "\n"])
def test_odd_parts(featurizer, part):
    made = featurizer.triple(Triple(part, "导演", "林知远"))
    assert made.ids.tolist().count(3) == 3
    assert len(made.ids) == len(made.role_ids)
