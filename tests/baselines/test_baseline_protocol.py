"""The verifier that a baseline becomes, and how a triple is said."""

import pytest
from baseline_rows import flat, labelled_rows, pairs_of
from hypothesis import given
from hypothesis import strategies as st

from cacre.baselines.protocol import BaselineVerifier, judged, per_text, squash, verbalise
from cacre.baselines.rule_filter import RuleFilter
from cacre.errors import ConfigError, DataError
from cacre.evaluation.fitting import fit_verifier
from cacre.evaluation.labelled_scores import LabelledText
from cacre.inference import Verifier, filter_rows
from cacre.inference.decision import reason_kind
from cacre.types import Candidate, Triple


class ByObject:
    """Scores a candidate by a number in its object, on a scale of its own."""

    name = "by_object"
    needs = "nothing"

    def fit(self, rows):
        pass

    def scores(self, pairs):
        return [[float(candidate.triple.object) for candidate in candidates] for _, candidates in pairs]


def test_a_triple_is_said_in_the_language_of_its_predicate():
    assert verbalise(Triple("雾港", "导演", "翟一舟")) == "雾港的导演是翟一舟"
    assert verbalise(Triple("Fog Port", "birthPlace", "Alma")) == "Fog Port birth place Alma"
    assert verbalise(Triple("Fog Port", "directed_by", "林晓")) == "Fog Port directed by 林晓"


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_squashing_keeps_the_order_and_the_range(left, right):
    assert -1 <= squash(left) <= 1
    assert (squash(left) <= squash(right)) or left > right


def test_the_verifier_follows_its_threshold():
    verifier = BaselineVerifier(ByObject(), squash(2.0))
    assert isinstance(verifier, Verifier)
    verdicts = verifier.verify(
        "甲乙", [Triple("甲", "导演", "1"), Triple("甲", "导演", "2"), Triple("甲", "导演", "9")]
    )
    assert [verdict.outcome for verdict in verdicts] == ["rejected", "supported", "supported"]
    assert verdicts[0].text_score == pytest.approx(0.5)
    assert verdicts[0].margin == pytest.approx(0.5 - 2 / 3)
    assert reason_kind(verdicts[0].reason) == "text_score below threshold"
    assert verdicts[1].margin == 0.0


def test_without_a_threshold_everything_is_kept():
    verdicts = BaselineVerifier(ByObject()).verify("甲", [Triple("甲", "导演", "-1e30")])
    assert verdicts[0].supported
    assert verdicts[0].margin is None


def test_filtering_in_chunks_changes_nothing():
    verifier = BaselineVerifier(RuleFilter(), squash(0.9))
    rows = pairs_of(labelled_rows())
    assert list(filter_rows(verifier, rows, chunk=3)) == verifier.verify_many(rows)
    assert verifier.verify_many(rows) == [verifier.verify(*row) for row in rows]


def test_thresholds_are_fitted_on_a_baseline():
    # so many labels that they decide by themselves, see smoothed_labels
    rows = [
        LabelledText(f"文{n}", (Candidate(Triple("甲", "导演", str(n % 20))),), (n % 20 > 10,)) for n in range(2000)
    ]
    thresholds = fit_verifier(BaselineVerifier(ByObject()), rows)
    assert squash(10.0) < thresholds.text_threshold <= squash(11.0)
    verifier = BaselineVerifier(ByObject(), thresholds.text_threshold)
    assert [v.supported for v in flat(verifier.verify_many(pairs_of(rows)))] == [row.labels[0] for row in rows]


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="text"):
        BaselineVerifier(ByObject()).verify(" ", [])
    with pytest.raises(ConfigError, match=r"\[-1, 1\]"):
        BaselineVerifier(ByObject(), 2.0)


def test_what_is_not_judged_is_left_out():
    row = LabelledText("文", tuple(Candidate(Triple("甲", "导演", str(n))) for n in range(3)), (True, None, False))
    assert [(c.triple.object, label) for _, c, label in judged([row])] == [("0", True), ("2", False)]


def test_values_go_back_to_their_texts():
    candidate = Candidate(Triple("甲", "导演", "乙"))
    assert per_text([1, 2, 3], [("a", [candidate]), ("b", []), ("c", [candidate] * 2)]) == [[1], [], [2, 3]]
