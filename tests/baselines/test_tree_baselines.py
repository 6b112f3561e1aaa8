"""Trees on surface features and on string evidence."""

import math
import sys

import numpy as np
import pytest
from baseline_rows import flat, labelled_rows, pairs_of

from cacre.baselines.evidence_trees import NEIGHBOURS, EvidenceTrees
from cacre.baselines.relation_trees import RelationTrees, TreeSettings
from cacre.baselines.surface_trees import NUMBERS, SurfaceTrees, surface_numbers
from cacre.errors import ConfigError, DataError, MissingExtraError
from cacre.evaluation import roc_auc
from cacre.evaluation.labelled_scores import LabelledText
from cacre.preprocessing.evidence import VALUES
from cacre.preprocessing.scan import CueIndex, scan_text
from cacre.schema import load_schema
from cacre.types import Candidate, Triple

SMALL = TreeSettings(iterations=20, learning_rate=0.2, min_leaf=5, features_per_split=0.5)
TREES = [SurfaceTrees(SMALL), EvidenceTrees(settings=SMALL)]


@pytest.mark.parametrize("trees", TREES, ids=lambda trees: trees.name)
def test_trees_tell_swapped_from_right_on_new_texts(trees):
    rows = [LabelledText(r.text, r.candidates[:2], r.labels[:2]) for r in labelled_rows(60)]
    trees.fit(rows[:40])
    labels = flat(row.labels for row in rows[40:])
    assert roc_auc(labels, flat(trees.scores(pairs_of(rows[40:])))) > 0.95


@pytest.mark.parametrize("trees", TREES, ids=lambda trees: trees.name)
def test_a_score_does_not_depend_on_other_texts(trees):
    rows = labelled_rows(30)
    trees.fit(rows)
    together = trees.scores(pairs_of(rows))
    assert together == [trees.scores([pair])[0] for pair in pairs_of(rows)]
    assert trees.scores([("空", ())]) == [[]]
    assert trees.scores([]) == []


@pytest.mark.parametrize("make", [SurfaceTrees, EvidenceTrees])
def test_the_seed_decides(make):
    rows = labelled_rows(30)
    settings = [TreeSettings(20, 0.2, min_leaf=5, features_per_split=0.2, seed=seed) for seed in (0, 0, 1)]
    found = []
    for each in settings:
        trees = make(settings=each)
        trees.fit(rows)
        found.append(trees.scores(pairs_of(rows)))
    assert found[0] == found[1] != found[2]


def test_a_number_that_no_training_row_has_tells_nothing():
    numbers = np.column_stack([np.arange(40.0), np.full(40, np.nan)])
    trees = RelationTrees(SMALL)
    trees.fit(["x"] * 40, numbers, [number >= 20 for number in range(40)])
    low, high = trees.probabilities(["x", "x"], np.array([[1.0, np.nan], [39.0, np.nan]]))
    assert low < high
    assert trees.probabilities(["x"], np.array([[39.0, 7.0]])) == [high]


def test_candidates_that_are_not_judged_are_not_learned_from():
    rows = labelled_rows(30)
    blind = [LabelledText(r.text, r.candidates, (r.labels[0], r.labels[1], None)) for r in rows]
    without = [LabelledText(r.text, r.candidates[:2], r.labels[:2]) for r in rows]
    scores = []
    for data in (blind, without, rows):
        trees = EvidenceTrees(settings=SMALL)
        trees.fit(data)
        scores.append(trees.scores(pairs_of(rows)))
    assert scores[0] == scores[1] != scores[2]


def test_a_relation_not_seen_in_training_is_scored():
    trees = SurfaceTrees(SMALL)
    trees.fit(labelled_rows(30))
    assert 0 <= trees.scores([("雾港由翟一舟作曲", [Candidate(Triple("雾港", "作曲", "翟一舟"))])])[0][0] <= 1


def test_more_relations_than_a_column_may_have():
    trees = RelationTrees(SMALL)
    names = [f"关系{number % 300}" for number in range(900)]
    trees.fit(names, np.zeros((900, 1)), [number % 300 < 150 for number in range(900)])
    assert len(trees.probabilities(names, np.zeros((900, 1)))) == 900


def test_the_surface_of_a_candidate():
    triples = [Triple("雾港", "导演", "翟一舟"), Triple("雾港", "编剧", "柏青")]
    numbers = surface_numbers("《雾港》由翟一舟执导，翟一舟主演", list(map(Candidate, triples)))
    first, second = (dict(zip(NUMBERS, row, strict=True)) for row in numbers.tolist())
    assert numbers.shape == (2, 21)
    assert (first["subject_at"], first["object_at"], first["object_after_subject"], first["apart"]) == (1, 5, 4, 4)
    assert (first["object_occurrences"], second["object_occurrences"]) == (2, 0)
    assert (first["same_subject"], first["same_pair"], first["relations"], second["place"]) == (2, 1, 2, 1)
    assert math.isnan(second["object_at"])


def test_the_evidence_of_a_candidate():
    trees = EvidenceTrees()
    scan = scan_text("《雾港》由翟一舟执导，好看", CueIndex(load_schema("duie")))
    numbers = dict(zip((*VALUES, *NEIGHBOURS), trees.numbers(scan, Triple("雾港", "导演", "翟一舟")), strict=True))
    assert numbers["before_subject"] == ord("《")
    assert numbers["after_object"] == ord("执")
    assert (numbers["gap"], numbers["subject_at"], numbers["object_at"], numbers["cue_to_object"]) == (2, 1, 5, 3)
    absent = trees.numbers(scan, Triple("长街", "导演", "柏林"))
    assert all(map(math.isnan, absent[len(VALUES) :]))


@pytest.mark.parametrize("make", [SurfaceTrees, EvidenceTrees])
def test_trees_say_what_is_amiss(make, monkeypatch):
    with pytest.raises(ConfigError, match="fit"):
        make().scores([])
    with pytest.raises(DataError, match="1 candidates, 1 of them right"):
        make().fit([LabelledText("文", (Candidate(Triple("甲", "导演", "乙")),), (True,))])
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(MissingExtraError, match="eval"):
        make().fit(labelled_rows(2))


@pytest.mark.parametrize("wrong", [{"iterations": 0}, {"l2": -1.0}, {"features_per_split": 1.5}])
def test_settings_are_checked(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SurfaceTrees(TreeSettings(**wrong))
