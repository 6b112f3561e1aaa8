import numpy as np
import pytest

from cacre.errors import ConfigError, DataError
from cacre.evaluation.certificate import GuaranteeSettings
from cacre.evaluation.guarantee import certify
from cacre.evaluation.score_table import ScoreTable
from cacre.evaluation.thresholds import fit_thresholds, keep
from cacre.inference.thresholds import Thresholds

DRAWS, DELTA, PRECISION = 500, 0.1, 0.85
MOST_VIOLATIONS = 71
"""Of 500 draws that each fail with a chance of .1, more than this many fail with a chance below .001."""


def population(generator, texts, *, clustered=0.0, shift=0.0):
    """Text numbers, scores and labels; the chance of being right rises with the score, `clustered` is shared by a text.

    `shift` lowers it at the same scores, as another extractor or domain would.
    """
    text = np.repeat(np.arange(texts), np.minimum(1 + generator.poisson(1.4, texts), 8))
    score = generator.random(len(text))
    effect = clustered * generator.normal(size=texts)[text]
    return text, score, generator.random(len(text)) < 1 / (1 + np.exp(-(7 * (score - 0.35) + effect - shift)))


def table(text, score, labels, *, texts=None, pair=None, missed=None):
    n, texts = len(text), texts or int(text.max()) + 1
    nan = np.full(n, np.nan)
    return ScoreTable(
        label_source="support",
        text=np.asarray(text),
        labels=np.asarray(labels, dtype=bool),
        text_score=np.asarray(score, dtype=float),
        pair_score=nan if pair is None else np.asarray(pair, dtype=float),
        strategy=[None if pair is None else "schema"] * n,
        relation=["导演"] * n,
        text_length=np.full(n, 40),
        missed_gold=np.zeros(texts, dtype=np.int64) if missed is None else missed,
        probability=nan,
        agreement=nan,
        error_kind=[None] * n,
        seen=nan,
    )


def true_precision(**kinds):
    """A function from a threshold to the precision above it, over a very large sample."""
    _, score, labels = population(np.random.default_rng(0), 400_000, **kinds)
    order = np.argsort(-score)
    above, precision = score[order], np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    return lambda threshold: precision[max(np.searchsorted(-above, -threshold, side="right") - 1, 0)]


def certified(texts, draws=DRAWS, settings=None, **kinds):
    """Certificates of so many draws; None where nothing is certified."""
    found = []
    for seed in range(draws):
        columns = population(np.random.default_rng(1000 + seed), texts, **kinds)
        try:
            found.append(certify(table(*columns, texts=texts), PRECISION, DELTA, settings=settings))
        except (ConfigError, DataError):
            found.append(None)
    return found


def violations(certificates, precision):
    return sum(c is not None and precision(c.text_threshold) < PRECISION for c in certificates)


@pytest.mark.slow
@pytest.mark.parametrize(("clustered", "certifying"), [(0.0, 0.95), (1.5, 0.5)])
def test_the_guarantee_holds_over_500_draws_and_is_not_vacuous(clustered, certifying):
    found = certified(600, clustered=clustered)
    assert violations(found, true_precision(clustered=clustered)) <= MOST_VIOLATIONS
    kept = [c.recall for c in found if c is not None]
    assert len(kept) / DRAWS > certifying
    assert np.mean(kept) > 0.5


@pytest.mark.slow
def test_fitting_to_the_precision_instead_is_wrong_half_of_the_time():
    """What the guarantee is for, and proof that the count of violations can see one."""
    precision, wrong = true_precision(), 0
    for seed in range(100):
        text, score, labels = population(np.random.default_rng(1000 + seed), 600)
        nothing = np.full(len(text), np.nan)
        fitted = fit_thresholds(
            score, nothing, labels, strategies=[None] * len(text), criterion="recall", target_precision=PRECISION
        )
        wrong += precision(fitted.text_threshold) < PRECISION
    assert wrong > 30


def test_nothing_holds_on_shifted_data():
    """Documented, not promised: the same thresholds on texts of another kind."""
    found = certified(1000, draws=6)
    elsewhere = true_precision(shift=1.0)
    assert all(c is not None for c in found)
    assert violations(found, elsewhere) == len(found)


def test_betting_is_the_stronger_test():
    weak = certified(1000, draws=5, settings=GuaranteeSettings(test="hoeffding_bentkus"))
    strong = certified(1000, draws=5)
    assert sum(c is not None for c in strong) == 5 > sum(c is not None for c in weak)


def test_the_certificate_says_what_the_testing_texts_show():
    text, score, labels = population(np.random.default_rng(1), 1500)
    whole = table(text, score, labels, missed=np.full(1500, 1))
    found = certify(whole, PRECISION, DELTA)
    assert found == certify(whole, PRECISION, DELTA)
    assert found.texts == 1050
    assert found.p_value <= DELTA
    assert found.empirical_precision > PRECISION
    assert 0 < found.accepted < len(text)
    # every text misses one right triple, of about 1.5 and that one
    assert found.recall < 0.7
    assert found.hypotheses > 1
    assert (found.heavier_texts, found.label_source) == (0, "support")


def test_a_stricter_demand_keeps_less():
    columns = population(np.random.default_rng(2), 2000)
    loose, strict = (certify(table(*columns), p, DELTA) for p in (0.75, 0.9))
    assert loose.text_threshold < strict.text_threshold
    assert loose.recall > strict.recall


