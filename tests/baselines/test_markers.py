"""Markers round the names of a triple."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.baselines.markers import MARKERS, mark_mentions
from cacre.types import Triple


@pytest.mark.parametrize(
    ("text", "triple", "marked"),
    [
        ("《雾中渡》由顾青禾执导", ("雾中渡", "导演", "顾青禾"), "《[S]雾中渡[/S]》由[O]顾青禾[/O]执导"),
        ("顾青禾生于云州。他叫顾青禾", ("顾青禾", "出生地", "云州"), "[S]顾青禾[/S]生于[O]云州[/O]。他叫顾青禾"),
        ("云州顾青禾", ("顾青禾", "出生地", "云州"), "[O]云州[/O][S]顾青禾[/S]"),
        ("他生于云州", ("顾青禾", "出生地", "云州"), "他生于[O]云州[/O]"),
        ("什么也没有", ("顾", "出生地", "云州"), "什么也没有"),
        ("云州大学在云州", ("云州大学", "所在城市", "云州"), "[S]云州大学[/S]在[O]云州[/O]"),
        ("ＡＢＣ公司", ("abc", "行业", "公司"), "[S]ＡＢＣ[/S][O]公司[/O]"),
        ("云州大学", ("云州大学", "所在城市", "云州"), "[O][S]云州[/O]大学[/S]"),
    ],
)
def test_the_nearest_mentions_are_marked(text, triple, marked):
    assert mark_mentions(text, Triple(*triple)) == marked


@given(st.text("甲乙丙，。", max_size=12), st.text("甲乙丙丁", min_size=1, max_size=3), st.text("甲乙丙丁", min_size=1))
def test_nothing_but_markers_is_put_in(text, subject, object_):
    marked = mark_mentions(text, Triple(subject, "关系", object_))
    assert re.sub("|".join(map(re.escape, MARKERS)), "", marked) == text
    for opening, closing in (MARKERS[:2], MARKERS[2:]):
        assert marked.count(opening) == marked.count(closing) <= 1
        assert marked.find(opening) <= marked.find(closing)
