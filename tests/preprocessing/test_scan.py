import re

import pytest

from cacre.preprocessing.scan import CueIndex, scan_text
from cacre.schema import RelationType, Schema

SCHEMA = Schema.of(
    "small",
    [
        RelationType("歌手", "歌曲", "人物", cues=("演唱", "唱", "ABC")),
        RelationType("演唱会", "人物", "地点", cues=("演唱",)),
        RelationType("主角", "作品", "人物", cues=("唱会",)),
    ],
)


@pytest.fixture(scope="module")
def index():
    return CueIndex(SCHEMA)


def spans(scanned, text, name):
    return [text[s:e] for s, e, names in scanned.cues if name in names]


def test_cues_with_all_relations_they_signal(index):
    found = scan_text("他演唱了ａｂｃ。", index).cues
    assert found == [(1, 3, {"歌手", "演唱会"}), (2, 3, {"歌手"}), (4, 7, {"歌手"})]


def test_of_cues_that_start_together_the_longest_counts_and_others_may_overlap(index):
    text = "演唱会"
    assert [(s, e) for s, e, _ in scan_text(text, index).cues] == [(0, 3), (1, 3)]
    assert spans(scan_text(text, index), text, "歌手") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("abcs", ["abc"]), ("xabc", []), ("éabc", []), ("x-abc", ["abc"]), ("7abc", ["abc"]), ("由abc", ["abc"])],
)
def test_no_cue_starts_inside_a_latin_word(index, text, found):
    assert spans(scan_text(text, index), text, "歌手") == found


def test_words_are_folded_and_the_longest_come_first(index):
    assert index.words["歌手"] == ("abc", "歌手", "演唱", "唱")


def test_same_cues_as_a_regular_expression(schema):
    index = CueIndex(schema)
    words = sorted({w for ws in index.words.values() for w in ws}, key=lambda w: (-len(w), w))
    pattern = re.compile("(?=(" + "|".join(map(re.escape, words)) + "))")
    text = "这部由林知远执导、顾青禾编剧的电影注册资本与演唱会的主题曲由沈若汐演唱，毕业于临澜大学。"
    assert [(s, e) for s, e, _ in index.find(text)] == [m.span(1) for m in pattern.finditer(text)]


def test_clauses_and_sentences(index):
    scanned = scan_text("甲，乙。丙\n丁", index)
    assert scanned.clause == [0, 0, 1, 1, 2, 2, 3, 3]
    assert scanned.sentence == [0, 0, 0, 0, 1, 1, 2, 2]


def test_titles_are_inner_spans(index):
    assert scan_text("《甲乙》和《丙》《》", index).titles == [(1, 3), (6, 7)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("他不是导演", ["不是"]),
        ("传闻甲并未出演", ["传闻", "并未"]),
        ("甲是导演", []),
        ("预计上映，更正", ["预计", "更正"]),
    ],
)
def test_negation(index, text, words):
    assert [text[s:e] for s, e in scan_text(text, index).negations] == words


def test_empty_text(index):
    scanned = scan_text("", index)
    assert (scanned.cues, scanned.titles, scanned.negations, scanned.clause) == ([], [], [], [0])


def test_a_long_text(schema):
    index = CueIndex(schema)
    text = "《雾中渡》由林知远执导，据传顾青禾并未担任编剧，沈若汐领衔主演。" * 600
    scanned = scan_text(text, index)
    assert len(scanned.titles) == 600
    assert scanned.negations
