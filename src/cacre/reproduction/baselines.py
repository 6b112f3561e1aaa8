"""The baselines on the same candidates and the same training rows as CACRE."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cacre.baselines.finetuning import FinetuningSettings
from cacre.baselines.protocol import Baseline
from cacre.baselines.registry import make_baseline
from cacre.baselines.relation_trees import TreeSettings
from cacre.data.splits import split_examples
from cacre.evaluation.bootstrap import TextDraws, percentile_interval
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import label_by_gold, label_by_lists
from cacre.evaluation.score_table import Bools, Floats, Ints
from cacre.evaluation.sweep import Ranking
from cacre.reproduction.candidate_sets import CandidateTexts, labelled_by_gold
from cacre.reproduction.measures import TPR, Interval, SeedScores, labels_by_gold, labels_by_support
from cacre.reproduction.tables import Table, percent
from cacre.schema import Schema
from cacre.types import Candidate, Example

LABELS = ("lists", "gold", "support")


@dataclass(frozen=True)
class RankedSet:
    """Candidates with labels of one source, each with the number of its text.

    Args:
        labels: `[N]`.
        text: `[N]`.
        missed: Right triples that no candidate proposes; 0 where unknown.
    """

    labels: Bools
    text: Ints
    missed: int = 0


@dataclass(frozen=True)
class RankQuality:
    """How well scores rank candidates; intervals over resampled texts, scores of several seeds one after the other.

    Args:
        auc: Area under the ROC curve; None where resamples often lack a class.
        removed: Share of the wrong candidates removed at a true positive rate of .974.
        best_f1: F1 at the best threshold for these very labels: an upper bound.
    """

    auc: Interval | None
    removed: Interval | None
    best_f1: float | None


def training_rows(examples: Sequence[Example], seed: int, dev_fraction: float) -> tuple[list[Example], list[Example]]:
    """The train and dev part that `cacre train` makes of the same rows with the same seed."""
    parts = split_examples(examples, (1.0 - dev_fraction, dev_fraction, 0.0), seed)
    return list(parts.train), list(parts.dev)


def labelled(examples: Sequence[Example], source: str) -> list[LabelledText]:
    """Training rows with the labels a baseline is told: the lists themselves, or gold on the anchors."""
    if source == "lists":
        return [label_by_lists(example) for example in examples]
    rows = []
    for example in examples:
        if example.gold is not None:
            lists = zip(example.anchors, example.positives, strict=True)
            candidates = [Candidate(anchor, paraphrase=positive) for anchor, positive in lists]
            rows.append(label_by_gold(example.text, candidates, example.gold))
    return rows


def ranked_sets(sets: CandidateTexts) -> dict[str, tuple[RankedSet, Bools]]:
    """For each source of labels the candidates that have one, and which of all scored triples they are.

    Scored triples are the candidates, text after text, followed by the LLM's own negatives, text after text.
    """
    counts, extra = [len(row) for row in sets.candidates], [len(row) for row in sets.negatives]
    text = np.r_[np.repeat(np.arange(len(counts)), counts), np.repeat(np.arange(len(extra)), extra)].astype(np.int64)
    is_candidate = np.r_[np.ones(sum(counts)), np.zeros(sum(extra))].astype(bool)
    gold, support = labels_by_gold(sets), labels_by_support(sets)
    judged = np.r_[~np.isnan(support), np.zeros(sum(extra), bool)].astype(bool)
    missed = sum(row.missed_gold for row in labelled_by_gold(sets))  # two candidates may stand for one of gold
    return {
        "lists": (RankedSet(is_candidate, text), np.ones(len(text), bool)),
        "gold": (RankedSet(gold, text[is_candidate], missed), is_candidate),
        "support": (RankedSet(support[~np.isnan(support)] > 0, text[judged]), judged),
    }


def rank_quality(ranked: RankedSet, seeds: Sequence[Floats], texts: int, resamples: int) -> RankQuality:
    """Quality of one or several seeds' scores; the mean over the seeds, resampled together.

    Args:
        ranked: Labels and texts.
        seeds: Scores `[N]` of each seed.
        texts: T, texts to resample.
        resamples: B.
    """
    if not 0 < ranked.labels.sum() < len(ranked.labels):
        return RankQuality(None, None, None)
    rankings = [Ranking(ranked.labels, scores) for scores in seeds]

    def values(weights: Floats) -> Floats:
        swept = [ranking.sweep(weights[..., ranked.text]) for ranking in rankings]
        rows = [np.stack([one.auc(), one.false_removed_at_tpr(TPR)], axis=-1) for one in swept]
        return np.asarray(np.mean(rows, axis=0))

    point = values(np.ones((1, texts)))[0]
    samples = TextDraws(texts, resamples).measure(values, len(ranked.labels))
    intervals = [percentile_interval(samples[:, column]) for column in (0, 1)]
    best = float(np.mean([ranking.sweep().f1(np.asarray(float(ranked.missed))).max() for ranking in rankings]))
    found = [None if i is None else Interval(float(p), *i) for p, i in zip(point, intervals, strict=True)]
    return RankQuality(found[0], found[1], best)


def score_baseline(baseline: Baseline, sets: CandidateTexts) -> Floats:
    """Scores of the candidates, then of the LLM's own negatives; both as text after text."""
    wrong = [
        (text, [Candidate(triple) for triple in negatives])
        for text, negatives in zip(sets.texts, sets.negatives, strict=True)
    ]
    parts = [score for rows in (sets.pairs, wrong) for row in baseline.scores(rows) for score in row]
    return np.asarray(parts, dtype=np.float64)


def verifier_scores(judged: SeedScores) -> Floats:
    """The same for a trained CACRE."""
    return np.concatenate([judged.text_score, judged.negative_text_score])


