import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.errors import ConfigError, DataError
from cacre.evaluation import fit_thresholds, keep
from cacre.inference.thresholds import Thresholds

STRATEGIES = ("paraphrase", "schema", "siblings")
NAN = float("nan")


def random_candidates(seed, size, strategies=STRATEGIES, levels=20):
    """Scores on a few levels (ties), true candidates higher; about one in six without a pair score."""
    generator = np.random.default_rng(seed)
    labels = generator.random(size) < 0.6
    texts, pairs = (np.round(generator.normal(0.4 + 0.2 * labels, 0.15).clip(-1, 1) * levels) / levels for _ in "tp")
    names = generator.choice([*strategies, None] if len(strategies) > 1 else list(strategies), size)
    pairs[(names == None) | (generator.random(size) < 0.05)] = np.nan  # noqa: E711  (elementwise)
    return texts, pairs, labels, names.tolist()


def scores_of(kept, labels, missed):
    true = int((kept & labels).sum())
    kept_all = int(kept.sum())
    return true, kept_all, 2 * true / (kept_all + labels.sum() + missed)


def exhaustive(texts, pairs, labels, names, missed):
    """The best F1 over every pair of thresholds that tells one strategy's candidates apart."""
    best = 0.0
    for first in [-1.0, *np.unique(texts)]:
        for second in [-1.0, *np.unique(pairs[~np.isnan(pairs)])]:
            kept = (texts >= first) & (np.isnan(pairs) | (pairs >= second))
            best = max(best, scores_of(kept, labels, missed)[2])
    return best


@pytest.mark.parametrize("seed", range(20))
def test_one_strategy_equals_exhaustive_search(seed):
    texts, pairs, labels, names = random_candidates(seed, 40, ("paraphrase",))
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=seed % 4)
    assert fitted.f1 == pytest.approx(exhaustive(texts, pairs, labels, names, seed % 4), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_two_strategies_equal_exhaustive_search(seed):
    texts, pairs, labels, names = random_candidates(seed, 30, ("paraphrase", "schema"), levels=6)
    names_array = np.asarray(names, dtype=object)
    best = 0.0
    grids = [np.unique(pairs[(names_array == name) & ~np.isnan(pairs)]) for name in ("paraphrase", "schema")]
    for first in [-1.0, *np.unique(texts)]:
        for a in [-1.0, *grids[0]]:
            for b in [-1.0, *grids[1]]:
                limits = np.where(names_array == "paraphrase", a, b)
                best = max(best, scores_of((texts >= first) & (np.isnan(pairs) | (pairs >= limits)), labels, 2)[2])
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=2)
    assert fitted.f1 == pytest.approx(best, abs=1e-12)


def test_the_reported_scores_are_those_of_the_rule():
    texts, pairs, labels, names = random_candidates(3, 500)
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=40)
    kept = keep(texts, pairs, names, fitted)
    true, kept_all, f1 = scores_of(kept, labels, 40)
    assert fitted.precision == pytest.approx(true / kept_all)
    assert fitted.recall == pytest.approx(true / (labels.sum() + 40))
    assert fitted.f1 == pytest.approx(f1)
    assert fitted.tpr == pytest.approx(true / labels.sum())
    assert fitted.fpr == pytest.approx((kept & ~labels).sum() / (~labels).sum())
    assert set(fitted.pair_thresholds) == set(STRATEGIES)
    assert (keep(texts, pairs, names, fitted.as_thresholds()) == kept).all()


def test_each_strategy_gets_the_threshold_that_its_scale_needs():
    pairs = np.asarray([0.9, 0.8, 0.3, 0.2, 0.5, 0.4, 0.1, 0.05])
    labels = np.asarray([1, 1, 0, 0, 1, 1, 0, 0])
    names = ["paraphrase"] * 4 + ["siblings"] * 4
    fitted = fit_thresholds(np.full(8, 0.7), pairs, labels, strategies=names)
    assert fitted.f1 == 1.0
    assert fitted.text_threshold == -1.0
    assert 0.3 < fitted.pair_thresholds["paraphrase"] <= 0.8
    assert 0.1 < fitted.pair_thresholds["siblings"] <= 0.4


def test_thresholds_lie_between_scores_and_ties_go_to_the_looser():
    fitted = fit_thresholds([0.2, 0.4, 0.8], [NAN] * 3, [0, 1, 1], strategies=[None] * 3)
    assert fitted.text_threshold == pytest.approx(0.3)
    assert fitted.pair_thresholds == {}
    # neither threshold is needed twice: the text score alone separates, so that the pair threshold stays off
    fitted = fit_thresholds([0.2, 0.4, 0.8], [0.1, 0.5, 0.6], [0, 1, 1], strategies=["schema"] * 3)
    assert (fitted.text_threshold, fitted.pair_thresholds["schema"]) == (-1.0, pytest.approx(0.3))


def expected_f1(kept, chances, missed):
    return 2 * chances[kept].sum() / (kept.sum() + chances.sum() + missed)


