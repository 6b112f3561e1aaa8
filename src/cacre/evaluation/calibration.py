"""Fitting the probability that goes with a candidate's scores, its relation and the LLM's agreement with itself.

Platt scaling on all of them at once: a logistic regression whose weights are all but free, save the offsets of the
relations. These are shrunk towards 0, the common intercept, by a normal prior whose width is chosen by cross-validation
over texts (partial pooling), so that a relation with few labels keeps close to what all relations share. With 1,000
labels or more an isotonic regression on the logit may replace the logistic curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError, MissingExtraError
from cacre.evaluation.curves import checked
from cacre.evaluation.score_table import Bools, Floats, Ints
from cacre.inference.thresholds import Calibration

CalibrationKind = Literal["logistic", "isotonic", "auto"]
_KINDS = ("logistic", "isotonic", "auto")

ISOTONIC_LABELS = 1000
"""Labels that an isotonic regression needs; with fewer it follows the noise (Niculescu-Mizil & Caruana 2005)."""
RELATION_LABELS = 10
"""Labels below which a relation gets no offset at all."""
OFFSET_SCALES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Standard deviations of the prior of the offsets, in logits, that are tried; 0 is no offsets."""

_PRIOR_SCALE = 10.0
"""Of all other weights: wide, for scores span a few tenths; some is needed where scores separate the labels."""
_MAX_ITERATIONS = 1000


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """How a probability is fitted.

    Args:
        kind: `logistic`; `isotonic`; or `auto`, the one with the smaller Brier score in cross-validation over texts.
        folds: Of the cross-validation.
        seed: Decides which texts form a fold.

    Raises:
        ConfigError: The kind is unknown, or there are fewer than 2 folds.
    """

    kind: CalibrationKind = "logistic"
    folds: int = 5
    seed: int = 13

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ConfigError(f"kind of calibration must be one of {', '.join(_KINDS)}, got {self.kind!r}")
        if self.folds < 2:
            raise ConfigError(f"folds must be at least 2, got {self.folds}")


@dataclass(frozen=True, slots=True)
class CandidateColumns:
    """What is known of N candidates besides their scores; None where it is not known of any.

    Args:
        text: `[N]`; number of each candidate's text; None means each has a text of its own.
        relation: `[N]`; the schema's name of each relation; None fits no offsets.
        agreement: `[N]`; share of the LLM's samples that gave it, nan where unknown.
        weight: `[N]`; how many labels each counts for; None is one each. Copies of a candidate share one label.
    """

    text: Ints | None = None
    relation: Sequence[str] | None = None
    agreement: npt.ArrayLike | None = None
    weight: npt.ArrayLike | None = None


def fit_calibration(
    text_scores: npt.ArrayLike,
    pair_scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    columns: CandidateColumns | None = None,
    settings: CalibrationSettings | None = None,
) -> Calibration:
    """Fit the probability that a candidate is supported.

    It never falls when the text score rises: a weight below 0 is set to 0 and the others are fitted anew, which is the
    best fit under that condition.

    Args:
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.
        labels: [N], true = supported.
        columns: What else is known of the candidates.
        settings: How it is fitted.

    Raises:
        ConfigError: An isotonic calibration is asked for with fewer than 1,000 labels.
        DataError: The lengths differ, a value is out of its range, or one label is missing.
        MissingExtraError: scikit-learn is not installed.
    """
    settings = settings or CalibrationSettings()
    sample = _sample(text_scores, pair_scores, labels, columns or CandidateColumns())
    count = float(sample.weight.sum())
    if settings.kind == "isotonic" and count < ISOTONIC_LABELS:
        raise ConfigError(
            f"an isotonic calibration needs at least {ISOTONIC_LABELS} labels, got {count:g}: use a logistic one"
        )
    folds = _folds(sample, settings)
    scale = 0.0
    if folds and sample.relations:
        scale = min(OFFSET_SCALES, key=lambda tried: _cross_validated(sample, folds, tried, isotonic=False))
    isotonic = settings.kind == "isotonic"
    if settings.kind == "auto" and folds and count >= ISOTONIC_LABELS:
        logistic_error, isotonic_error = (_cross_validated(sample, folds, scale, isotonic=k) for k in (False, True))
        isotonic = isotonic_error < logistic_error
    return _fit(sample, scale, isotonic=isotonic)