def test_more_texts_keep_more_on_average():
    few, many = (np.mean([c.recall for c in certified(texts, draws=6)]) for texts in (800, 3200))
    assert few < many


def test_pair_thresholds_are_used_where_they_help_and_left_as_given():
    generator = np.random.default_rng(3)
    text, score, _ = population(generator, 2500)
    pair = generator.random(len(text))
    labels = generator.random(len(text)) < np.where((pair > 0.5) & (score > 0.3), 0.97, 0.3)
    both = table(text, score, labels, pair=pair)
    found = certify(both, 0.9, DELTA)
    assert 0.4 < found.pair_thresholds["schema"] < 0.6
    kept = keep(score, pair, ["schema"] * len(text), Thresholds(found.text_threshold, found.pair_thresholds))
    assert labels[kept].mean() > 0.9
    given = certify(both, 0.9, DELTA, pair_thresholds={"schema": 0.7})
    assert given.pair_thresholds == {"schema": 0.7}
    with pytest.raises(ConfigError, match="cannot be guaranteed"):
        certify(table(text, score, labels), 0.9, DELTA)


def test_heavy_texts_count_as_the_largest_allowed():
    """1 % of the texts bring 200 wrong candidates each: most of what is accepted is wrong, by texts hardly any."""
    generator = np.random.default_rng(4)
    text, score, labels = population(generator, 3000)
    labels = score > 0.05
    heavy = np.repeat(np.arange(3000, 3030), 200)
    columns = (
        np.concatenate([text, heavy]),
        np.concatenate([score, generator.random(len(heavy))]),
        np.concatenate([labels, np.zeros(len(heavy), dtype=bool)]),
    )
    found = certify(table(*columns), 0.85, DELTA, settings=GuaranteeSettings(max_per_text=2))
    assert found.heavier_texts > 0
    assert found.empirical_precision < 0.85  # plain precision, which is not what is guaranteed then
    with pytest.raises(ConfigError, match="cannot be guaranteed"):
        certify(table(*columns), 0.85, DELTA, settings=GuaranteeSettings(max_per_text=200))


def test_saying_everything_twice_changes_nothing_where_every_text_is_heavy():
    text, score, labels = population(np.random.default_rng(10), 800)
    settings = GuaranteeSettings(max_per_text=1)
    once = certify(table(text, score, labels), PRECISION, DELTA, settings=settings)
    doubled = (np.repeat(column, 2) for column in (text, score, labels))
    twice = certify(table(*doubled), PRECISION, DELTA, settings=settings)
    assert twice.p_value == pytest.approx(once.p_value)
    assert twice.text_threshold == pytest.approx(once.text_threshold, abs=0.01)
    assert twice.accepted == pytest.approx(2 * once.accepted, rel=0.01)


def test_texts_without_candidates_change_nothing_but_the_draw():
    text, score, labels = population(np.random.default_rng(5), 1000)
    found = certify(table(3 * text, score, labels, texts=3000), PRECISION, DELTA)
    assert found.texts < 750
    assert found.accepted < len(text)


def test_too_few_texts_are_refused_with_the_number_needed():
    columns = population(np.random.default_rng(6), 40)
    with pytest.raises(
        DataError, match=r"28 texts .*too few to guarantee precision 0\.85 with delta 0\.1: .*about \d+"
    ):
        certify(table(*columns), PRECISION, DELTA)
    with pytest.raises(DataError, match="0 texts with candidates"):
        nothing = np.empty(0, dtype=np.int64)
        certify(table(nothing, nothing, nothing, texts=3), PRECISION, DELTA)


def test_what_cannot_be_shown_is_refused_with_what_would_help():
    columns = population(np.random.default_rng(7), 250)
    with pytest.raises(ConfigError, match=r"label about \d+ texts"):
        certify(table(*columns), 0.9, DELTA)
    text, score, _ = population(np.random.default_rng(8), 1000)
    coin = np.random.default_rng(9).random(len(text)) < 0.5
    with pytest.raises(ConfigError, match="or use a better model"):
        certify(table(text, score, coin), 0.9, DELTA)


@pytest.mark.parametrize("right", [1700, 1701, 1702])
def test_nobody_is_told_to_label_an_absurd_number_of_texts(right):
    """Precision is that asked for, or hardly above it, at the only threshold there is."""
    labels = np.random.default_rng(9).permutation(2000) < right
    with pytest.raises(ConfigError, match="ask for less, or use a better model"):
        certify(table(np.arange(2000), np.full(2000, 0.5), labels), PRECISION, DELTA)
    with pytest.raises(DataError, match="more than 100000 labelled texts would be needed"):
        certify(table(np.arange(2000), np.full(2000, 0.5), labels), 0.999999, DELTA)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_wrong_demands_are_named(value):
    columns = population(np.random.default_rng(6), 40)
    with pytest.raises(ConfigError, match="precision must lie between 0 and 1"):
        certify(table(*columns), value, DELTA)
    with pytest.raises(ConfigError, match="delta must lie between 0 and 1"):
        certify(table(*columns), 0.9, value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"max_per_text": 0}, "max_per_text"), ({"fit_share": 1.0}, "fit_share"), ({"test": "t"}, "test must be one of")],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        GuaranteeSettings(**settings)
