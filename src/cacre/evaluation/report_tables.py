"""The numbers of the report: scores before and after filtering, groups of candidates, and the worst errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cacre.errors import DataError
from cacre.evaluation.bootstrap import Interval, bootstrap_scores
from cacre.evaluation.candidate_groups import candidate_groups
from cacre.evaluation.duie_scorer import Scores
from cacre.evaluation.score_table import Bools, ScoreTable
from cacre.evaluation.table_reading import Reading
from cacre.evaluation.verdict_summary import JudgedText, JudgedTriple, KindCount, Label, count_kinds
from cacre.types import Triple

Counts = npt.NDArray[np.int64]
RATES = ("precision", "recall", "F1")


@dataclass(frozen=True, slots=True)
class JudgedCandidate:
    """A labelled candidate with its verdict and its text.

    Args:
        text: The text.
        judged: Triple, scores and verdict, with its label.
    """

    text: str
    judged: JudgedTriple


@dataclass(frozen=True, slots=True)
class Rate:
    """Precision, recall or F1 before and after filtering, with intervals over resampled texts.

    Args:
        name: Which one.
        before: Of all candidates.
        before_interval: 95 % interval; this and the others are None without resamples.
        after: Of the supported ones.
        after_interval: 95 % interval.
        change_interval: 95 % interval of the difference, from the same resamples.
    """

    name: str
    before: float
    before_interval: Interval | None
    after: float
    after_interval: Interval | None
    change_interval: Interval | None

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class BeforeAfterRates:
    """What filtering does to precision, recall and F1.

    Args:
        before: Scores of all labelled candidates.
        after: Scores of the supported ones.
        rates: Precision, recall, F1.
        resamples: How many files were drawn for the intervals.
    """

    before: Scores
    after: Scores
    rates: tuple[Rate, ...]
    resamples: int


@dataclass(frozen=True, slots=True)
class Group:
    """How one group of candidates fared.

    Args:
        name: Name of the group.
        right: Right candidates.
        wrong: Wrong candidates.
        right_kept: Right candidates that were kept.
        wrong_kept: Wrong candidates that were kept.
        auc: AUC of the text score within the group; None where one label is missing.
    """

    name: str
    right: int
    wrong: int
    right_kept: int
    wrong_kept: int
    auc: float | None

    @property
    def precision_before(self) -> float | None:
        """Share of the candidates that is right; None of nothing."""
        return _share(self.right, self.right + self.wrong)

    @property
    def precision_after(self) -> float | None:
        """Share of the kept that is right; None if nothing is kept."""
        return _share(self.right_kept, self.right_kept + self.wrong_kept)

    @property
    def right_kept_share(self) -> float | None:
        """Share of the right candidates that is kept; None without any."""
        return _share(self.right_kept, self.right)

    @property
    def wrong_removed_share(self) -> float | None:
        """Share of the wrong candidates that is rejected; None without any."""
        return _share(self.wrong - self.wrong_kept, self.wrong)


@dataclass(frozen=True, slots=True)
class WorstErrors:
    """Verdicts that are not what the labels say, the most confident first.

    Args:
        kept: Wrong triples that were kept.
        rejected: Right triples that were rejected.
    """

    kept: tuple[JudgedCandidate, ...]
    rejected: tuple[JudgedCandidate, ...]


def align(reading: Reading, texts: Iterable[JudgedText]) -> list[JudgedCandidate]:
    """Find the verdict of each candidate of a table, and give it the table's label.

    Args:
        reading: The table with its triples and texts.
        texts: The rows it was read from.

    Returns:
        `[N]`.

    Raises:
        DataError: The rows do not hold a candidate of the table.
    """
    verdicts: dict[tuple[str, Triple], JudgedTriple] = {}
    for row in texts:
        for judged in row.triples:
            verdicts.setdefault((row.text, judged.triple), judged)
    table, found = reading.table, []
    for number, triple in enumerate(reading.triples):
        text = reading.texts[int(table.text[number])]
        verdict = verdicts.get((text, triple))
        if verdict is None:
            raise DataError(f"no verdict for {tuple(triple)!r:.120}: table and verdicts must come from the same file")
        label = Label(bool(table.labels[number]), table.error_kind[number])
        found.append(JudgedCandidate(text, replace(verdict, label=label)))
    return found


def verdicts_of(candidates: Iterable[JudgedCandidate]) -> Bools:
    """Which candidates were kept, `[N]`."""
    return np.asarray([candidate.judged.supported for candidate in candidates], dtype=np.bool_)


def compare_rates(table: ScoreTable, kept: Bools, *, resamples: int = 1000, seed: int = 13) -> BeforeAfterRates:
    """Precision, recall and F1 before and after filtering, with 95 % intervals over texts.

    Args:
        table: Labelled candidates; right triples that none of them proposes count in the recall.
        kept: `[N]`.
        resamples: How many files to draw; 0 gives no intervals.
        seed: Seed of the generator.

    Raises:
        DataError: There are no texts.
        ConfigError: `resamples` is below 0.
    """
    everything = np.ones(len(table), dtype=np.bool_)
    counts = [_counts(table, chosen) for chosen in (everything, kept)]
    before, after = (Scores.of_counts(*(int(total) for total in part.sum(axis=0))) for part in counts)
    intervals = _intervals(counts, resamples, seed) if resamples else [(None, None, None)] * len(RATES)
    values = zip((before.precision, before.recall, before.f1), (after.precision, after.recall, after.f1), strict=True)
    rates = tuple(
        Rate(name, old, first, new, second, change)
        for name, (old, new), (first, second, change) in zip(RATES, values, intervals, strict=True)
    )
    return BeforeAfterRates(before, after, rates, resamples)


def _intervals(counts: Sequence[Counts], resamples: int, seed: int) -> list[tuple[Interval, Interval, Interval]]:
    """For each rate its interval before, after, and of the change."""
    before, after = (bootstrap_scores(part, resamples, seed) for part in counts)
    ends = [np.quantile(part, (0.025, 0.975), axis=0) for part in (before, after, after - before)]
    first, second, change = ([(float(low), float(high)) for low, high in part.T] for part in ends)
    return list(zip(first, second, change, strict=True))


def group_rows(table: ScoreTable, kept: Bools, measured: Mapping[str, Any]) -> dict[str, list[Group]]:
    """How the candidates of each relation, each length of text, and seen and unseen entities fared.

    Args:
        table: Labelled candidates.
        kept: `[N]`.
        measured: What `measure` gives for the table.

    Returns:
        `relation`, `text_length`, `entities` -> groups; without those of which nothing is known.
    """
    groups = candidate_groups(table)
    return {
        kind: [
            _group(name, table.labels, kept, member, measured["groups"][kind][name]["auc"]["text_score"])
            for name, member in groups[kind].items()
        ]
        for kind in ("relation", "text_length", "entities")
        if groups[kind]
    }


def kind_counts(candidates: Sequence[JudgedCandidate]) -> list[KindCount]:
    """How each kind of error fared, as `count_kinds`; empty if no wrong candidate says its kind."""
    if not any(candidate.judged.label and candidate.judged.label.kind for candidate in candidates):
        return []
    return count_kinds([JudgedText(None, "", tuple(candidate.judged for candidate in candidates), None)])


def worst_errors(candidates: Sequence[JudgedCandidate], count: int = 6) -> WorstErrors:
    """Choose the most confident wrong verdicts, at most one per text and direction.

    Args:
        candidates: Labelled candidates.
        count: Most in each direction.
    """
    wrong = [candidate for candidate in candidates if candidate.judged.right is False]
    return WorstErrors(
        _of_different_texts(sorted((c for c in wrong if c.judged.supported), key=_score, reverse=True), count),
        _of_different_texts(sorted((c for c in wrong if not c.judged.supported), key=_score), count),
    )


def _score(candidate: JudgedCandidate) -> float:
    return candidate.judged.text_score or 0.0


def _of_different_texts(candidates: Sequence[JudgedCandidate], count: int) -> tuple[JudgedCandidate, ...]:
    first: dict[str, JudgedCandidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.text, candidate)
    return tuple(first.values())[:count]


def _counts(table: ScoreTable, chosen: Bools) -> Counts:
    """[T, 4]: correct, predicted, gold, correct_gold, as the bootstrap takes them."""
    texts = len(table.missed_gold)

    def per_text(of: Bools) -> Counts:
        return np.bincount(table.text[of], minlength=texts).astype(np.int64)

    correct = per_text(chosen & table.labels)
    return np.stack([correct, per_text(chosen), per_text(table.labels) + table.missed_gold, correct], axis=1)


def _group(name: str, labels: Bools, kept: Bools, member: Bools, auc: Mapping[str, Any] | None) -> Group:
    right, wrong = member & labels, member & ~labels
    return Group(
        name,
        right=int(right.sum()),
        wrong=int(wrong.sum()),
        right_kept=int((right & kept).sum()),
        wrong_kept=int((wrong & kept).sum()),
        auc=None if auc is None else auc["value"],
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