@pytest.mark.parametrize("pair_weight", [0, 25])
@pytest.mark.parametrize("seed", range(5))
def test_by_probabilities_the_f1_to_expect_is_the_best_and_a_pair_threshold_worth_a_candidate(seed, pair_weight):
    texts, pairs, labels, names = random_candidates(seed, 80, ("paraphrase",))
    # texts and pairs lie around 0.4 to 0.6
    chances = 1 / (1 + np.exp(-10 * (texts - 0.5) - pair_weight * (np.nan_to_num(pairs, nan=0.5) - 0.5)))
    missed = seed % 4
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, probabilities=chances, missed_gold=missed)

    def value(first, second):
        kept = (texts >= first) & (np.isnan(pairs) | (pairs >= second))
        return expected_f1(kept, chances, missed) - (second > -1) / (labels.sum() + missed)

    thresholds = fitted.text_threshold, fitted.pair_thresholds["paraphrase"]
    grid = [-1.0, *np.unique(texts)], [-1.0, *np.unique(pairs[~np.isnan(pairs)])]
    assert value(*thresholds) == pytest.approx(max(value(a, b) for a in grid[0] for b in grid[1]), abs=1e-12)
    assert (thresholds[1] > -1) == (pair_weight > 0)
    assert thresholds[0] > -1 or pair_weight
    assert fitted.f1 == pytest.approx(scores_of(keep(texts, pairs, names, fitted), labels, missed)[2])


def test_a_lucky_neighbour_does_not_move_the_threshold():
    # 0.2 and 0.35 are wrong by chance: what is to be expected keeps them
    scores, labels = [0.1, 0.2, 0.35, 0.42, 0.5, 0.6], [0, 0, 0, 1, 1, 1]
    given = {"strategies": [None] * 6}
    by_labels = fit_thresholds(scores, [NAN] * 6, labels, **given).text_threshold
    chances = [0.05, 0.5, 0.7, 0.8, 0.9, 0.95]
    assert by_labels > 0.35
    assert fit_thresholds(scores, [NAN] * 6, labels, **given, probabilities=chances).text_threshold < 0.2


@pytest.mark.parametrize("seed", range(8))
def test_limits_are_kept_by_labels_whatever_the_probabilities(seed):
    texts, pairs, labels, names = random_candidates(seed, 200)
    chances = np.random.default_rng(seed).random(200)  # know nothing
    given = {"strategies": names, "probabilities": chances}
    assert fit_thresholds(texts, pairs, labels, **given, target_precision=0.8).precision >= 0.8
    assert fit_thresholds(texts, pairs, labels, **given, max_recall_loss=0.05).recall >= 0.95 - 1e-12


def test_the_price_of_pair_thresholds_does_not_hide_that_limits_are_kept():
    # one true candidate; a third of what is kept is right only if each of three strategies takes out its lower one
    names, pairs = ["paraphrase", "schema", "siblings"] * 2, [0.9, 0.9, 0.9, 0.1, 0.1, 0.1]
    given = {"strategies": names, "probabilities": [0.9, *[0.1] * 5], "target_precision": 0.33}
    fitted = fit_thresholds([0.5] * 6, pairs, [1, 0, 0, 0, 0, 0], **given)
    assert fitted.precision == pytest.approx(1 / 3)
    assert min(fitted.pair_thresholds.values()) > 0


@pytest.mark.parametrize("chances", [[0.5] * 3, [0.5, 0.5, 0.5, 1.1], [0.5, 0.5, 0.5, NAN]])
def test_probabilities_that_are_none_are_refused(chances):
    with pytest.raises(DataError, match="probabilities must"):
        fit_thresholds([0.1, 0.2, 0.3, 0.4], [NAN] * 4, [0, 1, 0, 1], strategies=[None] * 4, probabilities=chances)


def test_missed_gold_loosens():
    # the lower the F1, the fewer true candidates a false one costs
    texts, pairs, labels, names = random_candidates(5, 400, ("paraphrase",))
    fits = [fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=m) for m in (0, 100, 1000)]
    assert fits[0].fpr <= fits[1].fpr <= fits[2].fpr
    assert fits[0].fpr < fits[2].fpr
    assert fits[0].tpr < fits[2].tpr


def test_limits_are_kept_and_named_when_they_cannot_be():
    texts, pairs, labels, names = random_candidates(7, 600)
    everything = labels.sum() / (labels.sum() + 50)
    free = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=50)
    careful = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=50, max_recall_loss=0.01)
    assert everything - free.recall > 0.01
    assert everything - careful.recall <= 0.01 + 1e-12
    assert free.f1 >= careful.f1
    precise = fit_thresholds(texts, pairs, labels, strategies=names, target_precision=0.95, criterion="recall")
    assert precise.precision >= 0.95
    f1 = fit_thresholds(texts, pairs, labels, strategies=names, target_precision=0.95)
    assert f1.precision >= 0.95
    with pytest.raises(ConfigError, match=r"max_recall_loss=0.0 and target_precision=0.99"):
        fit_thresholds(texts, pairs, labels, strategies=names, target_precision=0.99, max_recall_loss=0.0)


