import hypothesis.strategies as st
import pytest
from hypothesis import given

from cacre.baselines.extractors.windows import TokenSpan, WindowMaker
from cacre.errors import ConfigError
from cacre.preprocessing.tokenizer import build_character_tokenizer

TEXT = "甲乙丙 丁戊ABC㎡己庚辛壬癸"
TOKENIZER = build_character_tokenizer([TEXT], min_count=1)


@given(st.text(alphabet=TEXT + "？", max_size=40), st.integers(6, 20), st.integers(0, 3))
def test_windows_cover_the_text_in_order_and_lead_back_to_it(text, length, overlap):
    windows = WindowMaker(TOKENIZER, length, overlap).windows(text)
    offsets = TOKENIZER.encode(text, add_special_tokens=False).offsets
    assert all(len(window) <= length for window in windows)
    ends = [length - 2 - overlap] * (len(windows) - 1) + [None]
    assert [offset for window, end in zip(windows, ends, strict=True) for offset in window.offsets[:end]] == offsets
    for window in windows:
        for place, (start, end) in enumerate(window.offsets, start=1):
            span = window.tokens_of((start, end))
            assert span.first <= place <= span.last  # a character can be several tokens
            assert window.characters_of(span) == (start, end)


def test_a_span_beyond_the_window_is_none_of_its_tokens():
    first, last = WindowMaker(TOKENIZER, 10, 2).windows("甲乙丙丁戊己庚辛壬癸")
    assert first.tokens_of((6, 8)) == TokenSpan(7, 8)
    assert first.tokens_of((6, 9)) is None
    assert last.tokens_of((6, 9)) == TokenSpan(1, 3)


def test_a_text_without_tokens_is_one_empty_window():
    (window,) = WindowMaker(TOKENIZER, 10, 2).windows("  ")
    assert len(window) == 2
    assert window.tokens_of((0, 1)) is None


def test_windows_that_would_not_move_on_are_refused():
    with pytest.raises(ConfigError, match=r"data\.max_length=10 must be at least data\.overlap=8 \+ 3"):
        WindowMaker(TOKENIZER, 10, 8)
