import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.preprocessing.characters import (
    BORDER_CLASSES,
    SHAPES,
    TYPE_GROUPS,
    border_class,
    fold,
    shape,
    strip_title_marks,
    type_group,
)


@settings(deadline=None)
@given(st.text())
def test_folding_keeps_the_length_and_is_idempotent(text):
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(("text", "folded"), [("ＡＢｃ１", "abc1"), ("，；", ",;"), ("㎡ﬁİ", "㎡ﬁİ"), ("　", " ")])
def test_folding(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("name", "stripped"),
    [("《雾中渡》", "雾中渡"), (" 雾 ", "雾"), ("《》", "《》"), ("《雾", "《雾"), ("《《雾》》", "《雾》"), ("", "")],
)
def test_stripping_title_marks(name, stripped):
    assert strip_title_marks(name) == stripped


@pytest.mark.parametrize(
    ("character", "name"),
    [("", "edge"), ("《", "opening"), ("”", "closing"), ("，", "punctuation"), (" ", "punctuation"),
     ("\n", "punctuation"), ("7", "digit"), ("７", "digit"), ("三", "digit"), ("a", "latin"), ("é", "latin"),
     ("的", "function"), ("林", "other"), ("😀", "punctuation")],
)  # fmt: skip
def test_border_classes(character, name):
    assert BORDER_CLASSES[border_class(character)] == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("2011年3月2日", {"date", "number", "long"}), ("三亿元", {"number"}), ("临澜大学", {"organisation"}),
     ("松河市", {"place"}), ("林知远", {"person"}), ("阿尔·贝克", {"person"}), ("ＡＢＣ", {"latin"}), ("", set())],
)  # fmt: skip
def test_shapes(name, expected):
    assert {key for key, flag in zip(SHAPES, shape(name), strict=True) if flag} == expected


@pytest.mark.parametrize(
    ("type_name", "expected"),
    [("人物", {"person"}), ("Date", {"date"}), ("图书作品", {"work"}), ("", set()), ("?", set())],
)
def test_type_groups(type_name, expected):
    assert {key for key, flag in zip(TYPE_GROUPS, type_group(type_name), strict=True) if flag} == expected
