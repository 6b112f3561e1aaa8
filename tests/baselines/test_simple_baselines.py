"""Rules, the relation prior, agreement, and the registry."""

import pytest
from baseline_rows import labelled_rows, pairs_of
from hypothesis import given
from hypothesis import strategies as st

from cacre.baselines import BASELINES, make_baseline
from cacre.baselines.agreement import Agreement
from cacre.baselines.relation_prior import RelationPrior
from cacre.baselines.rule_filter import CHECKS, RuleFilter
from cacre.errors import ConfigError, DataError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.types import Candidate, Triple


@pytest.mark.parametrize(
    ("triple", "failed"),
    [
        (("雾港", "导演", "翟一舟"), set()),
        (("《雾港》", "导演", "翟 一舟"), set()),
        (("雾岗", "导演", "翟一舟"), {"subject in text"}),
        (("雾港", "导演", "翟二舟"), {"object in text"}),
        (("雾港", "导演", "雾港"), {"subject is not object"}),
        (("雾港", "踢球", "翟一舟"), {"predicate in schema", "types and direction"}),
        (("翟一舟", "导演", "《雾港》"), {"types and direction"}),
    ],
)
def test_each_rule_catches_its_fault(triple, failed):
    rules = RuleFilter()
    passed = rules.checks("雾港由翟一舟执导", Candidate(Triple(*triple)))
    assert {name for name, good in zip(CHECKS, passed, strict=True) if not good} == failed
    score = rules.scores([("雾港由翟一舟执导", [Candidate(Triple(*triple))])])[0][0]
    assert score == pytest.approx(1 - len(failed) / len(CHECKS))


def one(predicate, label):
    return LabelledText("文", (Candidate(Triple("甲", predicate, "乙")),), (label,))


def test_the_prior_is_drawn_towards_the_overall_share():
    prior = RelationPrior(strength=2.0)
    prior.fit([*[one("导演", True)] * 3, one("导演", None), one("作者", False)])
    pairs = [("文", [Candidate(Triple("甲", name, "乙")) for name in ("导演", "作者", "歌手")])]
    assert prior.scores(pairs)[0] == pytest.approx([(3 + 2 * 0.75) / 5, 2 * 0.75 / 3, 0.75])


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.floats(0.01, 100))
def test_a_prior_lies_between_its_share_and_the_overall_one(labels, strength):
    prior = RelationPrior(strength)
    prior.fit([one("导演", True), *(one("作者", label) for label in labels)])
    found = prior.scores([("文", [Candidate(Triple("甲", "作者", "乙"))])])[0][0]
    own, overall = sum(labels) / len(labels), (sum(labels) + 1) / (len(labels) + 1)
    assert own - 1e-9 <= found <= overall + 1e-9


def test_the_prior_says_what_is_amiss():
    with pytest.raises(ConfigError, match="fit"):
        RelationPrior().scores([])
    with pytest.raises(DataError, match="labelled"):
        RelationPrior().fit([one("导演", None)])
    with pytest.raises(ConfigError, match="strength"):
        RelationPrior(0)


def test_agreement_is_read_from_the_row():
    triple = Triple("甲", "导演", "乙")
    candidates = [Candidate(triple, extra=extra) for extra in ({"agreement": 0.75}, {}, {"agreement": "much"})]
    assert Agreement().scores([("文", candidates)]) == [[0.75, 0.5, 0.5]]


def test_the_registry_makes_what_it_names():
    for name in ("rule_filter", "relation_prior", "surface_trees", "evidence_trees", "agreement"):
        baseline = make_baseline(name)
        assert baseline.name == name
        assert BASELINES[name] is type(baseline)
    rules = make_baseline("rule_filter")
    rules.fit(labelled_rows())
    assert len(rules.scores(pairs_of(labelled_rows()))) == 20


def test_the_registry_refuses_what_it_does_not_know():
    with pytest.raises(ConfigError, match=r"'rules' is unknown.*rule_filter, relation_prior.*nli"):
        make_baseline("rules")
    with pytest.raises(ConfigError, match="it takes strength, needs"):
        make_baseline("relation_prior", weight=3)
    with pytest.raises(ConfigError, match="folder"):
        make_baseline("cross_encoder")
