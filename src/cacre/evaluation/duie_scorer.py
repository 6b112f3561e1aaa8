"""The official DuIE2.0 scorer, with its flat variant.

The rules are those of `re_official_evaluation.py` (PaddlePaddle/Research, KG/DuIE_Baseline): exact strings after a very
light normalisation, micro-averaged over the file. `strict` compares all slots of an object, as the official script
does; `flat` compares `@value` only, which is all that a flat triple can say (A35).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cacre.errors import ConfigError, DataError

Mode = Literal["flat", "strict"]
Spo = tuple[str, str, str | Mapping[str, str]]
"""(subject, predicate, object); the object is a string, or slots of which `@value` is the main one."""
Rows = Mapping[str, Sequence[Spo]] | Iterable[tuple[str, Sequence[Spo]]]
"""Texts and the SPOs of each. Of a text that occurs twice the last row counts, as in the official script."""
Aliases = Mapping[str, AbstractSet[str]]
"""Canonical name -> other names; matched in lower case."""

VALUE = "@value"


class _Normalised(NamedTuple):
    subject: str
    predicate: str
    slots: tuple[tuple[str, str], ...]
    """(slot, value), sorted by slot."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Micro-averaged scores, not rounded.

    Args:
        precision: `correct / predicted`, 0 when nothing was predicted.
        recall: `correct_gold / gold`, 0 when there is no gold.
        f1: Their harmonic mean, 0 when both are 0.
        correct: De-duplicated predictions that match gold.
        predicted: De-duplicated predictions.
        gold: De-duplicated gold SPOs.
        correct_gold: De-duplicated gold SPOs that a prediction matches; differs from `correct` only under aliases.
    """

    precision: float
    recall: float
    f1: float
    correct: int
    predicted: int
    gold: int
    correct_gold: int

    @classmethod
    def of_counts(cls, correct: int, predicted: int, gold: int, correct_gold: int) -> Scores:
        """Scores of the four counts."""
        precision = correct / predicted if predicted else 0.0
        recall = correct_gold / gold if gold else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return cls(precision, recall, f1, correct, predicted, gold, correct_gold)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The de-duplicated SPOs of one text and which of them have a match on the other side."""

    predicted: list[_Normalised]
    predicted_hit: list[bool]
    gold: list[_Normalised]
    gold_hit: list[bool]


def score(predictions: Rows, gold: Rows, mode: Mode = "flat", aliases: Aliases | None = None) -> Scores:
    """Score predictions against gold by the official rules.

    Rows are joined by the exact text. A gold text without predictions lowers recall; predictions for texts that are
    not in gold are ignored. Strings are lower-cased and lose one pair of enclosing 《》; predicates and slot names are
    taken as they are.

    Args:
        predictions: SPOs that were predicted for each text.
        gold: Annotated SPOs of each text.
        mode: `flat` compares `@value` only, `strict` all slots.
        aliases: Other names of an entity. A subject matches if it is an alias of the other one in the direction of the
            comparison; objects need to be each other's aliases.

    Raises:
        ConfigError: `mode` is neither `flat` nor `strict`.
        DataError: An object has no `@value`, or a part is not a string.
    """
    return Scores.of_counts(*(int(total) for total in count_texts(predictions, gold, mode, aliases).sum(axis=0)))


def count_texts(
    predictions: Rows, gold: Rows, mode: Mode = "flat", aliases: Aliases | None = None
) -> npt.NDArray[np.int64]:
    """The counts behind `score`, text by text, in the order of gold.

    Returns:
        [number of gold texts, 4]: correct, predicted, gold, correct_gold.

    Raises:
        ConfigError, DataError: As `score`.
    """
    rows = [
        (sum(j.predicted_hit), len(j.predicted), len(j.gold), sum(j.gold_hit))
        for j in _judge_all(predictions, gold, mode, aliases)
    ]
    return np.asarray(rows, dtype=np.int64).reshape(-1, 4)


