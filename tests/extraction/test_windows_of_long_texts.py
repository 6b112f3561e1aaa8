"""Windows cover a text, overlap, end at sentence ends, and always come to an end."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cacre.errors import ConfigError
from cacre.extraction.windows import split_text

PIECES = st.sampled_from(
    ["甲", "乙丙", "。", "！？", "”", "\n", " ", ";", ".", "a b. ", "…", "长" * 70, "青禾集团成立。", "x" * 33]
)
TEXTS = st.lists(PIECES, max_size=120).map("".join)
SIZES = st.integers(50, 120).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(TEXTS, SIZES)
@example("。" + "长" * 70, (50, 1))
def test_laws(text, sizes):
    size, overlap = sizes
    windows = split_text(text, size, overlap)
    assert windows[0].start == 0 and windows[-1].start + len(windows[-1].text) == len(text)
    for window in windows:
        assert window.text == text[window.start : window.start + len(window.text)] and len(window.text) <= size
    for left, right in itertools.pairwise(windows):
        assert left.start < right.start
        shared = left.start + len(left.text) - right.start
        assert min(overlap, 1) <= shared <= overlap
        assert right.start + len(right.text) > left.start + len(left.text), "each window brings something new"
    if len(text) <= size:
        assert len(windows) == 1


@given(st.lists(st.integers(2, 130), max_size=40), SIZES)
def test_a_sentence_that_fits_stands_whole_in_a_window(lengths, sizes):
    size, overlap = sizes
    sentences = ["字" * (length - 1) + "。" for length in lengths]
    windows = split_text("".join(sentences), size, overlap)
    start = 0
    for sentence in sentences:
        end = start + len(sentence)
        if len(sentence) < size:
            assert any(window.start <= start and end <= window.start + len(window.text) for window in windows)
        start = end


def test_a_text_that_fits_is_one_window():
    text = "甲。" * 25
    assert [(window.start, window.text) for window in split_text(text, 50, 10)] == [(0, text)]
    assert [(window.start, window.text) for window in split_text("")] == [(0, "")]


def test_windows_end_and_start_with_sentences():
    text = "".join(f"第{number:02}句写在这里。" for number in range(20))
    windows = split_text(text, 50, 20)
    assert [window.start for window in windows] == [0, 27, 54, 81, 108, 135]
    assert all(window.text.startswith("第") and window.text.endswith("。") for window in windows)


@pytest.mark.parametrize("end", ["。", "！", "？", "!", "?", "；", "。”", "！』", "？》", "。）\n", ".\n", '." ', "\n"])
def test_sentence_ends(end):
    text = "字" * 30 + end + "词" * 40
    first, second = split_text(text, 50, 0)
    assert first.text == "字" * 30 + end and second.text == "词" * 40


@pytest.mark.parametrize("inside", ["3.5", "，", "：", "、", "”"])
def test_other_marks_end_no_sentence(inside):
    text = "字" * 30 + inside + "词" * 40
    assert len(split_text(text, 50, 0)[0].text) == 50


def test_a_sentence_longer_than_a_window_is_cut_hard():
    windows = split_text("字" * 120, 50, 20)
    assert [(window.start, len(window.text)) for window in windows] == [(0, 50), (30, 50), (60, 50), (90, 30)]


def test_the_overlap_makes_room_for_the_next_sentence():
    text = "字" * 39 + "。" + "词" * 44 + "。" + "句" * 30 + "。"
    windows = split_text(text, 50, 30)
    assert windows[1].start == 35 and windows[1].text.endswith("词。")


@pytest.mark.parametrize(
    ("size", "overlap", "said"),
    [
        (49, 10, "windows of 49 characters: allowed are 50"),
        (50, 50, "overlap of 50 characters: allowed are 0 to 49"),
        (100, -1, "overlap of -1"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(size, overlap, said):
    with pytest.raises(ConfigError, match=said):
        split_text("甲", size, overlap)
