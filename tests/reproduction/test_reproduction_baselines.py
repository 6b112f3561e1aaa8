"""Baselines on the candidates of an experiment."""

from typing import get_args

import numpy as np
import pytest

import tiny_corpus
from cacre.baselines.protocol import Needs
from cacre.baselines.registry import BASELINES
from cacre.baselines.rule_filter import RuleFilter
from cacre.evaluation import roc_auc
from cacre.reproduction.baselines import (
    LABELS,
    NOT_RUN,
    Entry,
    RankedSet,
    baselines_table,
    entries,
    entry_scores,
    labelled,
    rank_quality,
    ranked_sets,
    score_baseline,
    training_rows,
)
from cacre.reproduction.candidate_sets import CandidateTexts
from cacre.types import Candidate, Triple

TEXTS = ("甲由乙执导。", "丙由丁执导，戊主演。")
SETS = CandidateTexts(
    name="LLM",
    texts=TEXTS,
    candidates=(
        (Candidate(Triple("甲", "导演", "乙")), Candidate(Triple("甲", "编剧", "乙"))),
        (Candidate(Triple("丙", "主演", "丁")),),
    ),
    negatives=((Triple("乙", "导演", "甲"),), (Triple("丁", "主演", "丙"), Triple("庚", "主演", "丙"))),
    gold={TEXTS[0]: [("甲", "导演", "乙")], TEXTS[1]: [("丙", "导演", "丁"), ("丙", "主演", "戊")]},
    support={(TEXTS[0], Triple("甲", "导演", "乙")): True, (TEXTS[1], Triple("丙", "主演", "丁")): False},
)


class Lengths:
    """Scores a triple by the length of its text; learns how often it was fitted."""

    name, needs = "lengths", "lists"

    def __init__(self):
        self.fitted = []

    def fit(self, rows):
        self.fitted.append(len(rows))

    def scores(self, pairs):
        return [[float(len(text))] * len(candidates) for text, candidates in pairs]


def test_each_source_of_labels_has_its_candidates():
    ranked = ranked_sets(SETS)
    lists, chosen = ranked["lists"]
    assert lists.labels.tolist() == [True] * 3 + [False] * 3
    assert lists.text.tolist() == [0, 0, 1, 0, 1, 1]
    assert chosen.all()
    gold, chosen = ranked["gold"]
    assert gold.labels.tolist() == [True, False, False]
    assert gold.missed == 2
    assert chosen.tolist() == [True] * 3 + [False] * 3
    support, chosen = ranked["support"]
    assert support.labels.tolist() == [True, False]
    assert support.text.tolist() == [0, 1]
    assert chosen.tolist() == [True, False, True, False, False, False]


def test_two_candidates_for_one_triple_of_gold_leave_the_other_missed():
    both = tuple(Candidate(Triple(name, "导演", "宋砚")) for name in ("长夜", "《长夜》"))
    gold = [("长夜", "导演", "宋砚"), ("长夜", "编剧", "林知远")]
    sets = CandidateTexts("x", ("长夜",), (both,), ((),), {"长夜": gold}, {})
    ranked, _ = ranked_sets(sets)["gold"]
    assert ranked.labels.tolist() == [True, True]
    assert ranked.missed == 1


def test_scores_stand_in_the_order_of_the_labels():
    assert score_baseline(Lengths(), SETS).tolist() == [6.0, 6.0, 10.0, 6.0, 10.0, 10.0]


def test_quality_is_that_of_the_curves_and_the_interval_holds_it():
    generator = np.random.default_rng(3)
    labels = generator.random(300) < 0.6
    seeds = [labels + generator.normal(size=300) for _ in range(2)]
    text = np.repeat(np.arange(100), 3)
    found = rank_quality(RankedSet(labels, text), seeds, 100, 200)
    assert found.auc.value == pytest.approx(np.mean([roc_auc(labels, scores) for scores in seeds]))
    assert found.auc.low < found.auc.value < found.auc.high
    assert 0 <= found.removed.low <= found.removed.value <= found.removed.high <= 1
    assert found.best_f1 >= 2 * labels.sum() / (len(labels) + labels.sum()) - 1e-9


def test_missed_gold_lowers_the_best_f1():
    labels, scores = np.array([True, False]), [np.array([1.0, 0.0])]
    assert rank_quality(RankedSet(labels, np.array([0, 1])), scores, 2, 20).best_f1 == 1.0
    assert rank_quality(RankedSet(labels, np.array([0, 1]), missed=1), scores, 2, 20).best_f1 == pytest.approx(2 / 3)


def test_labels_of_one_class_have_no_quality():
    found = rank_quality(RankedSet(np.ones(3, bool), np.arange(3)), [np.arange(3.0)], 3, 20)
    assert (found.auc, found.removed, found.best_f1) == (None, None, None)
    table = baselines_table({"x": dict.fromkeys(LABELS, found)}, {"x": "lists"}, not_run={})
    assert table.rows == [["x", "lists", "-", "-", "-", "-", "-"]]


def test_every_registered_baseline_is_in_the_table_or_said_not_to_be_run():
    table = baselines_table({}, {})
    assert [row[0] for row in table.rows] == ["LLM agreement", "LLM judge", "NLI model"]
    assert all(row[2].startswith("not run: needs ") and len(row) == len(table.header) for row in table.rows)
    run = {entry.make(0, ".").name for entry in entries() if not entry.needs_encoder} | {"bi_encoder", "cross_encoder"}
    assert set(BASELINES) - run == {"agreement", "llm_judge", "nli"}
    assert {told for told, _ in NOT_RUN.values()} <= set(get_args(Needs)), "said in the words of the baselines"


def test_a_baseline_with_chance_is_fitted_once_per_seed_on_that_seeds_rows():
    films, made = tiny_corpus.films(12), []

    def make(seed, folder):
        made.append((seed, folder, Lengths()))
        return made[-1][2]

    parts = {seed: training_rows(films, seed, 0.25)[0] for seed in (1, 2)}
    entry = Entry("lengths", "lists", make, chance=True)
    assert len(entry_scores(entry, [1, 2], parts.get, SETS, "enc")) == 2
    assert [(seed, folder) for seed, folder, _ in made] == [(1, "enc"), (2, "enc")]
    assert [one.fitted for _, _, one in made] == [[len(parts[1])], [len(parts[2])]]
    made.clear()
    assert len(entry_scores(Entry("lengths", "nothing", make), [1, 2], parts.get, SETS, "enc")) == 1
    assert made[0][2].fitted == []


def test_what_a_baseline_is_told():
    film = tiny_corpus.films(1)[0]
    [row] = labelled([film], "lists")
    assert row.labels.count(True) == len(film.anchors)
    assert labelled([film], "gold") == [], "no gold, no labels"
    known = type(film)(**{**{n: getattr(film, n) for n in film.__slots__}, "gold": film.anchors[:1]})
    [row] = labelled([known], "gold")
    assert list(row.labels) == [anchor in film.anchors[:1] for anchor in film.anchors]


def test_the_packaged_entries_can_be_made_without_an_encoder():
    made = {entry.title: entry.make(0, "") for entry in entries() if not entry.needs_encoder}
    assert isinstance(made["rule filter"], RuleFilter)
    assert all(entry.told == made[entry.title].needs for entry in entries() if entry.title in made)
