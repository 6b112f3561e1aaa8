"""The tables of the report: counts add up, intervals are the bootstrap of texts, errors are the most confident ones."""

from dataclasses import replace

import numpy as np
import pytest

from cacre.errors import DataError
from cacre.evaluation.bootstrap import bootstrap_intervals
from cacre.evaluation.report_tables import align, compare_rates, group_rows, kind_counts, worst_errors
from cacre.evaluation.verdict_summary import Label
from cacre.evaluation.verifier_metrics import measure
from labelled_verdicts import reading, rows_of


def test_rates_count_missed_gold_and_their_intervals_are_the_bootstrap_of_texts():
    table = reading().table
    kept = table.text_score >= 0.45
    rates = compare_rates(table, kept, resamples=200, seed=7)
    right = int((kept & table.labels).sum())
    assert (rates.before.correct, rates.before.predicted, rates.before.gold) == (24, 48, 36)
    assert rates.after.recall == pytest.approx(right / 36)
    counts = np.stack(
        [np.bincount(table.text[chosen], minlength=12) for chosen in (kept & table.labels, kept)]
        + [np.full(12, 3), np.bincount(table.text[kept & table.labels], minlength=12)],
        axis=1,
    )
    expected = bootstrap_intervals(counts, 200, 7)
    assert [rate.after_interval for rate in rates.rates] == [expected.precision, expected.recall, expected.f1]
    assert all(low <= rate.change <= high for rate in rates.rates for low, high in [rate.change_interval])


def test_keeping_everything_changes_nothing():
    table = reading().table
    rates = compare_rates(table, np.ones(len(table), dtype=bool), resamples=20)
    assert [(rate.change, rate.change_interval) for rate in rates.rates] == [(0.0, (0.0, 0.0))] * 3


def test_verdicts_are_found_by_text_and_triple_and_get_the_label_of_the_table():
    found = reading(texts=2)
    aligned = align(found, reversed(rows_of(found)))
    assert [candidate.judged.triple for candidate in aligned] == list(found.triples)
    assert aligned[0].judged.label == Label(True, None)
    assert aligned[3].judged.label == Label(False, "swap")
    with pytest.raises(DataError, match="same file"):
        align(found, rows_of(found)[:1])


def test_groups_add_up_and_undefined_shares_are_none():
    found = reading()
    kept = found.table.text_score >= 0.45
    groups = group_rows(found.table, kept, measure(found.table, resamples=0))
    assert list(groups) == ["relation", "text_length"]  # of entities nothing is known
    assert [(group.name, group.right, group.wrong) for group in groups["relation"]] == [
        ("导演", 12, 12),
        ("编剧", 12, 12),
    ]
    (everything,) = groups["text_length"]
    assert everything.right_kept == int((kept & found.table.labels).sum())
    assert everything.precision_after == pytest.approx(everything.right_kept / kept.sum())
    right = found.table.where(found.table.labels)
    nothing = np.zeros(len(right), dtype=bool)
    group = group_rows(right, nothing, measure(right, resamples=0))["text_length"][0]
    assert (group.wrong_removed_share, group.precision_after, group.right_kept_share, group.auc) == (
        None,
        None,
        0,
        None,
    )


def test_kinds_are_only_counted_where_they_are_known():
    found = reading(texts=3)
    candidates = align(found, rows_of(found))
    assert {count.kind: count.total for count in kind_counts(candidates)} == {"swap": 6, "correct": 6}
    unnamed = replace(found, table=replace(found.table, error_kind=[None] * 12))
    assert kind_counts(align(unnamed, rows_of(unnamed))) == []


def test_the_worst_errors_are_the_most_confident_ones_of_different_texts():
    found = reading()
    worst = worst_errors(align(found, rows_of(found)), count=3)
    kept = [candidate.judged for candidate in worst.kept]
    assert all(j.supported and not j.label.supported for j in kept)
    assert all(not c.judged.supported and c.judged.label.supported for c in worst.rejected)
    scores = found.table.text_score[~found.table.labels]
    assert kept[0].text_score == scores.max()
    assert [j.text_score for j in kept] == sorted((j.text_score for j in kept), reverse=True)
    assert len({candidate.text for candidate in worst.kept}) == len(worst.kept) <= 3
