"""The pattern head: what it sees of a text, and what it must not see."""

import pytest
import torch

from cacre.errors import ConfigError
from cacre.modeling.mentions import mention_borders
from cacre.modeling.pattern_head import PatternHead, _largest, _pieces
from cacre.preprocessing.evidence import MARKS

SUBJECT, OBJECT = [2, 3], [6, 7, 8]
"""Places of both names in a text of 12 tokens."""


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(2)
    made = PatternHead(8, vocabulary=50, marks=len(MARKS), weight=1.0)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


def marked(length=12, subject=SUBJECT, object_=OBJECT):
    marks = torch.zeros(1, length, len(MARKS))
    for name, places in (("subject", subject), ("object", object_)):
        for column in (name, f"nearest_{name}"):
            marks[0, places, MARKS.index(column)] = 1.0
    return marks


def says(head, ids, marks, mask=None):
    predicate = torch.linspace(-1, 1, 8)[None]
    with torch.no_grad():
        return head(ids, torch.ones_like(ids) if mask is None else mask, marks, predicate).item()


TEXT = torch.arange(5, 17)[None]


def test_names_change_nothing_and_other_words_do(head):
    before = says(head, TEXT, marked())
    renamed = TEXT.clone()
    renamed[0, SUBJECT + OBJECT] = torch.tensor([40, 41, 42, 43, 44])
    assert says(head, renamed, marked()) == before
    for place in (0, 1, 4, 5, 9, 11):
        other = TEXT.clone()
        other[0, place] = 45
        assert says(head, other, marked()) != before, place


def test_exchanged_roles_are_something_else(head):
    assert says(head, TEXT, marked()) != says(head, TEXT, marked(subject=OBJECT, object_=SUBJECT))


def test_padding_changes_nothing(head):
    ids = torch.cat([TEXT, torch.full((1, 4), 9)], dim=1)
    mask = (torch.arange(16) < 12).long()[None]
    marks = torch.cat([marked(), torch.zeros(1, 4, len(MARKS))], dim=1)
    assert says(head, ids, marks, mask) == pytest.approx(says(head, TEXT, marked()), abs=1e-6)


@pytest.mark.parametrize(
    ("subject", "object_", "expected"),
    [
        ([2, 3], [6, 7, 8], ["xxxx........", "...xxxx.....", "......xxxxxx"]),
        ([6, 7, 8], [2, 3], ["xxxx........", "...xxxx.....", "......xxxxxx"]),
        ([2, 3, 4], [3, 4, 5], ["xxxxx.......", "............", "...xxxxxxxxx"]),
        ([], [6, 7, 8], ["x...........", "xxxxxxx.....", "......xxxxxx"]),
        ([], [], ["x...........", "x...........", "xxxxxxxxxxxx"]),
    ],
)
def test_pieces(subject, object_, expected):
    pieces = _pieces(marked(subject=subject, object_=object_))
    assert ["".join(".x"[int(there)] for there in piece[0]) for piece in pieces] == expected


def test_the_largest_of_no_token_is_nothing():
    x = torch.tensor([[[-3.0], [-2.0]]])
    assert _largest(x, torch.tensor([[True, True]])).item() == -2
    assert _largest(x, torch.tensor([[False, False]])).item() == 0


def test_mention_borders():
    mention = torch.tensor([[0, 0, 1, 1, 0.0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    first, last, found = mention_borders(mention)
    assert first.tolist() == [2, 0, 0] and last.tolist() == [3, 0, 0]
    assert found.flatten().tolist() == [1, 1, 0]


def test_it_needs_the_marks_of_string_evidence():
    with pytest.raises(ConfigError, match="needs the 10 marks"):
        PatternHead(8, vocabulary=50, marks=3, weight=1.0)