def probabilities(
    calibration: Calibration,
    text_scores: npt.ArrayLike,
    pair_scores: npt.ArrayLike,
    *,
    columns: CandidateColumns | None = None,
) -> Floats:
    """`Calibration.probability` of each candidate.

    Args:
        calibration: What was fitted.
        text_scores: [N].
        pair_scores: [N]; nan where a candidate has none.
        columns: Their relations and agreements, if known.

    Returns:
        [N], in [0, 1].
    """
    texts, pairs = np.asarray(text_scores, dtype=np.float64), np.asarray(pair_scores, dtype=np.float64)
    columns = columns or CandidateColumns()
    relations = [None] * len(texts) if columns.relation is None else columns.relation
    agreements = np.full(len(texts), np.nan) if columns.agreement is None else np.asarray(columns.agreement, float)
    rows = zip(texts.tolist(), pairs.tolist(), agreements.tolist(), relations, strict=True)
    return np.asarray([calibration.probability(t, p, agreement=a, relation=r) for t, p, a, r in rows], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Sample:
    """N candidates as a regression takes them."""

    scores: Floats
    """[N, 5]: text score, pair score, has pair, agreement, has agreement; all but the first are centred."""
    pair_centres: tuple[float, float]
    """What was taken from pair score and has pair."""
    agreement_centres: tuple[float, float]
    """What was taken from agreement and has agreement."""
    offsets: Floats
    """[N, R]: 1 in the column of the candidate's relation, if that has enough labels."""
    labels: Bools
    weight: Floats
    text: Ints
    relations: tuple[str, ...]

    def where(self, chosen: Bools) -> _Sample:
        rows = {name: getattr(self, name)[chosen] for name in ("scores", "offsets", "labels", "weight", "text")}
        return replace(self, **rows)


def _sample(
    text_scores: npt.ArrayLike, pair_scores: npt.ArrayLike, labels: npt.ArrayLike, columns: CandidateColumns
) -> _Sample:
    truth, texts = checked(labels, text_scores)
    n = len(texts)
    pairs = _column("pair_scores", pair_scores, n)
    agreements = _column("agreement", np.full(n, np.nan) if columns.agreement is None else columns.agreement, n)
    weight = _column("weight", np.ones(n) if columns.weight is None else columns.weight, n)
    if not np.isfinite(weight).all() or weight.min() <= 0:
        raise DataError(f"weight must be above 0, got {weight.min()}", field="weight")
    pair, has_pair, pair_centres = _centred(pairs)
    agreement, has_agreement, agreement_centres = _centred(agreements)
    names, offsets = _relation_columns(columns.relation, weight)
    return _Sample(
        scores=np.stack([texts, pair, has_pair, agreement, has_agreement], axis=1),
        pair_centres=pair_centres,
        agreement_centres=agreement_centres,
        offsets=offsets,
        labels=np.asarray(truth, dtype=bool),
        weight=weight,
        text=np.arange(n) if columns.text is None else np.unique(columns.text, return_inverse=True)[1],
        relations=names,
    )


def _column(name: str, values: npt.ArrayLike, n: int) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n,) or np.isinf(found).any():
        raise DataError(f"{name} must be [{n}], finite or nan, got shape {list(found.shape)}")
    return found


def _centred(values: Floats) -> tuple[Floats, Floats, tuple[float, float]]:
    """Values less their mean, 0 where there is none; whether there is one, less the share that has; and both means.

    Centred, so that where every candidate fitted on had a value, one without counts as if it had the mean.
    """
    has = ~np.isnan(values)
    mean, share = float(values[has].mean()) if has.any() else 0.0, float(has.mean())
    return np.where(has, values - mean, 0.0), has - share, (mean, share)


def _relation_columns(relation: Sequence[str] | None, weight: Floats) -> tuple[tuple[str, ...], Floats]:
    if relation is None:
        return (), np.empty((len(weight), 0))
    if len(relation) != len(weight):
        raise DataError(f"relation must be [{len(weight)}], got {len(relation)} entries", field="relation")
    names, place = np.unique(np.asarray(relation, dtype=str), return_inverse=True)
    enough = np.flatnonzero(np.bincount(place, weights=weight) >= RELATION_LABELS)
    # a single relation is all that the intercept knows
    chosen = enough if len(names) > 1 else enough[:0]
    return tuple(names[chosen].tolist()), (place[:, None] == chosen).astype(np.float64)


