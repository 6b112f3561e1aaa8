"""Entities come back as the text writes them, with offsets that hold."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cacre.inference.decision import normalise_mention
from cacre.inference.snapping import Snapped, Snapper

TEXT = (
    "《雾中渡》由Ｌｉｎ 知远执导，韦 宁配音ｶﾞｲ，㈱云岫出品。《甲》与《乙》，cafe\u0301，İzmir，阿·莫，（前）渡口，ΟΔΟΣ"
)


@pytest.mark.parametrize(
    ("entity", "surface"),
    [
        ("雾中渡", "雾中渡"),
        ("《雾中渡》", "雾中渡"),
        (" 《 雾中渡 》 ", "雾中渡"),
        ("《雾中渡", "雾中渡"),
        ("雾中渡》", "雾中渡"),
        ("“《雾中渡》”", "雾中渡"),
        ("（（雾中渡））", "雾中渡"),
        ("'雾中渡'", "雾中渡"),
        ("lin知远", "Ｌｉｎ 知远"),
        ("韦宁", "韦 宁"),
        ("韦　宁", "韦 宁"),
        ("ガイ", "ｶﾞｲ"),
        ("(株)云岫", "㈱云岫"),
        ("《甲》与《乙》", "《甲》与《乙》"),
        ("甲与乙", "《甲》与《乙》"),
        ("甲》与《乙", "甲》与《乙"),
        ("caf\u00e9", "cafe\u0301"),
        ("i\u0307zmir", "İzmir"),
        ("阿•莫", "阿·莫"),
        ("阿・莫", "阿·莫"),
        ("(前)渡口", "（前）渡口"),
        ("οδος", "ΟΔΟΣ"),
    ],
)
def test_the_entity_as_the_text_writes_it(entity, surface):
    found = Snapper(TEXT).snap(entity)
    assert found.surface == surface
    assert found.span is not None and TEXT[slice(*found.span)] == surface


@pytest.mark.parametrize("entity", ["没有", "《没有》", "《》", "“”", " ", "", "株", "（甲）与（乙）", "雾中渡2"])
def test_what_is_not_in_the_text_is_left_untouched(entity):
    assert Snapper(TEXT).snap(entity) == Snapped(entity, None)


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u200d", "\ufeff", "\u2060\u200e"])
def test_invisible_characters_hide_no_name(hidden):
    text = f"{hidden}《雾{hidden}中渡》由林{hidden}知远执导"
    assert Snapper(text).snap("林知远").surface == f"林{hidden}知远"
    assert Snapper(text).snap(f"雾中{hidden}渡").surface == f"雾{hidden}中渡"
    assert Snapper("林知远执导").snap(f"{hidden}林{hidden}知远{hidden}") == Snapped("林知远", (0, 3))


def test_an_exact_occurrence_goes_before_an_earlier_folded_one():
    assert Snapper("ABC与abc").snap("abc") == Snapped("abc", (4, 7))
    assert Snapper("ABC与Abc").snap("abc") == Snapped("ABC", (0, 3))


def test_a_match_that_cuts_a_character_is_passed_over():
    # ㎜ folds to mm; a single m is only at the end.
    assert Snapper("㎜与ｍ").snap("m") == Snapped("ｍ", (2, 3))
    assert Snapper("㎜").snap("m") == Snapped("m", None)


def test_brackets_that_do_not_belong_together_stay():
    text = "（甲）与（乙）和甲）与（乙"
    assert Snapper(text).snap("（甲）与（乙）").surface == "（甲）与（乙）"
    assert Snapper("甲）与（乙").snap("（甲）与（乙）") == Snapped("（甲）与（乙）", None)


# Marks, widths, expansions, combining characters, both small sigmas, white space, lone surrogates.
CHARACTERS = "甲乙丙《》（）()“”\"'·•・ \t\u3000aAＡbＢ1１㈱㎜İiſΣσςe\u0301\u0327ｶﾞガ\u3099가ᄀ\u1161\u11a8ﷺ\ud800"
TEXTS = st.text(CHARACTERS, max_size=30)


def same(left, right):
    return normalise_mention(left).replace("ς", "σ") == normalise_mention(right).replace("ς", "σ")


def bare(name):
    """Without quotes and brackets, which may be missing around what the text has."""
    return "".join(c for c in unicodedata.normalize("NFKC", name) if c not in "()“”\"'")


@given(TEXTS, st.text(CHARACTERS, max_size=6))
def test_what_is_found_is_a_piece_of_the_text_that_says_the_same(text, entity):
    found = Snapper(text).snap(entity)
    if found.span is None:
        assert found.surface == entity
    else:
        assert text[slice(*found.span)] == found.surface
        assert normalise_mention(found.surface)
        assert same(found.surface, entity) or same(bare(found.surface), bare(entity))


@given(TEXTS, st.data())
def test_a_substring_is_always_found_and_snapping_again_changes_nothing(text, data):
    start = data.draw(st.integers(0, len(text)))
    entity = text[start : data.draw(st.integers(start, len(text)))]
    assume(normalise_mention(entity))
    found = Snapper(text).snap(entity)
    assert found.span is not None
    assert same(found.surface, entity)
    assert Snapper(text).snap(found.surface).surface == found.surface


@given(TEXTS, st.text(CHARACTERS, max_size=6))
def test_snapping_twice_is_snapping_once(text, entity):
    snapper = Snapper(text)
    once = snapper.snap(entity)
    assert snapper.snap(once.surface).surface == once.surface


CUTTING = "\u0301\u0327ﾞ\u3099ᄀ\u1161\u11a8Σσς"


@given(TEXTS, st.text(CHARACTERS, max_size=6))
def test_what_is_found_passes_the_mention_check_of_the_filter(text, entity):
    text, entity = ("".join(c for c in part if c not in CUTTING) for part in (text, entity))
    found = Snapper(text).snap(entity)
    assert found.span is None or normalise_mention(found.surface) in normalise_mention(text)


@given(TEXTS, st.text("甲乙丙《》 aAＡbＢ1１·•", min_size=1, max_size=6))
def test_what_the_mention_check_finds_is_found(text, entity):
    text = "".join(c for c in text if c not in CUTTING + "㈱㎜ﷺİ")
    if normalise_mention(entity) and normalise_mention(entity) in normalise_mention(text):
        assert Snapper(text).snap(entity).span is not None
