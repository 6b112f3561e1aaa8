"""What filtering does to a candidate file: scores against gold before and after, and areas under ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cacre.data.normalisation import normalise_triple
from cacre.evaluation import bootstrap_scores, count_texts, false_positives_removed_at_tpr, roc_auc
from cacre.evaluation.duie_scorer import VALUE, Spo
from cacre.inference import Verifier
from cacre.reproduction.candidate_sets import CandidateTexts, flat_triple
from cacre.reproduction.experiment import Mode
from cacre.types import Candidate, Triple

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
TPR = 0.974
"""The paper's operating point."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the ends of its 95 % interval over resampled texts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FilterResult:
    """Scores against gold.

    Args:
        before: Precision, recall and F1 of all candidates.
        after: Of the kept ones; several seeds count as one system with their counts added up. Empty without a filter.
        difference: After minus before, paired by text.
        seeds_f1: F1 after filtering of each seed.
        kept_true: Share of the candidates in gold that is kept.
        removed_false: Share of the others that is removed.
        texts: T.
        candidates: N, of all seeds of the extractor.
        extractor_f1: F1 before filtering of each seed of the extractor.
    """

    before: Sequence[Interval]
    after: Sequence[Interval]
    difference: Sequence[Interval]
    seeds_f1: Sequence[float]
    kept_true: float
    removed_false: float
    texts: int
    candidates: int
    extractor_f1: Sequence[float] = ()


@dataclass(frozen=True)
class SeedScores:
    """What one trained verifier says about a candidate file.

    Args:
        kept: `[T]`; kept triples of each text.
        text_score: `[N]`; of all candidates, text after text.
        pair_score: `[N]`; nan where there is none.
        negative_text_score: Scores of the LLM's own negatives with their texts; empty without negatives.
    """

    kept: Sequence[Sequence[Triple]]
    text_score: Floats
    pair_score: Floats
    negative_text_score: Floats = field(default_factory=lambda: np.empty(0))


def judge(verifier: Verifier, sets: CandidateTexts) -> SeedScores:
    """Judge the candidates of a file, and score the LLM's own negatives beside them."""
    verdicts = verifier.verify_many(sets.pairs)
    flat = [verdict for row in verdicts for verdict in row]
    wrong = verifier.verify_many(
        [(text, [Candidate(t) for t in negatives]) for text, negatives in zip(sets.texts, sets.negatives, strict=True)]
    )
    return SeedScores(
        [[verdict.candidate.triple for verdict in row if verdict.supported] for row in verdicts],
        _column([verdict.text_score for verdict in flat]),
        _column([verdict.pair_score for verdict in flat]),
        _column([verdict.text_score for row in wrong for verdict in row]),
    )


def filter_result(
    sets: CandidateTexts, judged: Sequence[SeedScores], *, mode: Mode = "flat", resamples: int = 1000
) -> FilterResult:
    """Scores before and after filtering with the verifiers of one or several seeds.

    Args:
        sets: The candidates.
        judged: One per seed.
        mode: How the DuIE scorer compares objects.
        resamples: B.
    """
    return seeds_result([(sets, judged)], mode=mode, resamples=resamples)


def seeds_result(
    seeds: Sequence[tuple[CandidateTexts, Sequence[SeedScores]]], *, mode: Mode = "flat", resamples: int = 1000
) -> FilterResult:
    """Scores of an extractor with several seeds; their counts are added up, so that they are one system.

    Args:
        seeds: For each seed of the extractor its candidates, for the same texts in the same order, and what each
            verifier says of them; the latter is empty without a filter.
        mode: How the DuIE scorer compares objects.
        resamples: B.
    """
    alone = [_counts(sets, _everything(sets), mode) for sets, _ in seeds]
    before = np.sum(alone, axis=0)
    samples, gold = bootstrap_scores(before, resamples), np.concatenate([labels_by_gold(sets) for sets, _ in seeds])
    nan, f1 = float("nan"), [float(_scores(counts)[2]) for counts in alone]
    unfiltered = _intervals(_scores(before), samples)
    result = FilterResult(unfiltered, (), (), (), nan, nan, len(seeds[0][0].texts), len(gold), f1)
    each = [_counts(sets, one.kept, mode) for sets, judged in seeds for one in judged]
    if not each:
        return result
    after = np.sum(each, axis=0)
    kept_samples = bootstrap_scores(after, resamples)
    keeps = np.concatenate([np.mean([_kept(sets, one) for one in judged], axis=0) for sets, judged in seeds])
    return replace(
        result,
        after=_intervals(_scores(after), kept_samples),
        difference=_intervals(_scores(after) - _scores(before), kept_samples - samples),
        seeds_f1=[float(_scores(counts)[2]) for counts in each],
        kept_true=float(keeps[gold].mean()) if gold.any() else nan,
        removed_false=float(1 - keeps[~gold].mean()) if (~gold).any() else nan,
    )


