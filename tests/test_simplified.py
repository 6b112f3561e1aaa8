"""Traditional characters as simplified ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC
from tokenizers import Tokenizer, models

from cacre import load_verifier
from cacre.preprocessing.characters import fold
from cacre.preprocessing.tokenizer import SPECIAL_TOKENS, UNK, build_character_tokenizer, readable_by
from cacre.schema import load_schema
from cacre.simplified import simplify, table
from cacre.types import Triple

SCRIPT = Path(__file__).parents[1] / "docs" / "tools" / "simplified.py"
TEXT = "《雾中渡》由顾青禾执导，林知远主演，编剧不是陈砚秋。"
TRIPLES = [
    ("雾中渡", "导演", "顾青禾"),
    ("雾中渡", "主演", "林知远"),
    ("雾中渡", "导演", "林知远"),
    ("顾青禾", "执导作品", "雾中渡"),
    ("雾中渡", "编剧", "陈砚秋"),
]


@pytest.fixture(scope="module")
def verifier():
    return load_verifier("mini-zh")


def test_the_table_is_what_its_script_writes():
    spec = importlib.util.spec_from_file_location("simplified_table", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TABLE.read_text(encoding="utf-8") == script.content()


def test_common_characters_are_simplified_and_what_both_scripts_write_stays():
    assert simplify("顧青禾執導，於臺灣開機後") == "顾青禾执导，于台湾开机后"
    assert simplify("乾隆、魏徵、著名、Σ ABC 東京の駅") == "乾隆、魏徵、著名、Σ ABC 东京の駅"


@given(st.text())
def test_simplifying_keeps_the_length_and_is_done_once(text):
    assert len(simplify(text)) == len(text)
    assert simplify(simplify(text)) == simplify(text)


def test_traditional_characters_fold_as_simplified_ones():
    everything = "".join(map(chr, table()))  # all of them: one that did not was seldom drawn
    assert fold(everything) == fold(simplify(everything))
    assert len(fold(everything)) == len(everything)
    assert simplify("薴苧苎") == "苎苎苎"


def test_a_traditional_text_is_judged_as_the_simplified_one(verifier):
    convert = OpenCC("s2t").convert
    assert convert(TEXT) != TEXT
    plain = verifier.verify(TEXT, [Triple(*t) for t in TRIPLES])
    both = verifier.verify(convert(TEXT), [Triple(*map(convert, t)) for t in TRIPLES])
    mixed = verifier.verify(convert(TEXT), [Triple(*t) for t in TRIPLES])
    assert [v.outcome for v in plain] == ["supported", "supported", "rejected", "supported", "rejected"]
    assert plain[4].reason == "denied in text"
    for one, other, third in zip(plain, both, mixed, strict=True):
        assert (one.text_score, one.pair_score, one.evidence) == (other.text_score, other.pair_score, other.evidence)
        assert (one.outcome, one.reason, one.modality) == (other.outcome, other.reason, other.modality)
        assert (one.text_score, one.reason) == (third.text_score, third.reason)
    assert both[0].candidate.triple == Triple("霧中渡", "導演", "顧青禾")


def test_predicates_are_words_of_the_schema_in_either_script():
    schema = load_schema("duie")
    assert schema.resolve("導演") == schema.resolve("執導") == "导演"
    assert schema.readings("執導作品") == schema.readings("执导作品")
    said, meant = Triple("霧中渡", "導演", "顧青禾"), Triple("霧中渡", "导演", "顧青禾")
    assert schema.paraphrase(said) == schema.paraphrase(meant)
    assert schema.check(said) is None
    assert schema.says_the_same(said, Triple("顧青禾", "執導作品", "霧中渡"))
    assert schema.resolve("導遊") is None


def test_a_model_that_knows_traditional_characters_reads_them():
    simplified = build_character_tokenizer(["顾青禾执导" * 2])
    both = build_character_tokenizer(["顾青禾执导" * 2, "顧青禾執導" * 2])
    neither = Tokenizer(models.WordLevel({word: i for i, word in enumerate((*SPECIAL_TOKENS, "a"))}, UNK))
    assert readable_by(simplified)("顧青禾") == "顾青禾"
    assert readable_by(both)("顧青禾") == readable_by(neither)("顧青禾") == "顧青禾"
