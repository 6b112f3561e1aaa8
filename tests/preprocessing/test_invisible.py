"""What nobody sees is left out, and spans find their way back."""

from hypothesis import given
from hypothesis import strategies as st

from cacre.preprocessing.invisible import VisibleText, visible


def test_spans_lead_back_to_the_original():
    text = "\ufeff雾\u200b中\u00ad渡，林知远\u200d"
    seen = VisibleText.of(text)
    assert seen.text == visible(text) == "雾中渡，林知远"
    spans = {
        name: seen.original((at, at + len(name))) for name in ("雾中渡", "林知远") for at in [seen.text.find(name)]
    }
    assert {name: text[start:end] for name, (start, end) in spans.items()} == {
        "雾中渡": "雾\u200b中\u00ad渡",
        "林知远": "林知远",
    }
    assert seen.original((3, 3)) == (3, 3)


def test_a_text_of_nothing_else_stays():
    assert VisibleText.of("\u200b \ufeff").text == "\u200b \ufeff"


@given(st.text("甲乙 \u200b\u00ad\ufeff", max_size=12), st.data())
def test_a_span_in_the_original_shows_the_same(text, data):
    seen = VisibleText.of(text)
    start = data.draw(st.integers(0, len(seen.text)))
    end = data.draw(st.integers(start, len(seen.text)))
    left, right = seen.original((start, end))
    if start < end:
        assert visible(text[left:right]) == visible(seen.text[start:end])