@dataclass(frozen=True)
class Entry:
    """One row of the table.

    Args:
        title: Its name there.
        told: What it is told of the training rows: `nothing`, `lists` or `gold`.
        make: Seed and encoder folder -> the baseline.
        chance: Whether the seed matters.
        needs_encoder: Whether it is left out without a local encoder.
    """

    title: str
    told: str
    make: Callable[[int, str], Baseline]
    chance: bool = False
    needs_encoder: bool = False


def _trees(name: str, told: str, **options: Any) -> Callable[[int, str], Baseline]:  # noqa: ANN401
    return lambda seed, _: make_baseline(name, settings=TreeSettings(seed=seed), needs=told, **options)


def _encoder(name: str, rate: float, **options: Any) -> Callable[[int, str], Baseline]:  # noqa: ANN401
    def make(seed: int, folder: str) -> Baseline:
        settings = FinetuningSettings(epochs=3, learning_rate=rate, seed=seed)
        return make_baseline(name, folder=folder, settings=settings, **options)

    return make


def entries(schema: Schema | None = None, finetuning_rate: float = 3e-4) -> tuple[Entry, ...]:
    """The baselines that need neither an LLM nor an NLI model.

    Args:
        schema: What those that look at the schema look at; None takes that of DuIE.
        finetuning_rate: Highest learning rate of those that train the encoder.
    """
    encoders = (
        ("bi-encoder, as pre-trained", "nothing", _encoder("bi_encoder", finetuning_rate, trained_on=None), False),
        ("cross-encoder, BCE", "lists", _encoder("cross_encoder", finetuning_rate, needs="lists"), True),
        ("cross-encoder, BCE, told gold", "gold", _encoder("cross_encoder", finetuning_rate, needs="gold"), True),
    )
    evidence = {told: _trees("evidence_trees", told, schema=schema) for told in ("lists", "gold")}
    return (
        Entry("rule filter", "nothing", lambda _, __: make_baseline("rule_filter", schema=schema)),
        Entry("relation prior", "gold", lambda _, __: make_baseline("relation_prior", needs="gold")),
        Entry("surface trees", "gold", _trees("surface_trees", "gold"), chance=True),
        Entry("string-evidence trees", "lists", evidence["lists"], chance=True),
        Entry("string-evidence trees, told gold", "gold", evidence["gold"], chance=True),
        *(Entry(title, told, make, chance, needs_encoder=True) for title, told, make, chance in encoders),
    )


NOT_RUN: Mapping[str, tuple[str, str]] = {
    "LLM agreement": ("an LLM", "several samples of the extracting LLM for each text"),
    "LLM judge": ("an LLM", "an LLM server"),
    "NLI model": ("a local NLI model", "the folder of an NLI model"),
}
"""Baselines that need what an experiment does not have: title -> what it is told, and what it needs."""


def can_be_told(source: str, examples: Sequence[Example]) -> bool:
    """Whether training rows have right and wrong triples by these labels; annotated rows alone have no wrong ones."""
    labels = {label for row in labelled(examples, source) for label in row.labels} if source != "nothing" else set()
    return source == "nothing" or {True, False} <= labels


def entry_scores(
    entry: Entry,
    seeds: Sequence[int],
    examples: Callable[[int], Sequence[Example]],
    sets: CandidateTexts,
    encoder: str,
) -> list[Floats]:
    """Fit a baseline once per seed, or once if the seed does not matter, and score the candidates.

    Args:
        entry: The baseline.
        seeds: Seeds.
        examples: Seed -> training rows.
        sets: What to score.
        encoder: Folder of the encoder that CACRE starts from too.
    """
    scores = []
    for seed in seeds if entry.chance else seeds[:1]:
        baseline = entry.make(seed, encoder)
        if entry.told != "nothing":
            baseline.fit(labelled(examples(seed), entry.told))
        scores.append(score_baseline(baseline, sets))
    return scores


def baselines_table(
    qualities: Mapping[str, Mapping[str, RankQuality]],
    told: Mapping[str, str],
    not_run: Mapping[str, tuple[str, str]] = NOT_RUN,
) -> Table:
    """One row per verifier: areas and what is removed at the paper's operating point.

    Args:
        qualities: Verifier -> source of labels -> quality.
        told: Verifier -> what it is told.
        not_run: As `NOT_RUN`; these are named below the others.
    """
    rows = []
    for name, found in qualities.items():
        cells = [interval_area(found[source].auc) for source in LABELS]
        removed = found["gold"].removed
        best = found["gold"].best_f1
        rows.append([name, told[name], *cells, _share(removed), "-" if best is None else percent(best)])
    rows += [[name, source, f"not run: needs {need}", "", "", "", ""] for name, (source, need) in not_run.items()]
    header = [
        "",
        "told",
        "AUC lists",
        "AUC gold",
        "AUC support",
        "outside gold removed at TPR .974, %",
        "best F1, gold",
    ]
    notes = [
        "AUC of the score with 95 % intervals over resampled texts, mean of the seeds. lists: anchors from the LLM's "
        "own negatives; gold: candidates in gold from the others; support: judged supported from judged not.",
        "Best F1 is at the threshold that is best for these labels, so an upper bound; it counts missed gold.",
        "Judged candidates may be a choice: with `duie-small` all that miss gold and an eighth of the others.",
    ]
    return Table("Baselines on the main candidate file", header, rows, notes)


def interval_area(found: Interval | None) -> str:
    """`0.714 (0.680 to 0.747)`; a dash where there is none."""
    return "-" if found is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _share(found: Interval | None) -> str:
    return "-" if found is None else f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"
