import sys

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from cacre.errors import ConfigError, DataError, MissingExtraError
from cacre.evaluation import brier_score, expected_calibration_error, fit_calibration, probabilities
from cacre.evaluation.calibration import OFFSET_SCALES, CalibrationSettings, CandidateColumns


def random_candidates(seed, size=4000):
    """Labels drawn from a known logistic law; a third without a pair score."""
    generator = np.random.default_rng(seed)
    texts, pairs = generator.uniform(-0.2, 1.0, (2, size))
    pairs[generator.random(size) < 1 / 3] = np.nan
    has_pair = ~np.isnan(pairs)
    logit = 4 * texts + 3 * np.where(has_pair, pairs, 0) - 1.5 * has_pair - 1
    truth = 1 / (1 + np.exp(-logit))
    return texts, pairs, generator.random(size) < truth, truth


def test_a_known_law_is_found_again():
    texts, pairs, labels, truth = random_candidates(0)
    found = fit_calibration(texts, pairs, labels)
    assert found.text_weight == pytest.approx(4, abs=0.5)
    assert found.pair_weight == pytest.approx(3, abs=0.6)
    assert found.has_pair_weight == pytest.approx(-1.5, abs=0.4)
    assert np.abs(probabilities(found, texts, pairs) - truth).max() < 0.06


def test_fresh_candidates_are_calibrated():
    found = fit_calibration(*random_candidates(0)[:3])
    texts, pairs, labels, _ = random_candidates(1)
    given = probabilities(found, texts, pairs)
    assert expected_calibration_error(labels, given) < 0.03
    assert brier_score(labels, given) < brier_score(labels, np.full(len(labels), labels.mean()))


def test_applying_equals_scikit_learn():
    texts, pairs, labels, _ = random_candidates(2, 300)
    has_pair = ~np.isnan(pairs)
    features = np.stack([texts, np.where(has_pair, pairs - np.nanmean(pairs), 0), has_pair - has_pair.mean()], axis=1)
    model = LogisticRegression(C=100.0, max_iter=1000).fit(features, labels)
    given = probabilities(fit_calibration(texts, pairs, labels), texts, pairs)
    np.testing.assert_allclose(given, model.predict_proba(features)[:, 1], atol=1e-9)


def test_scores_that_separate_the_labels_stay_finite():
    found = fit_calibration([0.1, 0.2, 0.8, 0.9], [np.nan] * 4, [0, 0, 1, 1])
    assert found.pair_weight == 0.0
    assert 0 < found.probability(0.1, None) < 0.5 < found.probability(0.9, None) < 1


def test_the_fit_and_the_file_compute_the_same_logit():
    texts, pairs, labels, _ = random_candidates(8, 1200)
    columns = CandidateColumns(relation=["甲", "乙", "丙"] * 400, agreement=np.where(texts > 0.4, 1 - texts, np.nan))
    found = fit_calibration(texts, pairs, labels, columns=columns)
    isotonic = fit_calibration(texts, pairs, labels, columns=columns, settings=CalibrationSettings("isotonic"))
    logits = [
        found.logit(t, p, agreement=a, relation=r)
        for t, p, a, r in zip(texts, pairs, columns.agreement, columns.relation, strict=True)
    ]
    assert isotonic.knots[0][0] == pytest.approx(min(logits))
    assert isotonic.knots[-1][0] == pytest.approx(max(logits))


def test_wrong_input_is_named():
    with pytest.raises(DataError, match="both labels"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 1])
    with pytest.raises(DataError, match="pair_scores"):
        fit_calibration([0.1, 0.2], [0.1], [1, 0])


def test_without_scikit_learn_the_pip_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cacre\[eval\]'"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 0])


