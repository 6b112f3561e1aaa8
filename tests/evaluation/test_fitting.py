import json
import shutil

import pytest

import tiny_model
from cacre.data.conversion import CandidateSet
from cacre.errors import ConfigError, DataError
from cacre.evaluation.fitting import (
    LabelledText,
    fit_verifier,
    label_by_gold,
    label_by_lists,
    label_candidates,
    write_thresholds,
)
from cacre.inference import DecisionRules, OnnxVerifier
from cacre.inference.decision import Scores
from cacre.inference.pairing import plan_companions
from cacre.inference.thresholds import Thresholds
from cacre.schema import load_schema
from cacre.types import Candidate, Example, Triple

FILM = "《雾中渡》由林知远执导，顾青禾主演。"
RIGHT, WRONG = Triple("雾中渡", "导演", "林知远"), Triple("雾中渡", "导演", "顾青禾")
PARAPHRASE = Triple("林知远", "执导", "雾中渡")


class FakeVerifier:
    """Scores by hand; the pair strategies are the real ones."""

    schema = load_schema("duie")

    def __init__(self, text_scores, pair_scores):
        self.text_scores, self.pair_scores, self.asked = text_scores, pair_scores, []

    def score_many(self, pairs, strategies=("paraphrase", "schema", "siblings")):
        self.asked.append(tuple(strategies))
        return [
            [
                Scores(
                    self.text_scores[c.triple.object],
                    None if plan.strategy is None else self.pair_scores[plan.strategy][c.triple.object],
                    plan.strategy,
                )
                for c, plan in zip(candidates, plan_companions(candidates, self.schema, strategies), strict=True)
            ]
            for _, candidates in pairs
        ]


NAMES = [f"人{i}" for i in range(40)]
TRUE = [i % 2 == 0 for i in range(40)]


def separable(**scales):
    """Text scores overlap in the middle; pair scores tell true from false, each strategy on a scale of its own."""
    text = {n: (0.4 if t else 0.2) + 0.3 * i / 40 for i, (n, t) in enumerate(zip(NAMES, TRUE, strict=True))}
    scale = {"paraphrase": (0.9, 0.7), "schema": (0.6, 0.4), "siblings": (0.3, 0.1), **scales}
    pair = {s: {n: high if t else low for n, t in zip(NAMES, TRUE, strict=True)} for s, (high, low) in scale.items()}
    return FakeVerifier(text, pair)


def rows(predicate="导演"):
    candidates = tuple(
        Candidate(Triple("雾中渡", predicate, n), paraphrase=Triple(n, "执导", "雾中渡") if t else None)
        for n, t in zip(NAMES, TRUE, strict=True)
    )
    return [
        LabelledText("甲", candidates[:20], tuple(TRUE[:20])),
        LabelledText("乙", candidates[20:], tuple(TRUE[20:])),
    ]


def test_lists_label_anchors_true_and_the_rest_false():
    hard = Triple("雾中渡", "编剧", "林知远")
    example = Example(FILM, (RIGHT, RIGHT), (PARAPHRASE, PARAPHRASE), (WRONG, WRONG), hard=(hard, WRONG, RIGHT))
    row = label_by_lists(example)
    assert row.text == FILM
    assert [c.triple for c in row.candidates] == [RIGHT, WRONG, hard]
    assert [c.paraphrase for c in row.candidates] == [PARAPHRASE, None, None]
    assert row.labels == (True, False, False)
    assert row.missed_gold == 0


def test_gold_labels_by_the_normalisation_of_the_scorer():
    gold = [
        Triple("《雾中渡》", "导演", "林知远"),
        Triple("雾中渡", "主演", "顾青禾"),
        Triple("雾中渡", "主演", "顾青禾"),
    ]
    row = label_by_gold(FILM, [Candidate(RIGHT), Candidate(WRONG)], gold)
    assert row.labels == (True, False)
    assert row.missed_gold == 1
    assert label_candidates(CandidateSet(FILM, (Candidate(RIGHT), Candidate(WRONG)), tuple(gold))) == row


def test_candidates_without_gold_have_no_labels():
    with pytest.raises(DataError, match="gold: the row has no gold"):
        label_candidates(CandidateSet(FILM, (Candidate(RIGHT),), None))


def test_each_strategy_has_its_threshold_between_true_and_false():
    verifier = separable()
    fitted = fit_verifier(verifier, rows(), fitted_on={"data": "dev"})
    assert verifier.asked == [("paraphrase",), ("schema",), ("siblings",)]
    assert set(fitted.pair_thresholds) == {"paraphrase", "schema", "siblings"}
    for strategy, (low, high) in {"paraphrase": (0.7, 0.9), "schema": (0.4, 0.6), "siblings": (0.1, 0.3)}.items():
        assert low < fitted.pair_thresholds[strategy] <= high
    record = fitted.fitted_on
    assert record["f1"] == record["precision"] == record["recall"] == 1.0
    assert (record["data"], record["texts"], record["candidates"], record["true"]) == ("dev", 2, 40, 20)
    assert record["target_precision"] is None


