"""How long the names in a triple may be, wherever triples come in."""

import pytest

from cacre.data import Limits, parse_row
from cacre.errors import DataError

LONG = "名" * 2001
FINE = {"subject": "长夜", "predicate": "导演", "object": "李默"}
LISTED = ["长夜", "导演", "李默"]
LISTS = {"text": "a", "anchors": [LISTED], "positives": [LISTED], "negatives": [LISTED]}


@pytest.mark.parametrize(
    ("kind", "row", "field"),
    [
        ("candidates", {"text": "a", "triples": [FINE, {**FINE, "subject": LONG}]}, "triples[1].subject"),
        ("candidates", {"text": "a", "triples": [{**FINE, "object": {"@value": LONG}}]}, "triples[0].object"),
        (
            "candidates",
            {"text": "a", "triples": [{**FINE, "paraphrase": [*LISTED[:2], LONG]}]},
            "triples[0].paraphrase",
        ),
        ("candidates", {"text": "a", "triples": [], "gold": [[LONG, *LISTED[1:]]]}, "gold[0]"),
        ("verdicts", {"text": "a", "triples": [{**FINE, "predicate": LONG}]}, "triples[0].predicate"),
        ("contrastive", {**LISTS, "negatives": [[LONG, *LISTED[1:]]]}, "negatives[0]"),
        ("contrastive", {**LISTS, "hard": [[LONG, *LISTED[1:], "relation"]]}, "hard[0]"),
        ("duie", {"text": "a", "spo_list": [{**FINE, "object": {"@value": LONG}}]}, "spo_list[0].object"),
    ],
)
def test_a_long_name_is_refused_where_it_stands(kind, row, field):
    with pytest.raises(DataError, match="2001 characters, at most 2000 are allowed: shorten the name") as caught:
        parse_row(row, kind)
    assert caught.value.field == field


def test_the_longest_name_passes_and_the_limit_is_a_setting():
    row = {"text": "a", "triples": [{**FINE, "object": LONG[1:]}]}
    assert len(parse_row(row, "candidates").triples[0].object) == 2000
    with pytest.raises(DataError, match=r"object.*2000 characters, at most 100 are"):
        parse_row(row, "candidates", Limits(max_name_characters=100))
    with pytest.raises(DataError, match="subject has 2001 characters"):
        parse_row({**LISTS, "anchors": [[LONG, *LISTED[1:]]]}, "contrastive")
