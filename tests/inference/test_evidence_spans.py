import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cacre.inference.evidence import MAX_SPANS, evidence_spans, mention_marks
from cacre.preprocessing.evidence import MARKS

ROLES = (1, 3)


def spans_of(weights, starts=None, role_ids=(0, 1, 1, 2, 3, 3, 0)):
    """Spans when every subject and object token has the same `weights` over one-character text tokens."""
    starts = range(len(weights)) if starts is None else starts
    offsets = np.array([(s, s + 1) for s in starts], np.int32)
    attention = np.tile(np.array(weights, np.float32), (len(role_ids), 1))
    return evidence_spans(attention, np.array(role_ids), offsets, ROLES)


def test_neighbours_are_merged_and_the_heavier_span_comes_first():
    #        0    1    2  3  4    5    6    7  8
    assert spans_of([0.1, 0.1, 0, 0, 0, 0.4, 0.4, 0, 0]) == ((5, 7), (0, 2))


def test_a_gap_of_one_character_is_closed_and_one_of_two_is_not():
    assert spans_of([0.5, 0, 0.5, 0, 0, 0.2]) == ((0, 3), (5, 6))


def test_predicate_tokens_do_not_vote():
    attention = np.zeros((3, 4), np.float32)
    attention[0, 0] = attention[2, 3] = 0.9
    attention[1, 2] = 1.0
    offsets = np.array([(0, 1), (1, 2), (5, 6), (9, 10)], np.int32)
    assert evidence_spans(attention, np.array([1, 2, 3]), offsets, ROLES) == ((0, 1), (9, 10))


def test_special_tokens_are_no_evidence_however_strong():
    offsets = np.array([(0, 0), (4, 5), (0, 0)], np.int32)
    attention = np.array([[0.9, 0.05, 0.05]], np.float32)
    assert evidence_spans(attention, np.array([1]), offsets, ROLES) == ((4, 5),)


def test_faint_tokens_are_left_out():
    assert spans_of([0.9, 0, 0, 0.05, 0, 0]) == ((0, 1),)


def test_at_most_three_spans_the_best_ones():
    assert spans_of([0.3, 0, 0, 0.9, 0, 0, 0.5, 0, 0, 0.7]) == ((3, 4), (9, 10), (6, 7))


def test_without_entity_tokens_or_text_there_is_nothing():
    assert spans_of([0.5, 0.5], role_ids=(0, 2, 0)) == ()
    assert evidence_spans(np.ones((1, 2)), np.array([1]), np.zeros((2, 2), np.int32), ROLES) == ()
    assert spans_of([0.0, 0.0]) == ()


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 30)), elements=st.floats(0, 1, width=32)),
    st.data(),
)
def test_spans_are_few_disjoint_and_made_of_token_borders(attention, data):
    l_r, l_t = attention.shape
    roles = np.array(data.draw(st.lists(st.integers(0, 3), min_size=l_r, max_size=l_r)))
    widths = data.draw(st.lists(st.integers(0, 3), min_size=l_t, max_size=l_t))
    ends = np.cumsum(widths)
    offsets = np.stack([ends - widths, ends], axis=1).astype(np.int32)
    spans = evidence_spans(attention, roles, offsets, ROLES)
    assert len(spans) <= MAX_SPANS
    borders = set(offsets.ravel().tolist())
    for start, end in spans:
        assert start < end
        assert {start, end} <= borders
    for (_, end), (start, _) in zip(sorted(spans), sorted(spans)[1:], strict=False):
        assert end <= start


def named_spans(text, subject, object_, *cues, attention=None):
    """Spans in a text of one-character tokens with these mentions and cue words."""
    offsets = np.array([(i, i + 1) for i in range(len(text))], np.int32)
    marks = np.zeros((len(text), 3))
    for column, words in enumerate(([subject], [object_], cues)):
        for word in words:
            if word in text:
                marks[text.index(word) : text.index(word) + len(word), column] = 1
    weights = np.full((2, len(text)), 0.01) if attention is None else np.tile(attention, (2, 1))
    found = evidence_spans(weights, np.array([1, 3]), offsets, ROLES, mentions=marks[:, :2], cues=marks[:, 2])
    return [text[start:end] for start, end in found]


def test_the_cue_word_nearest_to_a_mention_follows_the_mentions():
    assert named_spans("甲乙由丙丁执导，戊己编导", "甲乙", "丙丁", "编导", "执导") == ["甲乙", "丙丁", "执导"]


def test_a_cue_word_inside_a_mention_is_no_evidence_of_its_own():
    assert named_spans("导演之死由丙丁写成", "导演之死", "丙丁", "导演") == ["导演之死", "丙丁"]


def test_attention_is_asked_only_where_a_name_is_not_found():
    strong = np.zeros(9)
    strong[7] = 0.9
    assert named_spans("甲乙由丙丁写成了它", "甲乙", "丙丁", attention=strong) == ["甲乙", "丙丁"]
    assert named_spans("甲乙由丙丁写成了它", "甲乙", "戊", attention=strong) == ["甲乙", "了"]


def test_a_name_that_stands_there_alone_is_marked_once_where_it_stands_first():
    marks = np.zeros((9, len(MARKS)), np.float32)
    subject, nearest = MARKS.index("subject"), MARKS.index("nearest_subject")
    marks[[1, 2, 6, 7], subject] = 1
    found = mention_marks(marks)
    assert np.flatnonzero(found[:, 0]).tolist() == [1, 2]
    assert not found[:, 1].any()
    marks[[6, 7], nearest] = 1
    assert np.flatnonzero(mention_marks(marks)[:, 0]).tolist() == [6, 7]
