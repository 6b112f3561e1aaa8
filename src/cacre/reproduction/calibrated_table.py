"""What the calibrators of the calibrated setting do to the main candidate file, and what reading adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cacre.evaluation.bootstrap import TextDraws
from cacre.evaluation.paired import Difference
from cacre.evaluation.score_table import Floats
from cacre.evaluation.sweep import Ranking
from cacre.reproduction.baselines import RankedSet, interval_area, rank_quality, ranked_sets
from cacre.reproduction.calibrated import (
    ALL,
    INPUTS,
    SURFACE,
    SURFACE_AND_STRINGS,
    Calibrated,
    StackColumns,
    calibrate,
)
from cacre.reproduction.candidate_sets import CandidateTexts
from cacre.reproduction.measures import FilterResult, Interval, SeedScores, filter_result
from cacre.reproduction.tables import Table, interval_text
from cacre.types import Triple


@dataclass(frozen=True)
class CalibratedResult:
    """One choice of inputs on the candidates to measure, over all seeds.

    Args:
        gold: AUC against gold.
        support: AUC against support.
        over_surface: AUC against gold, less that of the surface features alone; None for these.
        filtered: Scores at the thresholds from dev.
    """

    gold: Interval | None
    support: Interval | None
    over_surface: Difference | None
    filtered: FilterResult


@dataclass(frozen=True)
class CalibratedResults:
    """All choices of inputs.

    Args:
        by_inputs: One for each of `INPUTS`.
        over_strings: AUC against gold that the network adds to both trees.
        seeds: How many seeds.
        dev: Mean number of dev candidates, on which each calibrator was fitted.
    """

    by_inputs: Mapping[str, CalibratedResult]
    over_strings: Difference | None
    seeds: int
    dev: int


def calibrated_results(sets: CandidateTexts, seeds: Sequence[StackColumns], resamples: int) -> CalibratedResults:
    """Calibrate on dev with each choice of inputs of `INPUTS` and measure on the candidates of a file.

    Args:
        sets: The candidates to measure.
        seeds: Inputs of each seed.
        resamples: B.

    Raises:
        DataError: All dev candidates of a seed have the same label.
        MissingExtraError: scikit-learn is not installed.
    """
    made = {title: [calibrate(columns, names) for columns in seeds] for title, names in INPUTS.items()}
    found = {title: [one.probability for one in each] for title, each in made.items()}
    ranked = {source: (labels, chosen[: len(sets)]) for source, (labels, chosen) in ranked_sets(sets).items()}

    def area(source: str, title: str) -> Interval | None:
        labels, chosen = ranked[source]
        return rank_quality(labels, [scores[chosen] for scores in found[title]], len(sets.texts), resamples).auc

    def gain(title: str, other: str) -> Difference | None:
        return auc_gain(ranked["gold"][0], found[title], found[other], len(sets.texts), resamples)

    results = {
        title: CalibratedResult(
            area("gold", title),
            area("support", title),
            None if title == SURFACE else gain(title, SURFACE),
            filter_result(sets, [_as_judged(sets, one) for one in each], resamples=resamples),
        )
        for title, each in made.items()
    }
    dev = round(float(np.mean([len(columns.labels) for columns in seeds])))
    return CalibratedResults(results, gain(ALL, SURFACE_AND_STRINGS), len(seeds), dev)


def auc_gain(
    ranked: RankedSet, seeds: Sequence[Floats], other: Sequence[Floats], texts: int, resamples: int
) -> Difference | None:
    """How much larger the AUC of one score is than that of another, the means over the seeds, paired by text.

    Args:
        ranked: Labels and texts.
        seeds: Scores `[N]` of each seed.
        other: Those of the other.
        texts: T, texts to resample.
        resamples: B.

    Returns:
        None if all labels are the same.
    """
    if not 0 < ranked.labels.sum() < len(ranked.labels):
        return None
    sides = [[Ranking(ranked.labels, scores) for scores in side] for side in (seeds, other)]

    def difference(weights: Floats) -> Floats:
        counted = weights[..., ranked.text]
        first, second = (np.mean([one.sweep(counted).auc() for one in side], axis=0) for side in sides)
        return np.asarray(first - second)

    samples = TextDraws(texts, resamples).measure(difference, len(ranked.labels))
    return Difference.of_samples(float(difference(np.ones((1, texts)))[0]), samples)


def calibrated_table(results: CalibratedResults, variant: str) -> Table:
    """One row per choice of inputs, below the candidates without a filter.

    Args:
        results: What was measured.
        variant: Whose scores they are.
    """
    before = results.by_inputs[SURFACE].filtered.before
    rows = [["no filtering", "", "", "", "", *map(interval_text, before), ""]]
    for title, found in results.by_inputs.items():
        filtered = found.filtered
        rows.append(
            [
                title,
                _READS[title],
                interval_area(found.gold),
                interval_area(found.support),
                "" if title == SURFACE else _gain(found.over_surface),
                *map(interval_text, filtered.after),
                interval_text(filtered.difference[2], signed=True),
            ]
        )
    header = ["inputs", "reads", "AUC gold", "AUC support", "AUC gold over surface", "P", "R", "F1", "F1 gained"]
    notes = [
        f"{results.seeds} seed{'s' * (results.seeds > 1)}. Trees and network know the train part of the training "
        "texts; the calibrator and its threshold (best F1, missed gold counted) the dev part by gold, "
        f"{results.dev} candidates a seed. No checks.",
        "Surface: relation, lengths, positions and counts; no character is looked at. Differences are paired by text.",
        f"What the network adds to surface and string evidence: AUC gold {_gain(results.over_strings)}.",
        "AUC is the mean over the seeds; P, R and F1 are of their counts added up; % with 95 % intervals.",
    ]
    return Table(f"Calibrated on gold of training texts, and what needs no reading: {variant}", header, rows, notes)


_READS: Mapping[str, str] = {
    title: "the text" if "text_score" in names else "strings" if "strings" in names else "nothing"
    for title, names in INPUTS.items()
}


def _as_judged(sets: CandidateTexts, found: Calibrated) -> SeedScores:
    kept = iter(found.kept.tolist())
    triples: list[list[Triple]] = [[one.triple for one in row if next(kept)] for row in sets.candidates]
    return SeedScores(triples, found.probability, np.full(len(found.kept), np.nan))


def _gain(found: Difference | None) -> str:
    """`+0.021 (+0.003 to +0.040)`; a dash where there is none."""
    if found is None or found.interval is None:
        return "-"
    low, high = found.interval
    return f"{found.value:+.3f} ({low:+.3f} to {high:+.3f})"
