"""Which positive and which negative belongs to which anchor."""

from cacre.extraction.alignment import likeness, match_positives, pair_up
from cacre.types import Triple

DIRECTED = Triple("雾中渡", "导演", "林知远")
WROTE = Triple("雾中渡", "编剧", "顾青禾")
DIRECTOR = Triple("林知远", "执导作品", "雾中渡")


def test_positives_are_matched_by_entities_alone():
    other = Triple("雾中渡", "随便", "顾青禾")
    assert match_positives([DIRECTED, WROTE], [other, DIRECTOR]) == [DIRECTOR, other]
    assert match_positives([DIRECTED, DIRECTED], [DIRECTOR]) == [DIRECTOR, None]
    assert match_positives([DIRECTED], []) == [None]


def test_likeness_ranks_entities_before_places_before_predicates():
    forms = [
        ("雾中渡", "主演", "沈若汐"),
        ("林知远", "导演", "雾中渡"),
        ("林知远", "主演", "沈若汐"),
        ("许棠", "导演", "沈若汐"),
        ("许棠", "主演", "沈若汐"),
    ]
    scores = [likeness(DIRECTED, Triple(*form)) for form in forms]
    assert scores == sorted(set(scores), reverse=True) and scores[-1] == 0


def test_equal_numbers_go_first_unless_they_fit_badly():
    scores = {(0, 0): 1, (0, 1): 2, (1, 0): 1, (1, 1): 1}
    assert pair_up([0, 1], [0, 1], lambda *pair: scores[pair]) == {0: 0, 1: 1}
    assert pair_up([0, 1], [0, 1], lambda *pair: scores[pair], good=2) == {0: 1, 1: 0}
    assert pair_up([0, 1], [0, 1], lambda *pair: 0) == {}
    assert pair_up([5], [2, 7, 4], lambda *_: 1) == {5: 4}