def _folds(sample: _Sample, settings: CalibrationSettings) -> list[Bools]:
    """Which candidates each fold holds out, whole texts together; none where a fold would lack a label to fit on."""
    texts = int(sample.text.max()) + 1
    if texts < settings.folds:
        return []
    part = np.random.default_rng(settings.seed).permutation(texts) % settings.folds
    folds = [part[sample.text] == number for number in range(settings.folds)]
    return folds if all(sample.labels[~f].any() and not sample.labels[~f].all() for f in folds) else []


def _cross_validated(sample: _Sample, folds: list[Bools], scale: float, *, isotonic: bool) -> float:
    """Brier score of candidates that were held out."""
    total = 0.0
    for held_out in folds:
        found = _fit(sample.where(~held_out), scale, isotonic=isotonic)
        tested = sample.where(held_out)
        logits = _logits(tested, found)
        given = np.interp(logits, *np.asarray(found.knots).T) if isotonic else 0.5 + 0.5 * np.tanh(logits / 2)
        total += float((tested.weight * (given - tested.labels) ** 2).sum())
    return total / float(sample.weight.sum())


def _fit(sample: _Sample, scale: float, *, isotonic: bool) -> Calibration:
    weights, bias = _logistic(sample, scale, np.arange(5))
    if weights[0] < 0:
        weights, bias = _logistic(sample, scale, np.arange(1, 5))
    text, pair, has_pair, agreement, has_agreement = weights[:5].tolist()
    fitted = Calibration(
        text_weight=text,
        pair_weight=pair,
        has_pair_weight=has_pair - pair * sample.pair_centres[0],
        bias=bias - has_pair * sample.pair_centres[1] - has_agreement * sample.agreement_centres[1],
        agreement_weight=agreement,
        has_agreement_weight=has_agreement - agreement * sample.agreement_centres[0],
        relation_offsets=dict(zip(sample.relations, weights[5:].tolist(), strict=True)) if scale else {},
    )
    return replace(fitted, knots=_knots(_logits(sample, fitted), sample)) if isotonic else fitted


def _logistic(sample: _Sample, scale: float, used: Ints) -> tuple[Floats, float]:
    """Weights [5 + R] and intercept; 0 for scores that are not used."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("sklearn", "eval") from error
    # the penalty is one for all columns; a column scaled down has its weight penalised the more
    shrink = scale / _PRIOR_SCALE
    features = np.hstack([sample.scores[:, used], sample.offsets * shrink])
    model: Any = LogisticRegression(C=_PRIOR_SCALE**2, max_iter=_MAX_ITERATIONS)
    model.fit(features, sample.labels, sample_weight=sample.weight)
    weights = np.zeros(5 + sample.offsets.shape[1])
    weights[used] = model.coef_[0][: len(used)]
    weights[5:] = model.coef_[0][len(used) :] * shrink
    return weights, float(model.intercept_[0])


def _logits(sample: _Sample, fitted: Calibration) -> Floats:
    """[N]; `Calibration.logit` for a whole sample."""
    pair, agreement = fitted.pair_weight, fitted.agreement_weight
    has_pair = fitted.has_pair_weight + pair * sample.pair_centres[0]
    has_agreement = fitted.has_agreement_weight + agreement * sample.agreement_centres[0]
    weights = np.asarray([fitted.text_weight, pair, has_pair, agreement, has_agreement])
    bias = fitted.bias + has_pair * sample.pair_centres[1] + has_agreement * sample.agreement_centres[1]
    offsets = np.asarray([fitted.relation_offsets.get(name, 0.0) for name in sample.relations])
    found: Floats = sample.scores @ weights + sample.offsets @ offsets + bias
    return found


def _knots(logits: Floats, sample: _Sample) -> tuple[tuple[float, float], ...]:
    """Isotonic regression of the labels on the logits; never surer than all labels together can tell."""
    from sklearn.isotonic import IsotonicRegression

    least = 1.0 / (float(sample.weight.sum()) + 2.0)
    model: Any = IsotonicRegression(y_min=least, y_max=1.0 - least, out_of_bounds="clip")
    model.fit(logits, sample.labels.astype(np.float64), sample_weight=sample.weight)
    return tuple(zip(model.X_thresholds_.tolist(), model.y_thresholds_.tolist(), strict=True))
