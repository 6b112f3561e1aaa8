"""A guaranteed precision on candidates whose scores are known to tell, or known not to tell, right from wrong."""

from dataclasses import replace

import numpy as np
import pytest

from cacre.evaluation.score_table import ScoreTable
from cacre.inference import DecisionRules, Scores
from cacre.reproduction.candidate_sets import CandidateTexts
from cacre.reproduction.guaranteed import gold_table, guarantee_table, guarantee_trial
from cacre.schema import load_schema
from cacre.types import Candidate, Triple


def made_up(texts: int, told: float, seed: int = 0) -> ScoreTable:
    """Two candidates a text, 60 % of them right; the score of a right one is higher by `told`."""
    rng = np.random.default_rng(seed)
    labels = rng.random(2 * texts) < 0.6
    unknown = np.full(2 * texts, np.nan)
    nothing = [None] * (2 * texts)
    return ScoreTable(
        label_source="gold",
        text=np.repeat(np.arange(texts), 2),
        labels=labels,
        text_score=np.clip(0.4 * rng.standard_normal(2 * texts) + told * labels, -1, 1),
        pair_score=unknown,
        strategy=nothing,
        relation=["导演"] * (2 * texts),
        text_length=np.full(2 * texts, 20),
        missed_gold=np.zeros(texts, dtype=np.int64),
        probability=unknown,
        agreement=unknown,
        error_kind=nothing,
        seen=unknown,
    )


def test_scores_that_tell_are_certified_and_the_other_half_agrees():
    trial = guarantee_trial(made_up(1200, told=0.7), 0.75, 0.6, halvings=20)
    assert trial.certified == 1.0
    assert trial.precision >= 0.75
    assert trial.below <= 0.2
    assert 0.3 < trial.recall < 1.0


def test_scores_that_tell_nothing_are_refused():
    trial = guarantee_trial(made_up(600, told=0.0), 0.75, 0.6, halvings=10)
    assert trial.certified == 0.0
    assert np.isnan(trial.precision)
    assert guarantee_table({"x": [trial]}).rows == [["x (600 texts)", "60.0", "75.0", "0.0", "-", "-", "-"]]


def test_halves_share_no_text():
    table = made_up(10, told=1.0)
    half = table.of_texts(np.asarray([7, 2]))
    assert half.text.tolist() == [1, 1, 0, 0]
    assert half.labels.tolist() == [*table.labels[4:6], *table.labels[14:16]]
    assert len(half.missed_gold) == 2


class Constant:
    """Gives every candidate the same score."""

    schema = load_schema("duie")
    rules = DecisionRules()

    def score_as_read(self, pairs, strategies=()):
        return [(candidates, [Scores(0.5) for _ in candidates]) for _, candidates in pairs]


@pytest.fixture
def sets():
    text = "《雾》由何伟执导。"
    candidates = (Candidate(Triple("雾", "导演", "何伟")), Candidate(Triple("雾", "编剧", "何伟")))
    gold = {text: [("雾", "导演", {"@value": "何伟"}), ("雾", "主演", "何伟")]}
    return CandidateTexts("s", (text,), (candidates,), ((),), gold, {})


def test_gold_labels_what_passes_the_checks(sets):
    table = gold_table(Constant(), sets)
    assert table.labels.tolist() == [True, False]
    assert table.missed_gold.tolist() == [1]
    absent = replace(sets, candidates=((Candidate(Triple("雾", "导演", "无名氏")),),))
    assert len(gold_table(Constant(), absent)) == 0, "a name that the text lacks fails a check"
