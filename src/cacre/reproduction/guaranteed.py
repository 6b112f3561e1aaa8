"""A guaranteed precision put to the test on real candidates: half of the texts give it, the other half check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cacre.errors import ConfigError, DataError
from cacre.evaluation import certify
from cacre.evaluation.labelled_scores import Scorer, acceptable
from cacre.evaluation.score_table import ScoreTable
from cacre.evaluation.thresholds import keep
from cacre.inference.thresholds import Thresholds
from cacre.reproduction.candidate_sets import CandidateTexts, labelled_by_gold
from cacre.reproduction.tables import Table, percent

HALVINGS = 200
"""Random halves of each file's texts."""
GAINS = (0.05, 0.10)
"""What is asked for: so much more than the precision before filtering, which is fixed before any score is seen."""


@dataclass(frozen=True, slots=True)
class GuaranteeTrial:
    """What became of one asked precision over all halvings.

    Args:
        before: Precision of all candidates.
        asked: Precision to guarantee.
        certified: Share of the halvings in which thresholds could be certified.
        precision: Mean precision on the other halves, over certified halvings; nan if none was certified.
        below: Share of the certified halvings whose other half has a precision below `asked`.
        recall: Mean share of the right candidates and missed gold that is kept there; nan if none was certified.
        texts: T.
    """

    before: float
    asked: float
    certified: float
    precision: float
    below: float
    recall: float
    texts: int


def gold_table(verifier: Scorer, sets: CandidateTexts) -> ScoreTable:
    """The candidates of a file that pass the checks, labelled by gold; those that fail count as missed."""
    table, _ = acceptable(verifier, labelled_by_gold(sets), "gold")
    return table


def guarantee_trial(
    table: ScoreTable, asked: float, before: float, *, delta: float = 0.1, halvings: int = HALVINGS, seed: int = 13
) -> GuaranteeTrial:
    """Certify on a random half of the texts and look at the other half, over and over.

    Args:
        table: Candidates with labels.
        asked: Precision to guarantee.
        before: Precision of all candidates of the file, for the record.
        delta: Chance of being wrong.
        halvings: How often.
        seed: Of the halves.
    """
    rng = np.random.default_rng(seed)
    texts = len(table.missed_gold)
    found = []
    for _ in range(halvings):
        order = rng.permutation(texts)
        calibration, other = (table.of_texts(half) for half in (order[: texts // 2], order[texts // 2 :]))
        try:
            thresholds = certify(calibration, asked, delta).as_thresholds()
        except (ConfigError, DataError):  # refused: that is an outcome, and it is counted
            continue
        found.append(_on(other, thresholds))
    points = np.asarray(found, dtype=np.float64).reshape(-1, 2)
    return GuaranteeTrial(
        before,
        asked,
        certified=len(points) / halvings,
        precision=float(points[:, 0].mean()) if len(points) else float("nan"),
        below=float((points[:, 0] < asked).mean()) if len(points) else float("nan"),
        recall=float(points[:, 1].mean()) if len(points) else float("nan"),
        texts=texts,
    )


def guarantee_table(trials: Mapping[str, Sequence[GuaranteeTrial]], delta: float = 0.1) -> Table:
    """One row per candidate file and asked precision."""
    rows = [
        [
            f"{name} ({trial.texts} texts)",
            percent(trial.before),
            percent(trial.asked),
            percent(trial.certified),
            _share(trial.precision),
            _share(trial.below),
            _share(trial.recall),
        ]
        for name, tried in trials.items()
        for trial in tried
    ]
    header = ["", "P before", "P asked", "certified", "P on the other half", "other half below", "recall there"]
    notes = [
        f"{HALVINGS} random halvings of the texts: thresholds certified on one half (confidence {percent(1 - delta)}), "
        "measured on the other. Labels by gold, first seed; %. Refused where nothing can be shown.",
        "`Other half below` counts the chance of the other half as well, so that it may exceed delta; the guarantee is "
        "about the mean over all texts.",
    ]
    return Table("A guaranteed precision on real candidates", header, rows, notes)


def _on(table: ScoreTable, thresholds: Thresholds) -> tuple[float, float]:
    """Precision and recall of what the thresholds keep; precision 1 of nothing."""
    kept = keep(table.text_score, table.pair_score, table.strategy, thresholds)
    right, count = int((table.labels & kept).sum()), int(kept.sum())
    wanted = int(table.labels.sum() + table.missed_gold.sum())
    return right / count if count else 1.0, right / max(wanted, 1)


def _share(value: float) -> str:
    return "-" if np.isnan(value) else percent(value)