def perfect_reader(sets: CandidateTexts) -> SeedScores:
    """What a reader who agrees with the judgements would keep: all but the candidates judged unsupported."""
    support = labels_by_support(sets)
    rows = np.split(support, np.cumsum([len(row) for row in sets.candidates])[:-1])
    kept = [
        [candidate.triple for candidate, label in zip(row, labels, strict=True) if label != 0]
        for row, labels in zip(sets.candidates, rows, strict=True)
    ]
    return SeedScores(kept, np.where(support == 0, 0.0, 1.0), np.full(len(support), np.nan))


def areas(sets: CandidateTexts, judged: Sequence[SeedScores]) -> dict[str, Any]:
    """Areas under the ROC curve of text_score, the mean over the seeds; None where a side is empty.

    Keys: `gold` (in gold or not), `support` (judged supported or not), `lists` (anchors or the LLM's negatives),
    `false_removed` (share of the candidates outside gold removed at a true positive rate of .974).
    """
    gold, support = labels_by_gold(sets), labels_by_support(sets)
    known = ~np.isnan(support)
    rows = []
    for one in judged:
        lists = np.r_[np.ones(len(one.text_score)), np.zeros(len(one.negative_text_score))].astype(bool)
        rows.append(
            {
                "gold": _auc(gold, one.text_score),
                "support": _auc(support[known] > 0, one.text_score[known]),
                "lists": _auc(lists, np.r_[one.text_score, one.negative_text_score]),
                "false_removed": float(false_positives_removed_at_tpr(gold, one.text_score, TPR))
                if 0 < gold.sum() < len(gold)
                else None,
            }
        )
    return {key: _mean([row[key] for row in rows]) for key in rows[0]}


def labels_by_gold(sets: CandidateTexts) -> npt.NDArray[np.bool_]:
    """Whether each candidate is in gold, `[N]`, by `@value` and normalised names, as `label_by_gold` compares them."""
    labels = []
    for text, candidates in sets.pairs:
        wanted = {normalise_triple(flat_triple(spo)) for spo in sets.gold.get(text, ())}
        labels += [normalise_triple(candidate.triple) in wanted for candidate in candidates]
    return np.asarray(labels, dtype=bool)


def labels_by_support(sets: CandidateTexts) -> Floats:
    """Whether each candidate was judged supported, `[N]`: 1, 0, or nan where it was not judged."""
    found = [sets.support.get((text, candidate.triple)) for text, row in sets.pairs for candidate in row]
    return np.asarray([np.nan if value is None else float(value) for value in found], dtype=np.float64)


def _everything(sets: CandidateTexts) -> list[list[Triple]]:
    return [[candidate.triple for candidate in row] for row in sets.candidates]


def _counts(sets: CandidateTexts, kept: Sequence[Sequence[Triple]], mode: Mode) -> Counts:
    predictions = [
        (text, [_spo(candidate) for candidate in row if candidate.triple in set(triples)])
        for (text, row), triples in zip(sets.pairs, kept, strict=True)
    ]
    return count_texts(predictions, sets.gold, mode)


def _spo(candidate: Candidate) -> Spo:
    """A candidate as the scorer takes it, slots included."""
    subject, predicate, value = candidate.triple
    slots = candidate.extra.get("qualifiers")
    return subject, predicate, {**slots, VALUE: value} if isinstance(slots, Mapping) else value


def _kept(sets: CandidateTexts, one: SeedScores) -> Floats:
    chosen = [set(triples) for triples in one.kept]
    rows = zip(sets.candidates, chosen, strict=True)
    return np.asarray([candidate.triple in kept for row, kept in rows for candidate in row], dtype=np.float64)


def _scores(counts: Counts) -> Floats:
    correct, predicted, gold, found = counts.sum(axis=0)
    precision, recall = correct / max(predicted, 1), found / max(gold, 1)
    return np.asarray([precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)])


def _intervals(points: Floats, samples: Floats) -> list[Interval]:
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    return [Interval(*map(float, row)) for row in zip(points, low, high, strict=True)]


def _auc(labels: npt.NDArray[np.bool_], scores: Floats) -> float | None:
    return float(roc_auc(labels, scores)) if 0 < labels.sum() < len(labels) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _column(values: Sequence[float | None]) -> Floats:
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)