@pytest.mark.parametrize("seed", range(8))
def test_a_precision_that_can_be_reached_is_reached(seed):
    texts, pairs, labels, names = random_candidates(seed, 60, ("paraphrase", "schema"))
    odd = np.asarray([name == "schema" for name in names])
    labels = np.where(odd, np.arange(60) % 3 == 0, labels)  # one strategy is mostly wrong
    for target in (0.6, 0.8, 0.9):
        # tau_1 alone is among the thresholds searched, so that what it reaches must be reached
        reachable = any(labels[texts >= t].mean() >= target for t in np.unique(texts))
        if reachable:
            fitted = fit_thresholds(texts, pairs, labels, strategies=names, target_precision=target)
            assert fitted.precision >= target


def test_youden_maximises_the_difference_of_rates():
    texts, pairs, labels, names = random_candidates(9, 300, ("paraphrase",))
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, criterion="youden")
    best = max(
        keep(texts, pairs, names, Thresholds(a, {"paraphrase": b}))[labels].mean()
        - keep(texts, pairs, names, Thresholds(a, {"paraphrase": b}))[~labels].mean()
        for a in [-1.0, *np.unique(texts)]
        for b in [-1.0, *np.unique(pairs[~np.isnan(pairs)])]
    )
    assert fitted.tpr - fitted.fpr == pytest.approx(best)


def test_twenty_thousand_candidates():
    generator = np.random.default_rng(0)
    labels = generator.random(20_000) < 0.65
    texts, pairs = (generator.normal(0.6 + 0.1 * labels, 0.1).clip(-1, 1) for _ in range(2))
    names = generator.choice(STRATEGIES, 20_000).tolist()
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=3000)
    assert fitted.f1 > 2 * labels.sum() / (20_000 + labels.sum() + 3000) + 0.01


def test_a_coarse_grid_spreads_over_the_ranks():
    scores = np.linspace(0, 1, 1001)
    labels = scores > 0.25
    fitted = fit_thresholds(scores, np.full(1001, NAN), labels, strategies=[None] * 1001, grid=3)
    assert fitted.text_threshold == pytest.approx(0.25, abs=0.002)


def test_off_lets_a_rounded_cosine_through():
    thresholds = Thresholds(-1.0, {"schema": -1.0})
    assert keep([-1.0000001, 0.1], [-1.0000001, 0.1], ["schema", "other"], thresholds).all()


SCORE = st.floats(-1, 1, width=32)
CANDIDATES = st.lists(
    st.tuples(SCORE, st.one_of(st.just(NAN), SCORE), st.booleans(), st.sampled_from(STRATEGIES)),
    min_size=1,
    max_size=30,
).filter(lambda rows: any(row[2] for row in rows))


@settings(max_examples=60, deadline=None)
@given(CANDIDATES, SCORE, st.dictionaries(st.sampled_from(STRATEGIES), SCORE), st.floats(0, 1))
def test_loosening_never_rejects_more(rows, first, seconds, step):
    texts, pairs, _, names = zip(*rows, strict=True)
    strict = keep(texts, pairs, names, Thresholds(first, seconds))
    loose = Thresholds(first - step, {name: limit - step for name, limit in seconds.items()})
    assert (keep(texts, pairs, names, loose) >= strict).all()


@settings(max_examples=60, deadline=None)
@given(CANDIDATES, st.integers(0, 20))
def test_fitting_is_never_worse_than_keeping_everything(rows, missed):
    texts, pairs, labels, names = zip(*rows, strict=True)
    fitted = fit_thresholds(texts, pairs, labels, strategies=names, missed_gold=missed)
    everything = scores_of(np.ones(len(rows), dtype=bool), np.asarray(labels), missed)[2]
    assert fitted.f1 >= everything
    kept = keep(texts, pairs, names, fitted)
    assert fitted.f1 == pytest.approx(scores_of(kept, np.asarray(labels), missed)[2])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"labels": [0, 0]}, DataError, "nothing to fit"),
        ({"pair_scores": [0.1]}, DataError, r"\[2\], \[1\] and 2"),
        ({"strategies": ["schema", None]}, DataError, "candidate 1 has pair score 0.2 but no strategy"),
        ({"pair_scores": [0.1, np.inf]}, DataError, "finite"),
        ({"text_scores": [-3.0, 0.1]}, DataError, "got a score of -3"),
        ({"criterion": "accuracy"}, ConfigError, "'accuracy'"),
        ({"grid": 0}, ConfigError, "grid"),
        ({"missed_gold": -1}, ConfigError, "missed_gold"),
        ({"target_precision": 95}, ConfigError, "target_precision"),
    ],
)
def test_wrong_input_is_named(change, error, message):
    values = {"text_scores": [0.5, 0.1], "pair_scores": [0.1, 0.2], "labels": [1, 0], "strategies": ["schema"] * 2}
    with pytest.raises(error, match=message):
        fit_thresholds(**{**values, **change})
