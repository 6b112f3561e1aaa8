import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import tiny_model
from cacre.data import Row, parse_row
from cacre.data.conversion import CandidateSet
from cacre.errors import ConfigError, DataError
from cacre.evaluation.certificate import GuaranteeSettings
from cacre.evaluation.fitting import Requirements, certify_verifier, fit_new_relations, fit_verifier, write_thresholds
from cacre.evaluation.labelled_scores import LabelledText, judged_columns
from cacre.evaluation.labelling import (
    label_all_by_gold,
    label_by_gold,
    label_by_lists,
    label_by_support,
    label_candidates,
    of_relations,
)
from cacre.inference import DecisionRules, OnnxVerifier
from cacre.inference.decision import Scores, check_scores
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
    rules = DecisionRules()

    def __init__(self, text_scores, pair_scores):
        self.text_scores, self.pair_scores, self.asked = text_scores, pair_scores, []

    def score_as_read(self, pairs, strategies=("paraphrase", "schema", "siblings")):
        self.asked.append(tuple(strategies))
        return [(candidates, self._scores(candidates, strategies)) for _, candidates in pairs]

    def _scores(self, candidates, strategies):
        return [
            Scores(
                self.text_scores[c.triple.object],
                None if plan.strategy is None else self.pair_scores[plan.strategy][c.triple.object],
                plan.strategy,
            )
            for c, plan in zip(candidates, plan_companions(candidates, self.schema, strategies), strict=True)
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
        LabelledText("甲", candidates[:20], tuple(TRUE[:20]), lists=True),
        LabelledText("乙", candidates[20:], tuple(TRUE[20:]), lists=True),
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


def test_rows_of_one_text_share_their_gold():
    gold = [RIGHT, Triple("雾中渡", "主演", "顾青禾")]
    first, second = label_all_by_gold([(FILM, [Candidate(WRONG)], gold), (FILM, [Candidate(RIGHT)], gold[:1])])
    assert (first.labels, second.labels) == ((False,), (True,))
    assert (first.missed_gold, second.missed_gold) == (1, 0)


def test_rows_of_one_text_are_drawn_together():
    verifier, texts = many_texts(1500)
    settings = GuaranteeSettings(max_per_text=1)
    ask = {"precision": 0.9, "delta": 0.1, "label_source": "gold", "settings": settings}
    assert certify_verifier(verifier, texts, **ask).texts > 100
    with pytest.raises(DataError, match="too few to guarantee"):
        certify_verifier(
            verifier, [replace(row, text=texts[number % 5].text) for number, row in enumerate(texts)], **ask
        )


def test_candidates_without_gold_have_no_labels():
    with pytest.raises(DataError, match="gold: the row has no gold"):
        label_candidates(CandidateSet(FILM, (Candidate(RIGHT),), None))


def test_gold_of_the_other_script():
    said = Triple("霧中渡", "導演", "林知遠")
    meant = Triple("雾中渡", "导演", "林知远")
    for gold, candidate in ((said, meant), (meant, said)):
        row = label_by_gold("《霧中渡》由林知遠執導。", [Candidate(candidate)], [gold])
        assert (row.labels, row.missed_gold) == ((True,), 0)


def support_row(triples, **keys):
    raw = {"text": FILM, "triples": triples, **keys}
    return Row("c.jsonl", 3, raw, parse_row(raw, "candidates"))


def item(triple, **keys):
    return {**triple._asdict(), **keys}


@pytest.mark.parametrize(
    "row",
    [
        support_row([item(RIGHT), item(WRONG)], labels=[{"supported": 1, "kind": None}, {"supported": 0}]),
        support_row([item(RIGHT, label=1), item(WRONG, label=0)]),
        support_row([item(RIGHT, supported=True), item(WRONG, supported=False)]),
        support_row([item(RIGHT, label={"supported": 1}), item(WRONG, label={"supported": 0, "kind": "relation"})]),
    ],
)
def test_support_labels_in_each_shape(row):
    found = label_by_support(row)
    assert found.labels == (True, False)
    assert [candidate.triple for candidate in found.candidates] == [RIGHT, WRONG]


def test_support_labels_may_be_missing_or_wrong():
    assert label_by_support(support_row([item(RIGHT), item(WRONG)])) is None
    assert label_by_support(support_row([item(RIGHT, supported=None)])) is None
    assert label_by_support(support_row([item(RIGHT, supported=1), item(WRONG, supported=None)])).labels == (True, None)
    with pytest.raises(DataError, match=r"c\.jsonl:3: labels"):
        label_by_support(support_row([item(RIGHT)], labels=[1, 0]))
    with pytest.raises(DataError, match=r"c\.jsonl:3: triples\[0\]\.label: .*got 'yes'"):
        label_by_support(support_row([item(RIGHT, label="yes")]))


def test_candidates_that_are_not_judged_are_compared_with_but_not_fitted_on():
    judged = fit_verifier(separable(), rows())
    stray = Candidate(Triple("雾中渡", "导演", NAMES[0] + "某"))
    verifier = separable()
    verifier.text_scores[stray.triple.object] = 1.0
    for scores in verifier.pair_scores.values():
        scores[stray.triple.object] = 1.0
    first, second = rows()
    more = LabelledText(first.text, (*first.candidates, stray), (*first.labels, None))
    fitted = fit_verifier(verifier, [more, second])
    assert fitted == judged


def many_texts(size, wrong_above=0.0):
    """Texts that hold their names; text scores rise from 0 to 1, and what is below .5 is wrong."""
    generator = np.random.default_rng(0)
    scores = dict(zip((f"人{i}" for i in range(size)), generator.random(size), strict=True))
    labels = {n: bool(s > 0.5 and generator.random() >= wrong_above) for n, s in scores.items()}
    same = dict.fromkeys(scores, 0.5)
    verifier = FakeVerifier(scores, {"paraphrase": same, "schema": same, "siblings": same})
    texts = [
        LabelledText(f"《雾中渡》由{n}执导。", (Candidate(Triple("雾中渡", "导演", n)),), (labels[n],)) for n in scores
    ]
    return verifier, texts


def test_certified_thresholds_are_those_of_the_file():
    verifier, texts = many_texts(1500)
    settings = GuaranteeSettings(max_per_text=1)
    certificate = certify_verifier(verifier, texts, 0.9, 0.1, label_source="gold", settings=settings)
    assert 0.4 < certificate.text_threshold < 0.55
    fitted = fit_verifier(verifier, texts, certificate=certificate, fitted_on={"data": "dev"})
    assert (fitted.text_threshold, fitted.pair_thresholds) == (certificate.text_threshold, certificate.pair_thresholds)
    record = json.loads(json.dumps(fitted.to_dict()))["fitted_on"]
    assert (record["criterion"], record["data"]) == ("guarantee", "dev")
    assert record["guarantee"]["precision"] == 0.9
    assert record["guarantee"]["p_value"] <= 0.1
    assert any("exchangeable" in line for line in record["guarantee"]["rests_on"])


def test_what_a_check_rejects_is_not_accepted_and_what_is_not_judged_is_wrong():
    verifier, texts = many_texts(600)
    settings = GuaranteeSettings(max_per_text=1)
    ask = {"precision": 0.9, "delta": 0.1, "label_source": "support", "settings": settings}
    plain = certify_verifier(verifier, texts, **ask)
    # the names do not stand in these texts, so that the mention check rejects them whatever their scores
    absent = [LabelledText("甲乙丙丁。", row.candidates, (False,)) for row in texts]
    mixed = [text for pair in zip(texts, absent, strict=True) for text in pair]
    assert certify_verifier(verifier, mixed, **ask).empirical_precision > 0.9
    right = [LabelledText(row.text, row.candidates, (True,)) for row in absent]
    many = certify_verifier(verifier, [text for pair in zip(texts, right, strict=True) for text in pair], **ask)
    assert many.recall < 0.5 < plain.recall
    unjudged = [LabelledText(row.text, row.candidates, (None,)) for row in texts]
    with pytest.raises(ConfigError, match="cannot be guaranteed"):
        certify_verifier(verifier, unjudged, **ask)
    assert plain.label_source == "support"


def test_made_up_lists_cannot_guarantee():
    with pytest.raises(ConfigError, match="contrastive lists cannot guarantee"):
        certify_verifier(separable(), rows(), 0.9, 0.1, label_source="lists")


def test_agreement_and_relation_reach_the_calibration():
    verifier, texts = many_texts(400, wrong_above=0.3)
    generator = np.random.default_rng(1)
    told = []
    for row in texts:
        (candidate,), (label,) = row.candidates, row.labels
        extra = {"agreement": float(np.clip(0.6 * label + generator.normal(0.2, 0.2), 0, 1))}
        told.append(LabelledText(row.text, (replace(candidate, extra=extra),), (label,)))
    calibration = fit_verifier(verifier, told, by_relation=True).calibration
    assert calibration.agreement_weight > 1
    assert fit_verifier(verifier, texts).calibration.agreement_weight == 0.0


def test_each_strategy_has_its_threshold_between_true_and_false():
    verifier = separable()
    fitted = fit_verifier(verifier, rows(), fitted_on={"data": "dev"})
    assert verifier.asked == [("paraphrase", "schema", "siblings"), ("paraphrase",), ("siblings",)]
    assert set(fitted.pair_thresholds) == {"paraphrase", "schema", "siblings"}
    for strategy, (low, high) in {"paraphrase": (0.7, 0.9), "schema": (0.4, 0.6), "siblings": (0.1, 0.3)}.items():
        assert low < fitted.pair_thresholds[strategy] <= high
    record = fitted.fitted_on
    assert record["f1"] == record["precision"] == record["recall"] == 1.0
    assert (record["data"], record["texts"], record["candidates"], record["true"]) == ("dev", 2, 40, 20)
    assert record["target_precision"] is None


def decided_by_schema(count=400):
    """At inference each candidate meets its schema's paraphrase, which says nothing; its siblings would say all."""
    generator = np.random.default_rng(0)
    names = [f"人{i}" for i in range(count)]
    labels = (generator.random(count) < 0.5).tolist()
    noise = dict(zip(names, generator.random(count), strict=True))
    told = {name: 0.9 if label else 0.1 for name, label in zip(names, labels, strict=True)}
    verifier = FakeVerifier(
        dict(zip(names, 0.2 * generator.random(count), strict=True)),
        {"paraphrase": told, "schema": noise, "siblings": told},
    )
    candidates = tuple(Candidate(Triple("雾中渡", "导演", name)) for name in names)
    return verifier, [LabelledText("甲", candidates, tuple(labels))]


@pytest.mark.parametrize(
    "wanted", [Requirements(), Requirements(target_precision=0.58), Requirements(max_recall_loss=0.2)]
)
def test_what_is_recorded_is_what_the_decision_rule_keeps(wanted):
    verifier, [row] = decided_by_schema()
    fitted = fit_verifier(verifier, [row], requirements=wanted)
    [(_, scores)] = verifier.score_as_read([(row.text, row.candidates)])
    kept = np.asarray([check_scores(score, fitted, DecisionRules()) is None for score in scores])
    right = np.asarray(row.labels)
    record = fitted.fitted_on
    assert record["precision"] == round(right[kept].mean(), 4)
    assert record["recall"] == round(kept[right].mean(), 4)
    assert right[kept].mean() >= (wanted.target_precision or 0)
    assert kept[right].mean() >= 1 - (wanted.max_recall_loss or 1)


def test_a_strategy_that_decides_nothing_gets_its_threshold_at_the_given_text_threshold():
    verifier, rows_ = decided_by_schema()
    fitted = fit_verifier(verifier, rows_)
    assert set(fitted.pair_thresholds) == {"paraphrase", "schema", "siblings"}
    assert fitted.pair_thresholds["siblings"] == pytest.approx(0.5)


def test_paraphrases_of_lists_do_not_tell_the_label():
    said = Triple("林知远", "掌镜拍出", "雾中渡")
    row = label_by_lists(Example(FILM, (RIGHT,), (said,), (WRONG,)))
    same = dict.fromkeys(("林知远", "顾青禾"), 0.5)
    verifier = FakeVerifier(same, {"paraphrase": same, "schema": same, "siblings": same})
    assert judged_columns((verifier, [row])).strategies == ["schema", "schema"]
    assert judged_columns((verifier, [replace(row, lists=False)])).strategies == ["paraphrase", "schema"]


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
    strict = fit_verifier(overlapping(), rows(), requirements=Requirements(target_precision=1.0))
    assert free.fitted_on["precision"] < 1.0
    assert strict.fitted_on["precision"] == 1.0
    assert strict.fitted_on["recall"] < free.fitted_on["recall"]
    assert strict.text_threshold > free.text_threshold
    assert strict.fitted_on["target_precision"] == 1.0


def test_limits_that_nothing_meets():
    with pytest.raises(ConfigError):
        fit_verifier(overlapping(), rows(), requirements=Requirements(1.0, 0.01))


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


def test_what_thresholds_gain_over_keeping_all():
    texts = [LabelledText(f"{name}。", (Candidate(Triple("雾中渡", "导演", name)),), (right,)) for name, right in
             zip(NAMES, TRUE, strict=True)]  # fmt: skip
    texts[0] = replace(texts[0], missed_gold=5)
    found = fit_verifier(separable(), texts).fitted_on
    assert found["kept_all"] == {"precision": 0.5, "recall": 0.8, "f1": 0.6154}
    low, high = found["f1_gain_interval"]
    assert 0 < low < found["f1"] - found["kept_all"]["f1"] < high
    assert fit_verifier(separable(), texts[:8]).fitted_on["f1_gain_interval"] is None, "of 8 texts nothing is known"


def test_scores_that_tell_nothing_gain_no_more_than_chance():
    rng = np.random.default_rng(5)
    noise = FakeVerifier({name: float(score) for name, score in zip(NAMES, rng.uniform(size=40), strict=True)},
                         {s: dict.fromkeys(NAMES, 0.5) for s in ("paraphrase", "schema", "siblings")})  # fmt: skip
    texts = [LabelledText(f"{name}。", (Candidate(Triple("雾中渡", "导演", name)),), (right,)) for name, right in
             zip(NAMES, TRUE, strict=True)]  # fmt: skip
    low, _ = fit_verifier(noise, texts).fitted_on["f1_gain_interval"]
    assert low <= 0


def test_new_relations_are_fitted_on_the_texts_of_several_verifiers():
    higher = FakeVerifier(
        {name: score + 0.5 for name, score in separable().text_scores.items()}, separable().pair_scores
    )
    first, second = rows()
    fitted = fit_new_relations([(separable(), [first]), (higher, [second])], fitted_on={"data": ["a", "b"]})
    facts = fitted.fitted_on
    assert (facts["texts"], facts["candidates"], facts["true"], facts["data"]) == (2, 40, 20, ["a", "b"])
    scores = [*(separable().text_scores[n] for n in NAMES[:20]), *(higher.text_scores[n] for n in NAMES[20:])]
    expected = fit_verifier(FakeVerifier(dict(zip(NAMES, scores, strict=True)), separable().pair_scores), rows())
    assert fitted.text_threshold == expected.text_threshold
    assert fitted.pair_thresholds == expected.pair_thresholds
    assert fitted.calibration == expected.calibration
    with pytest.raises(DataError, match="fitting needs true and false ones"):
        fit_new_relations([(separable(), [of_relations(first, ())])])


def test_candidates_of_other_relations_are_left_out():
    row = LabelledText(
        FILM, (Candidate(RIGHT), Candidate(WRONG._replace(predicate="编剧"))), (True, None), missed_gold=2
    )
    assert of_relations(row, {"编剧"}) == replace(row, candidates=row.candidates[1:], labels=(None,), missed_gold=0)