def test_a_predicate_outside_the_schema_is_compared_with_paraphrases_and_siblings_only():
    fitted = fit_verifier(separable(), rows("气味"))
    assert set(fitted.pair_thresholds) == {"paraphrase", "siblings"}


def test_the_probability_separates_too():
    """Where the strategies share a scale: the calibration has one weight for all of them."""
    verifier = separable(schema=(0.9, 0.7), siblings=(0.9, 0.7))
    fitted = fit_verifier(verifier, rows())
    kept = [fitted.calibration.probability(verifier.text_scores[n], verifier.pair_scores["schema"][n]) for n in NAMES]
    assert all(0 <= p <= 1 for p in kept)
    assert min(p for p, t in zip(kept, TRUE, strict=True) if t) > max(
        p for p, t in zip(kept, TRUE, strict=True) if not t
    )


def overlapping():
    """Pair scores say nothing; text scores overlap, so that precision has its price."""
    text = {
        n: 0.5 + (0.01 if t else 0.0) * i - (0.0 if t else 0.004) * i
        for i, (n, t) in enumerate(zip(NAMES, TRUE, strict=True))
    }
    text[NAMES[39]] = text[NAMES[30]] + 1e-3
    same = dict.fromkeys(NAMES, 0.5)
    return FakeVerifier(text, {"paraphrase": same, "schema": same, "siblings": same})


def test_target_precision_is_reached_at_the_price_of_recall():
    free = fit_verifier(overlapping(), rows())
    strict = fit_verifier(overlapping(), rows(), target_precision=1.0)
    assert free.fitted_on["precision"] < 1.0
    assert strict.fitted_on["precision"] == 1.0
    assert strict.fitted_on["recall"] < free.fitted_on["recall"]
    assert strict.text_threshold > free.text_threshold
    assert strict.fitted_on["target_precision"] == 1.0


def test_limits_that_nothing_meets():
    with pytest.raises(ConfigError):
        fit_verifier(overlapping(), rows(), target_precision=1.0, max_recall_loss=0.01)


def test_missed_gold_counts_in_recall():
    complete = fit_verifier(separable(), rows())
    first, second = rows()
    missed = LabelledText(first.text, first.candidates, first.labels, missed_gold=20)
    fitted = fit_verifier(separable(), [missed, second])
    assert fitted.fitted_on["recall"] == pytest.approx(complete.fitted_on["recall"] / 2)


@pytest.mark.parametrize("labels", [(), (True, True), (False, False)])
def test_one_label_is_not_enough(labels):
    given = [LabelledText(FILM, (Candidate(RIGHT), Candidate(WRONG))[: len(labels)], labels)]
    verifier = FakeVerifier(
        {"林知远": 0.5, "顾青禾": 0.4},
        {s: {"林知远": 0.1, "顾青禾": 0.2} for s in ("paraphrase", "schema", "siblings")},
    )
    with pytest.raises(DataError, match=rf"{len(labels)} candidates, {sum(labels)} of them true"):
        fit_verifier(verifier, given)


def test_written_thresholds_are_read_again(tmp_path):
    fitted = fit_verifier(separable(), rows(), fitted_on={"data": "dev"})
    write_thresholds(tmp_path, fitted)
    values = json.loads((tmp_path / "thresholds.json").read_text(encoding="utf-8"))
    assert Thresholds.from_dict(values) == fitted
    assert [p.name for p in tmp_path.iterdir()] == ["thresholds.json"]


def test_a_fitted_folder_decides_as_it_was_fitted(tiny_folder, tmp_path):
    """With the real verifier and its own thresholds."""
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    film, person, company = tiny_model.SENTENCES
    made = [
        (
            film,
            [("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "顾青禾"), ("雾中渡", "主演", "林知远")],
            (True, True, False),
        ),
        (person, [("林知远", "妻子", "顾青禾"), ("林知远", "丈夫", "松河市")], (True, False)),
        (company, [("云岫科技", "创始人", "贺一鸣"), ("临澜", "创始人", "贺一鸣")], (True, False)),
    ]
    labelled = [LabelledText(t, tuple(Candidate(Triple(*c)) for c in row), labels) for t, row, labels in made]
    verifier = OnnxVerifier(folder, threads=1)
    fitted = fit_verifier(verifier, labelled)
    write_thresholds(folder, fitted)
    decided = OnnxVerifier(folder, threads=1, rules=DecisionRules(schema_checks=False, mention_checks=False))
    assert decided.thresholds == fitted
    for row in labelled:
        for verdict in decided.verify(row.text, row.candidates):
            text_passes = verdict.text_score >= fitted.text_threshold
            limits = fitted.pair_thresholds.values()
            assert verdict.probability is not None
            if verdict.supported:
                assert text_passes
                assert verdict.pair_score is None or verdict.pair_score >= min(limits)
            else:
                assert not text_passes or verdict.pair_score < max(limits)
