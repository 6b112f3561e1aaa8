"""Thresholds whose precision is guaranteed: Learn-then-Test over texts (Angelopoulos et al. 2021, arXiv:2110.01052).

The claim. Let a text bring `accepted` candidates above the thresholds, `errors` of them wrong. The precision over all
texts is `1 - E[errors] / E[accepted]`, and it is at least p exactly when `E[errors - (1 - p) * accepted] <= 0`. For one
text_threshold the hypothesis that this mean is at least 0 is tested on labelled texts; rejecting it certifies the
threshold. The text is the unit, for its candidates are dependent. Precision is not monotone in the threshold, so that
conformal risk control does not apply.

The path. The texts are parted at random. One part, labels included, chooses the pair thresholds, a grid of values of
text_threshold and the value to start from, namely the one where the test itself is most convinced. (The very strictest
threshold accepts next to nothing, and nothing can be shown about it.) The other part tests from there to laxer values
until the first that is not rejected. Each test has level delta, and because the order was fixed before those texts were
looked at, the chance of certifying any threshold whose precision is below p is at most delta (fixed-sequence testing).

The bound. The tests need bounded sums: a text with more than `max_per_text` accepted candidates counts as
`max_per_text` of them, its errors and acceptances scaled alike. Precision is then guaranteed with texts weighted like
that, which is plain precision where no text is heavier; clipping the errors alone would not be valid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cacre.errors import ConfigError, DataError
from cacre.evaluation.certificate import Certificate, GuaranteeSettings
from cacre.evaluation.mean_tests import MEAN_TESTS, draws_needed
from cacre.evaluation.score_table import Floats, Ints, ScoreTable
from cacre.evaluation.threshold_objective import Criterion
from cacre.evaluation.thresholds import fit_thresholds, keep
from cacre.inference.thresholds import OFF, Thresholds

MOST_TEXTS = 100_000
"""More than anybody labels for a guarantee: a better model, or a lower precision, is the better advice."""
GRID = 100
"""Values of text_threshold on the path, besides off; more cost nothing in power."""


class _Path(NamedTuple):
    """Thresholds in the order of the tests."""

    pair_thresholds: Mapping[str, float]
    text_thresholds: Floats


def certify(
    table: ScoreTable,
    precision: float,
    delta: float = 0.1,
    *,
    pair_thresholds: Mapping[str, float] | None = None,
    settings: GuaranteeSettings | None = None,
) -> Certificate:
    """Find the laxest thresholds whose precision is at least `precision`, with confidence `1 - delta`.

    Args:
        table: Labelled candidates of texts drawn like those to come, by the extractor to come.
        precision: What to guarantee, in (0, 1).
        delta: Chance of being wrong, in (0, 1).
        pair_thresholds: tau_2 of each strategy, fitted on other texts; None chooses them on the first part.
        settings: How it is sought.

    Raises:
        ConfigError: A value is out of its range, or no threshold can be certified; says about how many texts would do.
        DataError: So few texts that not even flawless ones would do; says about how many are needed.
    """
    check_levels(precision, delta)
    settings = settings or GuaranteeSettings()
    claim = _Claim(precision, delta, settings)
    fit, test = _split(table, settings)
    claim.require_texts(test)
    path = _best_path(fit, claim, pair_thresholds)
    p_values = claim.p_values(claim.losses(test, path))
    refused = np.flatnonzero(p_values > delta)
    certified = int(refused[0]) if len(refused) else len(p_values)
    if not certified:
        raise ConfigError(claim.refusal(table, path))
    return _certificate(test, claim, path._replace(text_thresholds=path.text_thresholds[:certified]), p_values)


def check_levels(precision: float, delta: float) -> None:
    """Refuse a precision or a delta that is no share.

    Raises:
        ConfigError: One is outside of (0, 1).
    """
    for name, value in (("precision", precision), ("delta", delta)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} must lie between 0 and 1, got {value}")


def _certificate(test: ScoreTable, claim: _Claim, path: _Path, p_values: Floats) -> Certificate:
    """What the last threshold of a certified path does on the texts that tested it."""
    tau_1, certified = float(path.text_thresholds[-1]), len(path.text_thresholds)
    accepted = keep(test.text_score, test.pair_score, test.strategy, Thresholds(tau_1, path.pair_thresholds))
    right, count = int((test.labels & accepted).sum()), int(accepted.sum())
    per_text = np.bincount(test.text[accepted], minlength=1)
    return Certificate(
        tau_1,
        dict(path.pair_thresholds),
        precision=claim.precision,
        delta=claim.delta,
        p_value=float(p_values[certified - 1]),
        texts=len(np.unique(test.text)),
        accepted=count,
        empirical_precision=right / max(count, 1),
        recall=right / max(int(test.labels.sum() + test.missed_gold.sum()), 1),
        heavier_texts=int((per_text > claim.settings.max_per_text).sum()),
        hypotheses=min(certified + 1, len(p_values)),
        label_source=test.label_source,
        settings=claim.settings,
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is tested: at least a share `precision` of what is accepted is right."""

    precision: float
    delta: float
    settings: GuaranteeSettings

    @property
    def error_rate(self) -> float:
        """The largest share that may be wrong."""
        return 1 - self.precision

    def p_values(self, losses: Floats) -> Floats:
        """`[K]` of losses `[n, K]`; the mean loss is `error_rate` where errors are just as many as allowed."""
        return MEAN_TESTS[self.settings.test](losses, self.error_rate, self.delta)

    def losses(self, table: ScoreTable, path: _Path) -> Floats:
        """`[n, K]`: a loss in [0, 1] for each text with candidates and each threshold of the path."""
        passes_pair = keep(table.text_score, table.pair_score, table.strategy, Thresholds(OFF, path.pair_thresholds))
        # the first threshold of the path, which falls, that lets the candidate through
        limits = np.where(path.text_thresholds <= OFF, -np.inf, path.text_thresholds)
        first = np.searchsorted(-limits, -table.text_score, side="left")
        first = np.where(passes_pair, first, len(limits))
        texts, row = np.unique(table.text, return_inverse=True)
        shape = (len(texts), len(limits) + 1)
        accepted = _counts(row, first, shape)
        wrong = ~table.labels
        return self.loss(_counts(row[wrong], first[wrong], shape), accepted)

    def loss(self, errors: Floats, accepted: Floats) -> Floats:
        """`errors - error_rate * accepted` of a text, heavy texts scaled down, moved and scaled into [0, 1]."""
        most = self.settings.max_per_text
        weight = np.minimum(1.0, most / np.maximum(accepted, 1))
        return np.clip(self.error_rate + weight * (errors - self.error_rate * accepted) / most, 0.0, 1.0)

    def require_texts(self, test: ScoreTable) -> None:
        """Raise if not even these texts with all their candidates right would be enough.

        Raises:
            DataError: They would not.
        """
        candidates = np.unique(test.text, return_counts=True)[1].astype(np.float64)[:, None]
        flawless = self.loss(np.zeros_like(candidates), candidates)
        if len(candidates) and self.p_values(flawless)[0] <= self.delta:
            return
        needed = self._texts_needed(flawless) if len(candidates) else None
        about = f"more than {MOST_TEXTS}" if needed is None else f"about {needed}"
        raise DataError(
            f"{len(candidates)} texts with candidates are left for testing, too few to guarantee {self}: even if all "
            f"their candidates were right, {about if len(candidates) else 'more'} labelled texts would be needed in all"
        )

    def refusal(self, table: ScoreTable, path: _Path) -> str:
        """Why the first threshold of the path is not certified, judged by all texts."""
        first = path._replace(text_thresholds=path.text_thresholds[:1])
        needed = self._texts_needed(self.losses(table, first))
        tau_1 = Thresholds(float(path.text_thresholds[0]), path.pair_thresholds)
        accepted = keep(table.text_score, table.pair_score, table.strategy, tau_1)
        share = float(table.labels[accepted].mean()) if accepted.any() else 0.0
        more = "use a better model" if needed is None else f"label about {needed} texts"
        return (
            f"{self} cannot be guaranteed by any threshold: at the most promising one {int(accepted.sum())} of "
            f"{len(table)} candidates are accepted with precision {share:.3f}, on {len(np.unique(table.text))} "
            f"texts: ask for less, or {more}"
        )

    def _texts_needed(self, losses: Floats) -> int | None:
        """About how many texts, both parts together, if all are like these `[n, 1]`; None for too many."""
        needed = draws_needed(losses[:, 0], self.error_rate, self.delta, self.settings.test)
        texts = None if needed is None else math.ceil(needed / (1 - self.settings.fit_share))
        return None if texts is None or texts > MOST_TEXTS else texts

    def __str__(self) -> str:
        return f"precision {self.precision:g} with delta {self.delta:g}"


