import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.preprocessing.characters import fold
from cacre.preprocessing.mentions import FAR, Mentions, distance, find_all, find_mentions, gap, nearest_pair

TEXT = fold("《雾中渡》由林知远执导，ＡＢＣ影业与林知远合作。")


@pytest.mark.parametrize(
    ("name", "spans"),
    [
        ("雾中渡", [(1, 4)]),
        ("《雾中渡》", [(1, 4)]),
        ("林知远", [(6, 9), (18, 21)]),
        ("abc影业", [(12, 17)]),
        ("ＡＢＣ影业", [(12, 17)]),
        (" Abc ", [(12, 15)]),
        ("，", [(11, 12)]),
    ],
)
def test_exact_mentions(name, spans):
    assert find_mentions(name, TEXT) == Mentions(tuple(spans), None, 1.0)


@pytest.mark.parametrize(
    ("name", "part", "coverage"),
    [
        ("林知远先生", (6, 9), 3 / 5),
        ("雾中渡第二部", (1, 4), 1 / 2),
        ("大由", (5, 6), 1 / 2),
        ("XABCD", (12, 15), 3 / 5),
    ],
)
def test_partial_mentions(name, part, coverage):
    found = find_mentions(name, TEXT)
    assert found == Mentions((), part, coverage)
    assert found.any == (part,)


@pytest.mark.parametrize("name", ["魑魅", "", "   ", "　"])
def test_names_that_stand_nowhere(name):
    assert find_mentions(name, TEXT) == Mentions((), None, 0.0)
    assert find_mentions(name, "") == Mentions((), None, 0.0)


def test_at_most_twenty_mentions():
    assert len(find_mentions("林", "林" * 50).spans) == 20


def test_signs_of_regular_expressions_are_plain_characters():
    assert find_mentions("a.c(1)", "abc1 a.c(1)").spans == ((5, 11),)


def longest_part_by_brute_force(needle, text):
    head = needle[:60]
    for length in range(min(len(head), 40), 0, -1):
        for start in range(len(head) - length + 1):
            at = text.find(head[start : start + length])
            if at >= 0:
                return (at, at + length)
    return None


@settings(deadline=None)
@given(st.text("ab林远", min_size=1, max_size=90), st.text("ab林远渡", max_size=40))
def test_the_longest_part_is_the_one_found_by_trying_all(name, text):
    found = find_mentions(name, text)
    if name in text:
        assert found.spans == tuple(find_all(name, text, 20))
    else:
        assert found.part == longest_part_by_brute_force(name, text)
        assert 0.0 <= found.coverage < 1.0


@pytest.mark.parametrize(
    ("subject", "object_", "expected"),
    [
        ([(0, 2), (20, 22)], [(24, 26), (10, 12)], ((20, 22), (24, 26))),
        ([(0, 4)], [(1, 3), (30, 32)], ((0, 4), (30, 32))),
        ([(0, 4)], [(1, 3)], ((0, 4), (1, 3))),
        ([(0, 2), (8, 10)], [(4, 6)], ((0, 2), (4, 6))),
        ([], [(1, 2)], None),
    ],
    ids=["nearest", "distinct before overlapping", "only overlapping", "first of equals", "none"],
)
def test_nearest_pair(subject, object_, expected):
    made = (Mentions(tuple(spans), None, 1.0) for spans in (subject, object_))
    assert nearest_pair(*made) == expected


def test_nearest_pair_takes_partial_mentions():
    assert nearest_pair(Mentions((), (3, 5), 0.5), Mentions(((7, 9),), None, 1.0)) == ((3, 5), (7, 9))


def test_distances():
    assert gap((0, 2), (5, 6)) == gap((5, 6), (0, 2)) == 3
    assert gap((0, 4), (2, 6)) == -2
    assert distance((4, 6), [(0, 1), (7, 9)]) == 1.0
    assert distance((4, 6), [(5, 9)]) == 0.0
    assert distance((4, 6), []) == FAR
