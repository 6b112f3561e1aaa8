import numpy as np
import pytest

import tiny_model
from cacre.errors import DataError
from cacre.inference import DecisionRules, OnnxVerifier, load_verifier
from cacre.schema import RelationType, Schema
from cacre.service.values import ModelInfo
from cacre.types import Candidate, Triple

FILM = tiny_model.SENTENCES[0]
TRIPLE = Triple("雾中渡", "导演", "林知远")


@pytest.fixture(scope="module")
def bundled():
    return load_verifier(threads=1)


def test_tokens_of_both_sides_are_found_by_their_offsets(bundled):
    text = f"🌊 ＡＢ说：{FILM}"
    attention = bundled.attention(text, TRIPLE)
    assert attention.window == (0, len(text))
    assert "".join(text[start:end] for start, end in attention.text_tokens) == text.replace(" ", "")
    parts = TRIPLE._asdict()
    assert [(t.part, parts[t.part][slice(*t.span)]) for t in attention.triple_tokens] == [
        (part, character) for part, value in parts.items() for character in value
    ]


def test_weights_are_those_behind_the_evidence(bundled):
    attention = bundled.attention(FILM, TRIPLE)
    assert attention.weights.shape == (len(attention.triple_tokens), len(attention.text_tokens))
    assert attention.weights.min() >= 0
    assert (attention.weights.sum(axis=1) <= 1 + 1e-5).all()
    assert attention.weights.std() > 0
    other = bundled.attention(FILM, Triple("雾中渡", "编剧", "顾青禾"))
    assert not np.allclose(attention.weights[:3], other.weights[:3]), "it depends on the whole triple"


def test_of_a_long_text_the_window_with_the_names_is_read(bundled):
    text = "雨下了一夜。" * 200 + FILM
    attention = bundled.attention(text, TRIPLE)
    start, end = attention.window
    assert start > 0
    assert FILM in text[start:end]
    assert all(start <= first < last <= end for first, last in attention.text_tokens)


def test_of_a_long_name_the_tokens_that_were_read_are_given(bundled):
    attention = bundled.attention(FILM, TRIPLE._replace(object="林" * 500))
    last = attention.triple_tokens[-1]
    assert (last.part, last.span[1] < 500) == ("object", True)
    assert len(attention.weights) == len(attention.triple_tokens)


def test_of_a_name_that_the_text_writes_otherwise_the_tokens_are_those_given(bundled):
    for text, name in ((FILM.replace("林知远", "林 知远"), "林知远"), (FILM, "林 知 远")):
        attention = bundled.attention(text, TRIPLE._replace(object=name))
        assert len(attention.weights) == len(attention.triple_tokens)
        given = "".join(name[slice(*token.span)] for token in attention.triple_tokens if token.part == "object")
        assert given == "林知远"


def test_what_is_read_is_what_a_verdict_reads(bundled):
    plain = bundled.attention(FILM, TRIPLE)
    hidden = FILM.replace("雾中", "雾\u200b中").replace("林知", "林\u2060知")
    turned = Triple("林\ufeff知远", "执导作品", "雾中渡")
    for text, said in ((hidden, TRIPLE), (FILM, turned), ("\ufeff" + hidden + "\u200b", turned)):
        attention = bundled.attention(text, said)
        assert (attention.triple, attention.triple_tokens) == (TRIPLE, plain.triple_tokens)
        assert np.array_equal(attention.weights, plain.weights)
        tokens = [text[start:end] for start, end in attention.text_tokens]
        assert tokens == [FILM[start:end] for start, end in plain.text_tokens]
        start, end = attention.window
        assert text[start:end].startswith("《雾\u200b中渡" if text != FILM else "《雾中渡")
        assert text[end:] in ("", "\u200b")


def test_of_several_readings_the_one_that_is_judged_is_shown(bundled):
    for said in (Triple("林知远", "执导", "雾中渡"), Triple("雾中渡", "执导", "林知远")):
        (verdict,) = bundled.verify(FILM, [said])
        attention = bundled.attention(FILM, said)
        assert attention.triple == (verdict.judged_as or said)
        assert (attention.triple.subject, attention.triple.object) == ("雾中渡", "林知远")


def test_what_is_malformed_is_refused(bundled):
    with pytest.raises(DataError, match="text"):
        bundled.attention(" ", TRIPLE)
    with pytest.raises(DataError, match="candidate"):
        bundled.comparisons([Triple("", "导演", "林知远")])


def test_comparisons_explain_each_verdict():
    bundled = load_verifier(threads=1, rules=DecisionRules(pair_threshold=0.5))
    candidates = [
        TRIPLE,
        Candidate(TRIPLE, paraphrase=Triple("林知远", "亲手拍成的片子", "雾中渡")),
        Triple("雾中渡", "气味", "顾青禾"),
    ]
    made, given, none = bundled.comparisons(candidates)
    assert (made.strategy, given.strategy, none.strategy) == ("schema", "paraphrase", None)
    assert given.triples == (Triple("林知远", "亲手拍成的片子", "雾中渡"),)
    assert (none.pair_threshold, none.text_threshold) == (None, bundled.thresholds.text_threshold)
    for candidate in candidates[:2]:
        (verdict,) = bundled.verify(FILM, [candidate])
        (compared,) = bundled.comparisons([candidate])
        distances = (verdict.text_score - compared.text_threshold, verdict.pair_score - compared.pair_threshold)
        assert verdict.margin == pytest.approx(min(distances))


def test_a_threshold_that_is_off_explains_nothing():
    off = load_verifier(threads=1, rules=DecisionRules(pair_threshold=-1.0))
    (compared,), (verdict,) = off.comparisons([TRIPLE]), off.verify(FILM, [TRIPLE])
    assert (compared.strategy, compared.pair_threshold) == ("schema", None)
    assert verdict.margin == pytest.approx(verdict.text_score - compared.text_threshold)


def test_thresholds_of_the_rules_replace_the_fitted_ones(tiny_folder):
    verifier = OnnxVerifier(tiny_folder, rules=DecisionRules(text_threshold=-1.0, pair_threshold=0.25), threads=1)
    (compared,) = verifier.comparisons([TRIPLE])
    assert (compared.text_threshold, compared.pair_threshold) == (None, 0.25)


def test_new_relations_are_compared_with_the_thresholds_that_judge_them():
    own = Schema.of("own", [RelationType("取景地", "影视作品", "地点", synonyms=("外景地",), cues=("取景",))])
    ours = load_verifier(threads=1, rules=DecisionRules(schema=own))
    text, place = "《雾中渡》在云州取景。", Triple("雾中渡", "取景地", "云州")
    new = ours.thresholds.new_relations
    assert new.text_threshold < ours.thresholds.text_threshold
    for candidate in (place, place._replace(predicate="外景地")):
        (compared,), (verdict,) = ours.comparisons([candidate]), ours.verify(text, [candidate])
        assert compared.text_threshold == new.text_threshold
        assert verdict.margin == pytest.approx(verdict.text_score - new.text_threshold)
    info = ModelInfo.of(ours)
    assert (info.new_relations, info.new_text_threshold) == (("取景地",), new.text_threshold)
    assert info.text_threshold == ours.thresholds.text_threshold
