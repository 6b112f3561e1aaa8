from extractor_corpus import SCHEMA, fact

from cacre.baselines.extractors.marks import Link, Marker
from cacre.baselines.extractors.tags import TagSet
from cacre.baselines.extractors.windows import TokenSpan, WindowMaker
from cacre.data.duie import DuieText
from cacre.preprocessing.tokenizer import build_character_tokenizer

TAGS = TagSet(SCHEMA)


def mark(text, *facts, length=40, occurrences="first"):
    maker = WindowMaker(build_character_tokenizer([text], min_count=1), length, 0)
    marker = Marker(maker, TAGS, occurrences)
    return marker, [window.links for window in marker.label([DuieText(text, facts)])]


def test_slots_are_tags_of_their_own():
    assert TAGS.names == ("导演", "编剧", "饰演", "饰演/inWork", "总部")
    _, [links] = mark("顾在《雾渡》扮沈", fact("顾", "饰演", "沈", inWork="《雾渡》"))
    assert links == (
        Link(TokenSpan(1, 1), 2, TokenSpan(8, 8)),
        Link(TokenSpan(1, 1), 3, TokenSpan(4, 5)),
    )


def test_the_first_pair_that_does_not_overlap_is_marked():
    _, [links] = mark("雾渡前传和雾渡，顾", fact("雾渡前传", "导演", "雾渡"), fact("雾渡", "导演", "顾"))
    assert links == (
        Link(TokenSpan(1, 4), 0, TokenSpan(6, 7)),
        Link(TokenSpan(1, 2), 0, TokenSpan(9, 9)),
    )


def test_all_pairs_can_be_marked():
    _, [links] = mark("顾拍雾渡，雾渡归顾", fact("雾渡", "导演", "顾"), occurrences="all")
    assert {(link.subject.first, link.object.first) for link in links} == {(3, 1), (3, 9), (6, 1), (6, 9)}


def test_what_cannot_be_marked_is_counted():
    facts = (
        fact("雾渡", "导演", "顾"),
        fact("雾渡", "导演", "无人"),
        fact("雾渡", "首播", "顾"),
        fact("恒澜", "总部所在地", "雾渡"),
    )
    marker, windows = mark("雾渡由甲乙丙丁戊己庚辛顾", *facts, length=10)
    assert not any(windows)  # subject and object of the first fact stand in no common window
    assert (marker.lost, marker.unknown) == (3, 1)