def score_by_relation(
    predictions: Rows, gold: Rows, mode: Mode = "flat", aliases: Aliases | None = None
) -> dict[str, Scores]:
    """Scores of each predicate that occurs in gold or in predictions, the most frequent in gold first.

    Matches never cross predicates, so that the counts add up to those of `score`.

    Raises:
        ConfigError, DataError: As `score`.
    """
    counts: dict[str, list[int]] = {}
    for judged in _judge_all(predictions, gold, mode, aliases):
        for spo, hit in zip(judged.predicted, judged.predicted_hit, strict=True):
            row = counts.setdefault(spo.predicate, [0, 0, 0, 0])
            row[0] += hit
            row[1] += 1
        for spo, hit in zip(judged.gold, judged.gold_hit, strict=True):
            row = counts.setdefault(spo.predicate, [0, 0, 0, 0])
            row[2] += 1
            row[3] += hit
    ordered = sorted(counts.items(), key=lambda item: (-item[1][2], item[0]))
    return {predicate: Scores.of_counts(*row) for predicate, row in ordered}


def _judge_all(predictions: Rows, gold: Rows, mode: Mode, aliases: Aliases | None) -> Iterable[_Judged]:
    if mode not in ("flat", "strict"):
        raise ConfigError(f"mode must be 'flat' or 'strict', got {mode!r}")
    lowered = {name.lower(): {other.lower() for other in others} for name, others in (aliases or {}).items()}
    predicted_of = dict(predictions)
    for text, gold_spos in dict(gold).items():
        raw = [_normalise(spo, mode, text) for spo in predicted_of.get(text, ())]
        predicted = _deduplicate(raw, lowered)
        kept_gold = _deduplicate([_normalise(spo, mode, text) for spo in gold_spos], lowered)
        yield _Judged(
            predicted,
            [_matches(spo, kept_gold, lowered) for spo in predicted],
            kept_gold,
            # the official script looks gold up among the predictions as they came, not the de-duplicated ones
            [_matches(spo, raw, lowered) for spo in kept_gold],
        )


def _normalise(spo: Spo, mode: Mode, text: str) -> _Normalised:
    subject, predicate, value = spo
    slots: Mapping[str, Any] = {VALUE: value} if isinstance(value, str) else value
    if not isinstance(slots, Mapping) or VALUE not in slots:
        raise DataError(f"the object must be a string or a dict with {VALUE!r}, got {value!r:.80} in text {text!r:.60}")
    if mode == "flat":
        slots = {VALUE: slots[VALUE]}
    if not all(isinstance(part, str) for part in (subject, predicate, *slots.values())):
        raise DataError(f"subject, predicate and slot values must be strings, got {spo!r:.120} in text {text!r:.60}")
    return _Normalised(_name(subject), predicate, tuple(sorted((slot, _name(v)) for slot, v in slots.items())))


def _name(value: str) -> str:
    """Lower case, without one pair of enclosing book-title marks; spaces and widths stay."""
    enclosed = value.startswith("《") and value.endswith("》")
    return (value[1:-1] if enclosed else value).lower()


def _deduplicate(spos: Iterable[_Normalised], aliases: Aliases) -> list[_Normalised]:
    kept: list[_Normalised] = []
    for spo in spos:
        if not _matches(spo, kept, aliases):
            kept.append(spo)
    return kept


def _matches(target: _Normalised, others: Sequence[_Normalised], aliases: Aliases) -> bool:
    if target in others or not aliases:
        return target in others
    names = {target.subject, *aliases.get(target.subject, ())}
    return any(
        other.predicate == target.predicate
        and other.subject in names
        and _same_object(dict(other.slots), dict(target.slots), aliases)
        for other in others
    )


def _same_object(left: Mapping[str, str], right: Mapping[str, str], aliases: Aliases) -> bool:
    return left.keys() == right.keys() and all(
        left[slot] == right[slot]
        or (right[slot] in aliases.get(left[slot], ()) and left[slot] in aliases.get(right[slot], ()))
        for slot in left
    )
