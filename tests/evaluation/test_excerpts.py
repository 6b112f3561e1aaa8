"""Cutting and shortening texts: nothing is lost, nothing is marked that is no evidence."""

from hypothesis import given
from hypothesis import strategies as st

from cacre.evaluation.excerpts import ELLIPSIS, Segment, excerpt, segments

texts = st.text(alphabet="甲乙丙a《<", min_size=1, max_size=40)
spans = st.lists(st.tuples(st.integers(-3, 45), st.integers(-3, 45)), max_size=4)


def joined(pieces):
    return "".join(piece.text for piece in pieces)


@given(texts, spans)
def test_segments_are_the_text_and_mark_the_spans(text, spans):
    pieces = segments(text, spans)
    assert joined(pieces) == text
    marks = "".join(("x" if piece.marked else ".") * len(piece.text) for piece in pieces)
    covered = {i for start, end in spans for i in range(max(0, start), min(end, len(text)))}
    assert marks == "".join("x" if i in covered else "." for i in range(len(text)))
    assert all(piece.text for piece in pieces)


@given(texts, spans, st.integers(3, 45))
def test_an_excerpt_fits_and_comes_from_the_text(text, spans, room):
    pieces = excerpt(text, spans, room)
    assert len(joined(pieces)) <= room
    position = 0
    for piece in pieces:
        if piece == Segment(ELLIPSIS, False):
            continue
        position = text.index(piece.text, position) + len(piece.text)
    if len(text) <= room:
        assert pieces == segments(text, spans)


def test_an_excerpt_stands_around_its_evidence():
    text = "零一二三四五六七八九" * 3
    assert excerpt(text, [(12, 14)], 8) == [
        Segment("…", False),
        Segment("零一", False),
        Segment("二三", True),
        Segment("四五", False),
        Segment("…", False),
    ]
    assert joined(excerpt(text, [(1, 3), (26, 28)], 12)) == "零一二三四…四五六七八九"


def test_the_last_evidence_is_given_up_first():
    text = "零一二三四五六七八九" * 3
    assert [p.text for p in excerpt(text, [(20, 23), (1, 4)], 6) if p.marked] == ["零一二"]
    # Not even the best fits: its beginning is shown.
    assert excerpt(text, [(5, 25)], 5) == [Segment("…", False), Segment("五六七", True), Segment("…", False)]


def test_without_evidence_the_beginning_is_shown():
    assert excerpt("零一二三四五", [], 4) == [Segment("零一二", False), Segment("…", False)]
