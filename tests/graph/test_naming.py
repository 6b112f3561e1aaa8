"""Which names are one name, and which values one value."""

import re
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cacre.errors import DataError, MissingExtraError
from cacre.graph import naming
from cacre.graph.naming import entity_key, fold_spaces, value_key
from cacre.schema import load_schema

HOSTILE = [
    'a"b',
    "`a``b`",
    "\\",
    "a,b;c",
    "a\nb\tc",
    "👨\u200d👩\u200d👧",
    "=HYPERLINK(x)",
    "+1",
    "@x",
    "-2",
    "<script>",
    "]]>",
    "\u200fאב\u200e",
    "》",
    "「」",
    '"',
    "''",
    "\u200b",
    "\u3000\u200b",
    "Ａ１",
    "龍" * 5000,
]
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize(
    "spellings",
    [
        ["长夜", "《长夜》", "〈長夜〉", "「长夜」", "“長夜”", "『长夜』", " 长夜\n", "\u200f长夜\ufeff", "‘《长夜》’"],
        ["李默", "李　默", "李 默"],
        ["K·罗恩", "Ｋ・羅恩", "k•罗恩", "K‧罗恩", "K · 罗恩", "K･罗恩"],
        ["江-海", "江—海", "江——海", "江－海", "江–海", "江―海"],
        ["O'Dell", "Ｏ’dell", "o‘dell"],
        ["New  Harbour", "new\tharbour", "ＮＥＷ　ＨＡＲＢＯＵＲ"],
        ["Cafe\u0301 Straße", "café strasse"],
        ["iX 手机", "IX手机"],
        ["《》", " 《》\u200b"],
    ],
)
def test_spellings_of_one_name(spellings):
    assert len({entity_key(name) for name in spellings}) == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("长夜", "长夜2"),
        ("长夜", "《长夜》续集"),
        ("AB", "A B"),
        ("-2", "2"),
        ("《》", "〈〉"),
        ('"a" and "b"', 'a" and "b'),
        ("李默", "李·默"),
        ("👨\u200d👩", "👨👩"),
        ("乾隆", "干隆"),
    ],
)
def test_names_that_differ(left, right):
    assert entity_key(left) != entity_key(right)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_have_a_key_that_is_its_own_key(name):
    key = entity_key(name)
    assert key
    assert entity_key(key) == key


@given(text)
@example("《\u200b》")
def test_no_key_is_empty_and_marks_around_do_not_count(name):
    key = entity_key(name)
    assert key
    if any(character.isalnum() for character in name):
        assert entity_key(f"\u200e《{name}\ufeff》") == key


@given(st.text("甲乙丙ab1", min_size=1))
def test_quotes_width_and_case_never_count(name):
    wide = name.translate({code: code + 0xFEE0 for code in map(ord, "ab1")})
    assert len({entity_key(spelled) for spelled in (name, wide, name.upper(), f"《{name}》", f"“{name}”")}) == 1


def test_relation_names_keep_apart():
    names = [relation.name for relation in load_schema("open")]
    assert len(set(map(entity_key, names))) == len(names)


@pytest.mark.parametrize(("name", "said"), [("", "is empty"), ("a\0", "U\\+0000"), ("a\ud800", "U\\+D800")])
def test_what_is_no_name_is_refused(name, said):
    with pytest.raises(DataError, match=said):
        entity_key(name)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("２０１９年 7 月", "2019年7月", True),
        (" 12 亿\n", "12亿", True),
        ("1 500", "1\u2003500", True),
        ("1 500", "1500", False),
        ("1,500", "1500", False),
        ("10²", "102", False),
        ("2½", "21⁄2", False),
        ("①", "1", False),
        ("一九", "19", False),
        ("ABC", "abc", False),
        ("-2", "2", False),
        ("ｶﾞ", "ガ", True),
    ],
)
def test_values(left, right, same):
    assert (value_key(left) == value_key(right)) is same


@given(text)
def test_folding_is_done_once(value):
    assert fold_spaces(fold_spaces(value)) == fold_spaces(value)
    assert value_key(value_key(value)) == value_key(value) != ""


@given(st.text("甲アab \u3000\n\x1c\x85·", max_size=12))
def test_folding_leaves_no_space_at_an_end_or_beside_han_and_kana(value):
    beside = re.sub(r"(?<=[甲ア])\s+|\s+(?=[甲ア])", "", value)
    assert fold_spaces(value) == " ".join(beside.split())


@pytest.mark.parametrize("key", [entity_key, value_key])
@pytest.mark.parametrize("run", [" ", "\t", "\u3000", " \n", " ·", "—", "\"'", "《", "a "])
def test_long_runs_take_no_longer_a_character_than_short_ones(key, run):
    key("a b甲")
    start = time.process_time()
    key(f"a{run * 30_000}b")
    # With a pattern that goes back over each run, 30,000 spaces took half a minute.
    assert time.process_time() - start < 3


def test_a_missing_converter_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "opencc", None)
    naming._simplifier.cache_clear()
    assert entity_key("Harbour") == "harbour"
    with pytest.raises(MissingExtraError, match=r"opencc.*cacre\[graph\]"):
        entity_key("长夜")
    naming._simplifier.cache_clear()
