from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import ConfigError, ModelError
from cacre.preprocessing.featurizer import Featurizer, pad
from cacre.types import Triple

SENTENCE = "《雾中渡》由林知远执导。"


def test_a_short_text_is_one_window(featurizer, tokenizer):
    (window,) = featurizer.windows(SENTENCE)
    assert window.ids.tolist() == tokenizer.encode(SENTENCE).ids
    assert window.offsets.tolist() == [[0, 0], *([i, i + 1] for i in range(len(SENTENCE))), [0, 0]]
    assert (window.start, window.scan.text) == (0, SENTENCE)
    assert featurizer.text(SENTENCE).ids.tolist() == window.ids.tolist()


@pytest.mark.parametrize("length", [18, 19, 20, 27, 28, 100, 101])
def test_windows_cover_the_whole_text_and_overlap_by_half(make_featurizer, length):
    featurizer = make_featurizer(max_text_length=20)
    text = (SENTENCE * 20)[:length]
    windows = featurizer.windows(text)
    covered = [{start for start, _ in window.offsets[1:-1].tolist()} for window in windows]
    assert set().union(*covered) == set(range(length))
    assert all(len(window.ids) <= 20 for window in windows)
    assert all(len(a & b) >= 9 for a, b in pairwise(covered))
    assert len(windows) == max(1, -(-(length - 18) // 9) + 1)


@settings(deadline=None)
@given(text=st.text(alphabet="林知远 \n㎡…😀《》，abＡ1", max_size=80))
def test_offsets_are_into_the_whole_text(make_featurizer, text):
    for window in make_featurizer(max_text_length=11).windows(text):
        part = window.scan.text
        assert text[window.start : window.start + len(part)] == part
        inner = window.offsets[1:-1]
        assert ((inner >= window.start) & (inner <= window.start + len(part))).all()
        assert window.ids[0] == 2
        assert window.ids[-1] == 3
        assert len(window.ids) == len(window.offsets) <= 11


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "😀😀", "　"])
def test_odd_texts(featurizer, text):
    (window,) = featurizer.windows(text)
    assert len(window.ids) == 2 + len(text.strip())
    evidence = featurizer.evidence(window, Triple("林知远", "导演", "雾中渡"))
    assert evidence.marks.sum() == 0
    assert np.isfinite(evidence.values).all()


def test_choose_window_finds_the_mentions(make_featurizer):
    featurizer = make_featurizer(max_text_length=40)
    filler = "这里没有什么可说的。"
    text = filler * 10 + "林知远来了。" + filler * 10 + "《雾中渡》由林知远执导。" + filler * 10
    windows = featurizer.windows(text)
    chosen = windows[featurizer.choose_window(windows, Triple("雾中渡", "导演", "林知远"))]
    assert "《雾中渡》由林知远" in chosen.scan.text
    alone = windows[featurizer.choose_window(windows, Triple("林知远", "导演", "魑魅魍魉"))]
    assert "林知远" in alone.scan.text
    assert featurizer.choose_window(windows, Triple("魑魅", "导演", "魍魉")) == 0


def test_choose_window_prefers_mentions_that_stand_close(make_featurizer):
    featurizer = make_featurizer(max_text_length=42)
    text = "林知远" + "某" * 30 + "雾中渡" + "某" * 60 + "林知远雾中渡" + "某" * 10
    windows = featurizer.windows(text)
    chosen = windows[featurizer.choose_window(windows, Triple("雾中渡", "导演", "林知远"))]
    assert "林知远雾中渡" in chosen.scan.text


def test_a_text_of_20000_characters(featurizer):
    text = ("《雾中渡》由林知远执导，据传顾青禾并未担任编剧，沈若汐领衔主演。" * 700)[:20000]
    windows = featurizer.windows(text)
    assert windows[-1].offsets[-2].tolist() == [19999, 20000]
    for triple in (Triple("雾中渡", "导演", "林知远"), Triple("甲乙丙丁" * 20, "主演", "戊己庚辛" * 20)):
        window = windows[featurizer.choose_window(windows, triple)]
        assert len(featurizer.evidence(window, triple).marks) == len(window.ids)
        assert len(featurizer.triple(triple).ids) <= featurizer.settings.max_triple_length


def test_lengths_too_short_for_anything_are_refused(make_featurizer):
    make_featurizer(max_text_length=3, max_triple_length=7)
    for lengths in ({"max_text_length": 2}, {"max_triple_length": 6}):
        with pytest.raises(ConfigError, match=r"at least 3 and 7"):
            make_featurizer(**lengths)


def test_a_tokenizer_without_special_tokens_is_refused(schema):
    from tokenizers import Tokenizer, models

    from cacre.config import ModelSettings

    with pytest.raises(ModelError, match="CLS"):
        Featurizer(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), schema, ModelSettings())


def test_padding():
    padded, mask = pad([np.array([1, 2, 3]), np.array([4])])
    assert padded.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    padded, mask = pad([np.ones((2, 3), np.float32)], 5)
    assert padded.shape == (1, 5, 3)
    assert padded.dtype == np.float32
    assert mask.tolist() == [[1, 1, 0, 0, 0]]


def test_the_word_of_a_modality_is_placed_in_the_whole_text(make_featurizer):
    featurizer, triple = make_featurizer(max_text_length=20), Triple("雾中渡", "导演", "林知远")
    text = "顾青禾编剧，" * 8 + "林知远并不是《雾中渡》的导演。"
    windows = featurizer.windows(text)
    found = featurizer.modality(windows[featurizer.choose_window(windows, triple)], triple)
    assert (found.kind, text[slice(*found.cue)], found.cue[0]) == ("denied", "不是", text.index("不是"))
    assert featurizer.modality(featurizer.text(SENTENCE), triple) is None