def relation_candidates(seed, size=6000, labels=True):
    """Text scores with one law, and an offset of each relation's own; 3 candidates a text; agreement says something."""
    generator = np.random.default_rng(seed)
    names = np.asarray([f"关系{i}" for i in range(12)])
    offsets = np.random.default_rng(99).normal(0, 1.2, len(names))
    place = generator.integers(0, len(names), size)
    texts, agreement = generator.uniform(-0.2, 1.0, size), generator.uniform(0, 1, size)
    agreement[generator.random(size) < 0.5] = np.nan
    logit = 4 * texts - 1.5 + offsets[place] + np.where(np.isnan(agreement), 0, 2 * (agreement - 0.5))
    columns = CandidateColumns(np.arange(size) // 3, names[place].tolist(), agreement)
    return texts, np.full(size, np.nan), generator.random(size) < 1 / (1 + np.exp(-logit)), columns


def test_relations_and_agreement_make_better_probabilities_of_fresh_candidates():
    texts, pairs, labels, columns = relation_candidates(0)
    fresh_texts, fresh_pairs, fresh_labels, fresh_columns = relation_candidates(1)
    plain = fit_calibration(texts, pairs, labels)
    rich = fit_calibration(texts, pairs, labels, columns=columns)
    assert len(rich.relation_offsets) == 12
    before = brier_score(fresh_labels, probabilities(plain, fresh_texts, fresh_pairs))
    given = probabilities(rich, fresh_texts, fresh_pairs, columns=fresh_columns)
    assert brier_score(fresh_labels, given) < before - 0.02
    assert expected_calibration_error(fresh_labels, given) < 0.03


def test_offsets_of_a_given_scale_equal_scikit_learn_with_scaled_columns():
    texts, pairs, labels, columns = relation_candidates(2, 900)
    columns = CandidateColumns(columns.text, columns.relation)
    found = fit_calibration(texts, pairs, labels, columns=columns)
    names = sorted(found.relation_offsets)
    one_hot = np.asarray(columns.relation)[:, None] == np.asarray(names)
    given = probabilities(found, texts, pairs, columns=columns)
    distances = []
    for scale in OFFSET_SCALES[1:]:
        features = np.hstack([texts[:, None], one_hot * scale / 10])
        model = LogisticRegression(C=100.0, max_iter=1000).fit(features, labels)
        distances.append(np.abs(given - model.predict_proba(features)[:, 1]).max())
    assert min(distances) < 1e-3


def test_a_relation_with_few_labels_keeps_to_what_all_share():
    texts, pairs, labels, columns = relation_candidates(3, 3000)
    relation = list(columns.relation)
    relation[:9] = ["稀有"] * 9
    relation[9:33] = ["少见"] * 24
    labels[:33] = True
    found = fit_calibration(texts, pairs, labels, columns=CandidateColumns(columns.text, relation))
    assert "稀有" not in found.relation_offsets
    assert found.probability(0.5, None, relation="稀有") == found.probability(0.5, None)
    # 24 labels, all true: without shrinking there would be no finite offset at all
    assert 0 < found.relation_offsets["少见"] < 6


def test_relations_that_say_nothing_get_no_offsets_worth_the_name():
    texts, pairs, labels, _ = random_candidates(4, 3000)
    generator = np.random.default_rng(5)
    columns = CandidateColumns(relation=[f"关系{i}" for i in generator.integers(0, 12, len(texts))])
    found = fit_calibration(texts, pairs, labels, columns=columns)
    assert all(abs(offset) < 0.25 for offset in found.relation_offsets.values())


def test_a_missing_agreement_counts_as_the_average_one():
    texts, pairs, labels, columns = relation_candidates(6)
    everywhere = np.where(np.isnan(columns.agreement), 0.5, columns.agreement)
    found = fit_calibration(texts, pairs, labels, columns=CandidateColumns(agreement=everywhere))
    assert found.probability(0.5, None, agreement=float(everywhere.mean())) == pytest.approx(
        found.probability(0.5, None), abs=1e-6
    )


def stepped(seed, size=4000):
    """True with a chance that steps up at .5, which no logistic curve follows."""
    generator = np.random.default_rng(seed)
    texts = generator.uniform(0, 1, size)
    return texts, np.full(size, np.nan), generator.random(size) < np.where(texts < 0.5, 0.2, 0.8)


def test_isotonic_equals_scikit_learn_on_the_logit_and_is_rising():
    texts, pairs, labels = stepped(0)
    found = fit_calibration(texts, pairs, labels, settings=CalibrationSettings("isotonic"))
    given = probabilities(found, texts, pairs)
    reference = IsotonicRegression(out_of_bounds="clip").fit_transform(texts, labels.astype(float))
    least = 1 / (len(texts) + 2)
    np.testing.assert_allclose(given, np.clip(reference, least, 1 - least), atol=1e-6)
    assert (np.diff(given[np.argsort(texts)]) >= -1e-12).all()
    assert 0 < given.min() < given.max() < 1


def test_auto_takes_the_better_kind():
    auto = CalibrationSettings("auto")
    assert fit_calibration(*stepped(1), settings=auto).kind == "isotonic"
    assert fit_calibration(*random_candidates(0)[:3], settings=auto).kind == "logistic"
    assert fit_calibration(*stepped(1, 900), settings=auto).kind == "logistic"


def test_isotonic_needs_a_thousand_labels_copies_not_counted():
    with pytest.raises(ConfigError, match="at least 1000 labels, got 900"):
        fit_calibration(*stepped(2, 900), settings=CalibrationSettings("isotonic"))
    columns = CandidateColumns(weight=np.full(2700, 1 / 3))
    copies = [np.tile(column, 3) for column in stepped(2, 900)]
    with pytest.raises(ConfigError, match="got 900"):
        fit_calibration(*copies, columns=columns, settings=CalibrationSettings("isotonic"))


def test_a_text_score_that_points_the_wrong_way_is_not_used():
    texts, pairs, labels = stepped(3)
    found = fit_calibration(1 - texts, pairs, labels)
    assert found.text_weight == 0.0
    assert found.probability(0.1, None) == found.probability(0.9, None) == pytest.approx(labels.mean(), abs=1e-3)


def test_copies_weigh_as_one():
    texts, pairs, labels, columns = relation_candidates(7, 600)
    once = fit_calibration(texts, pairs, labels, columns=columns)
    tripled = CandidateColumns(
        np.tile(columns.text, 3), columns.relation * 3, np.tile(columns.agreement, 3), np.full(1800, 1 / 3)
    )
    thrice = fit_calibration(*(np.tile(column, 3) for column in (texts, pairs, labels)), columns=tripled)
    assert thrice.text_weight == pytest.approx(once.text_weight, rel=0.01)
    assert thrice.relation_offsets == pytest.approx(once.relation_offsets, abs=0.02)


def test_settings_and_columns_are_checked():
    with pytest.raises(ConfigError, match="kind of calibration must be one of"):
        CalibrationSettings("beta")
    with pytest.raises(ConfigError, match="folds"):
        CalibrationSettings(folds=1)
    with pytest.raises(DataError, match="relation"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 0], columns=CandidateColumns(relation=["导演"]))
    with pytest.raises(DataError, match="weight"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 0], columns=CandidateColumns(weight=[1, 0]))
    with pytest.raises(DataError, match="agreement"):
        fit_calibration([0.1, 0.2], [0.1, 0.2], [1, 0], columns=CandidateColumns(agreement=[1.0]))
