import numpy as np
import pytest

from cacre.errors import DataError
from cacre.evaluation.paired import Difference, paired_auc, paired_scores, require_same_texts
from cacre.evaluation.score_table import ScoreTable


def make_table(labels, scores):
    size = len(labels)
    nothing, names = np.full(size, np.nan), [None] * size
    return ScoreTable(
        label_source="support",
        text=np.arange(size) // 2,
        labels=np.asarray(labels, dtype=bool),
        text_score=np.asarray(scores, dtype=float),
        pair_score=nothing,
        strategy=names,
        relation=["号"] * size,
        text_length=np.full(size, 9),
        missed_gold=np.zeros((size + 1) // 2, dtype=np.int64),
        probability=nothing,
        agreement=nothing,
        error_kind=names,
        seen=nothing,
    )


def random_counts(share, seed, texts=300):
    generator = np.random.default_rng(seed)
    correct = generator.binomial(3, share, size=texts)
    return np.stack([correct, np.full(texts, 3), np.full(texts, 4), correct], axis=1)


def test_an_output_does_not_differ_from_itself():
    counts = random_counts(0.5, 1)
    found = paired_scores(counts, counts, resamples=50)["f1"]
    assert (found.value, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)


def test_a_plain_difference_is_found_and_turns_its_sign_with_the_order():
    good, bad = random_counts(0.7, 1), random_counts(0.5, 2)
    found, turned = paired_scores(good, bad, resamples=199), paired_scores(bad, good, resamples=199)
    assert found["f1"].interval[0] > 0
    assert found["f1"].p == pytest.approx(2 / 200)  # the smallest that 199 resamples allow
    assert turned["f1"].value == pytest.approx(-found["f1"].value)
    assert turned["f1"].p == found["f1"].p
    assert found["f1"].to_dict()["p"] == 0.01


def test_p_is_rarely_small_where_nothing_differs():
    pairs = [(random_counts(0.5, 2 * n, texts=60), random_counts(0.5, 2 * n + 1, texts=60)) for n in range(100)]
    small = [paired_scores(first, second, resamples=49)["f1"].p <= 0.2 for first, second in pairs]
    assert 10 <= sum(small) <= 32  # a fifth of the trials, give or take three standard errors


def test_areas_are_compared_on_the_same_draws():
    generator = np.random.default_rng(3)
    labels = generator.random(400) < 0.5
    good, bad = labels + generator.normal(0, 1, 400), labels * 0.3 + generator.normal(0, 1, 400)
    table = make_table(labels, good)
    found = paired_auc(table, good, bad, resamples=100)
    assert found.interval[0] > 0
    assert found.p == pytest.approx(2 / 101)
    same = paired_auc(table, good, 3 * good + 1, resamples=100)
    assert (same.value, same.interval, same.p) == (0.0, (0.0, 0.0), 1.0)


def test_undefined_resamples_are_left_out():
    found = Difference.of_samples(0.1, np.asarray([np.nan, 0.1, 0.2, -0.1]))
    assert found.interval is None
    assert found.p == pytest.approx(2 * (1 + 1) / (3 + 1))


def test_different_texts_are_refused():
    gold = {"甲。": [], "乙。": []}
    require_same_texts({"甲。": [], "丙。": []}, {"甲。": []}, gold)  # outside gold nothing counts
    with pytest.raises(DataError, match="1 texts of gold are in one output only, such as '乙。'"):
        require_same_texts({"甲。": []}, {"甲。": [], "乙。": []}, gold)
    with pytest.raises(DataError, match="same gold"):
        paired_scores(random_counts(0.5, 1), random_counts(0.5, 1, texts=299))
    with pytest.raises(DataError, match="same gold"):
        paired_scores(random_counts(0.5, 1), random_counts(0.5, 1) + 1)
    with pytest.raises(DataError, match="index 0"):
        paired_auc(make_table([1, 0], [1, 0]), [np.nan, 0.0], [0.1, 0.0])