def _split(table: ScoreTable, settings: GuaranteeSettings) -> tuple[ScoreTable, ScoreTable]:
    """The texts that choose the path and those that test it, each renumbered in random order."""
    order = np.random.default_rng(settings.seed).permutation(len(table.missed_gold))
    size = round(len(order) * settings.fit_share)
    return table.of_texts(order[:size]), table.of_texts(order[size:])


def _best_path(fit: ScoreTable, claim: _Claim, pair_thresholds: Mapping[str, float] | None) -> _Path:
    """The path on which the test, run on the part that chooses, keeps most right candidates."""
    quantiles = np.quantile(fit.text_score, np.linspace(0, 1, GRID + 1)) if len(fit) else np.empty(0)
    grid = np.append(np.unique(quantiles[quantiles > OFF])[::-1], OFF)
    options = _pair_options(fit, claim.precision) if pair_thresholds is None else [pair_thresholds]
    best, best_worth = _Path(options[0], grid), (-1.0, -1.0)
    for pairs in options:
        path = _Path(pairs, grid)
        p_values = claim.p_values(claim.losses(fit, path)) if len(fit) else np.ones(len(grid))
        start = int(np.flatnonzero(p_values == p_values.min())[-1])
        after = np.flatnonzero(p_values[start:] > claim.delta)
        last = start + (int(after[0]) if len(after) else len(grid) - start) - 1
        kept = keep(fit.text_score, fit.pair_score, fit.strategy, Thresholds(float(grid[max(last, 0)]), pairs))
        worth = (float((fit.labels & kept).sum()) if last >= start else 0.0, -float(p_values[start]))
        if worth > best_worth:
            best, best_worth = _Path(pairs, grid[start:]), worth
    return best


def _pair_options(fit: ScoreTable, precision: float) -> list[Mapping[str, float]]:
    """Pair thresholds to choose from: off, those of the best F1, those of the best recall at the precision."""
    options: list[Mapping[str, float]] = [{}]
    if np.isnan(fit.pair_score).all() or not fit.labels.any():
        return options
    objectives: list[tuple[Criterion, float | None]] = [("f1", None), ("recall", precision)]
    for criterion, target in objectives:
        try:
            found = fit_thresholds(
                fit.text_score,
                fit.pair_score,
                fit.labels,
                strategies=fit.strategy,
                missed_gold=int(fit.missed_gold.sum()),
                criterion=criterion,
                target_precision=target,
            )
        except ConfigError:  # no thresholds reach the precision: the other options remain
            continue
        options.append(found.pair_thresholds)
    return options


def _counts(row: Ints, first: Ints, shape: tuple[int, int]) -> Floats:
    """`[n, K]`: candidates of each text that pass each threshold, from the first that each one passes."""
    counts = np.bincount(row * shape[1] + first, minlength=shape[0] * shape[1]).reshape(shape)
    passed: Floats = counts.cumsum(axis=1)[:, :-1].astype(np.float64)
    return passed
