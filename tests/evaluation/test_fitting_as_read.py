"""What is fitted and guaranteed is about candidates as the bundled verifier reads them, not as they were said."""

import pytest

from cacre import load_verifier
from cacre.evaluation.fitting import fit_verifier
from cacre.evaluation.labelled_scores import LabelledText, acceptable, judged_columns
from cacre.types import Candidate, Triple

FILM = "《雾中渡》由林知远执导，顾青禾担任编剧。"


@pytest.fixture
def verifier():
    return load_verifier("mini-zh", threads=1)


def said_backwards(count):
    """Texts of three films each: 导演, of which one in four is right, and 执导作品, which is turned round and right."""
    rows = []
    for number in range(count):
        first, second = f"林{'知远亭川'[number % 4]}山", f"顾{'青禾舟白'[number // 4 % 4]}云"
        told = Candidate(Triple(f"雾{number}渡", "导演", first))
        turned = Candidate(Triple(second, "执导作品", f"雾{number}江"))
        text = f"《雾{number}渡》由{first}执导，{second}曾执导《雾{number}江》。"
        rows.append(LabelledText(text, (told, turned), (number % 4 == 0, True)))
    return rows


def test_a_relation_is_fitted_by_the_name_that_verdicts_look_it_up_by(verifier):
    rows = said_backwards(20)
    assert set(judged_columns((verifier, rows)).relation) == {"导演"}
    fitted = fit_verifier(verifier, rows, by_relation=True)
    assert set(fitted.calibration.relation_offsets) <= {"导演"}


def test_of_several_readings_the_one_that_is_judged_is_fitted(verifier):
    text = "林知远的妻子是顾青禾。"
    spouse = Candidate(Triple("林知远", "配偶", "顾青禾"))
    [verdict] = verifier.verify(text, [spouse])
    columns = judged_columns((verifier, [LabelledText(text, (spouse, spouse), (True, None))]))
    assert list(columns.relation) == [verdict.judged_as.predicate]


@pytest.mark.parametrize("predicate", ["导演", "导演\u200b", "导\ufeff演", "执导", "气味"])
def test_the_table_of_a_guarantee_holds_what_the_checks_let_through(verifier, predicate):
    candidates = tuple(Candidate(Triple("雾中渡", predicate, name)) for name in ("林知远", "顾青禾", "宋砚"))
    reasons = [verdict.reason for verdict in verifier.verify(FILM, candidates)]
    passed = [reason is None or reason.startswith(("text_score", "pair_score")) for reason in reasons]
    table, left_out = acceptable(verifier, [LabelledText(FILM, candidates, (True, True, True))], "support")
    assert len(table) == sum(passed) == left_out.candidates - left_out.total
    assert bool(left_out.unknown) is (predicate == "气味")
    assert table.missed_gold.tolist() == [3 - sum(passed)]
    assert passed[:2] == [predicate != "气味"] * 2
    assert set(table.relation) <= {"导演"}
