"""Counts and scores over verdict rows, by hand."""

import pytest

from cacre.errors import DataError
from cacre.evaluation.verdict_summary import ERROR_KINDS, GATES, compare_with_gold, count_kinds, gate_of, read_judged

CORRECT = {"supported": 1, "kind": None}


def triple(object_, reason=None, label=None, **more):
    item = {"subject": "甲", "predicate": "导演", "object": object_, "verdict": "rejected" if reason else "supported"}
    item |= {"reason": reason} if reason else {}
    return item | ({"label": label} if label is not None else {}) | more


ROWS = [
    {
        "id": "a",
        "text": "一",
        "triples": [
            triple("乙", label=CORRECT),
            triple("丙", "text_score 0.1 below 0.5", {"supported": 0, "kind": "swap"}),
            triple("丁", label={"supported": 0, "kind": "swap"}),
        ],
        "gold": [["甲", "导演", "乙"], ["甲", "导演", "戊"]],
    },
    {
        "text": "二",
        "triples": [
            triple("乙", "object not in text", {"supported": 0, "kind": "absent"}),
            triple("戊", "pair_score 0.1 below 0.5", CORRECT),
            triple("己", "too long", {"supported": 0}),
        ],
    },
]


@pytest.mark.parametrize(
    ("reason", "gate"),
    [
        ("predicate not in schema", "schema check"),
        ("type or direction violates schema", "schema check"),
        ("subject and object are the same", "schema check"),
        ("subject not in text", "mention check"),
        ("object not in text", "mention check"),
        ("denied in text", "modality check"),
        ("text_score 0.412 below 0.550", "text_score"),
        ("pair_score -0.412 below 0.550", "pair_score"),
        ("too long", "other"),
        ("", "other"),
    ],
)
def test_gate_of_a_reason(reason, gate):
    assert gate_of(reason) == gate


def test_kinds_are_counted_by_the_first_gate():
    counts = count_kinds(read_judged(ROWS))
    assert [(c.kind, c.total, dict(c.rejected), c.kept) for c in counts] == [
        ("swap", 2, {"text_score": 1}, 1),
        ("absent", 1, {"mention check": 1}, 0),
        ("unnamed", 1, {"other": 1}, 0),
        ("correct", 2, {"pair_score": 1}, 1),
    ]


def test_right_is_the_verdict_against_the_label():
    assert [[t.right for t in row.triples] for row in read_judged(ROWS)] == [[True, True, False], [True, False, True]]


def test_scores_before_and_after_leave_out_rows_without_gold():
    scores = compare_with_gold(read_judged(ROWS))
    assert (scores.before.correct, scores.before.predicted, scores.before.gold) == (1, 3, 2)
    assert (scores.after.correct, scores.after.predicted, scores.after.gold) == (1, 2, 2)
    assert scores.after.precision == 0.5
    assert compare_with_gold(read_judged(ROWS[1:])) is None


def test_a_text_in_two_rows_counts_once_with_all_its_triples():
    halves = [{**ROWS[0], "id": str(i), "triples": ROWS[0]["triples"][i : i + 1]} for i in (0, 2)]
    scores = compare_with_gold(read_judged(halves))
    assert (scores.after.correct, scores.after.predicted, scores.after.gold) == (1, 2, 2)


@pytest.mark.parametrize("value", ["yes", 1, None, {}, {"supported": 2}, {"supported": "1"}, ["supported"]])
def test_a_foreign_label_is_no_label(value):
    (row,) = read_judged([{"text": "一", "triples": [triple("乙", label=value)]}])
    assert row.triples[0].label is None
    assert row.triples[0].right is None
    assert count_kinds([row]) == []


def test_a_row_without_verdicts_is_named():
    bad = {"text": "一", "triples": [{"subject": "甲", "predicate": "导演", "object": "乙"}]}
    with pytest.raises(DataError, match=r"rows\[1\]\.triples\[0\]\.verdict"):
        read_judged([ROWS[0], bad])


def test_every_kind_of_the_sample_is_explained():
    from cacre.cli.demo import sample_rows

    kinds = {t["label"]["kind"] for row in sample_rows() for t in row["triples"]} - {None}
    assert kinds == set(ERROR_KINDS)
    assert "schema check" in GATES
