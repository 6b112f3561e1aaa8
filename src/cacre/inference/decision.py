"""From scores to verdicts: checks that need no model, then the two-threshold AND rule. Pure functions only."""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal, get_args

from cacre.errors import ConfigError
from cacre.inference.thresholds import OFF, Calibration, Thresholds
from cacre.preprocessing.invisible import visible
from cacre.schema import SAME_NAME, Schema
from cacre.simplified import simplify
from cacre.types import Candidate, Modality, ModalityKind, Span, Triple, Verdict

PairStrategy = Literal["paraphrase", "schema", "siblings"]
"""What the candidate is compared with: the extractor's paraphrase, one made from the schema, or its siblings (A28)."""

MODALITIES: tuple[ModalityKind, ...] = get_args(ModalityKind)
DEFAULT_REJECTED: tuple[ModalityKind, ...] = ("denied", "rumoured")
"""Of these more than nine in ten hits in the training texts were wrong; `benchmarks/modality.py` counts them."""

# Name marks, and dots between the parts of foreign names, are written in several ways for one and the same name.
_FOLDED = str.maketrans({"《": None, "》": None, "•": "·", "‧": "·", "・": "·", "∙": "·"})
_ONE_NAME = ("同名", "自己", "本人", "himself", "herself", "themselves", "self-titled", "eponymous", "samename")
"""Words that say that a thing has the name of another, or is both; as `normalise_mention` leaves them."""


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """What a user may change about the decision.

    Args:
        schema_checks: Reject predicates outside the schema, triples that violate its types or direction, and triples of
            one name for two things where that cannot be.
        mention_checks: Reject triples whose subject or object does not occur in the text.
        text_threshold: Replaces the fitted threshold on `text_score`, in [-1, 1].
        pair_threshold: Replaces the fitted thresholds on `pair_score`, in [-1, 1]; -1 turns them off.
        schema: Relation schema for the schema checks, and for what its predicates mean; None takes the model's. Words
            that the model has learned are scored as it learned them, the others by what this schema says of them.
        reject_modality: Reject what the text denies, reports as rumour, only plans, or says is over, by `ModalityKind`.

    Raises:
        ConfigError: A threshold is outside [-1, 1], or there is no such modality.
    """

    schema_checks: bool = True
    mention_checks: bool = True
    text_threshold: float | None = None
    pair_threshold: float | None = None
    schema: Schema | None = None
    reject_modality: tuple[ModalityKind, ...] = DEFAULT_REJECTED

    def __post_init__(self) -> None:
        for kind in self.reject_modality:
            if kind not in MODALITIES:
                raise ConfigError(f"reject_modality {kind!r} is unknown: use any of {', '.join(MODALITIES)}")
        for name, value in (("text_threshold", self.text_threshold), ("pair_threshold", self.pair_threshold)):
            if value is not None and not -1.0 <= value <= 1.0:
                raise ConfigError(f"{name} is a cosine and must lie in [-1, 1], got {value!r}")


@dataclass(frozen=True, slots=True)
class Scores:
    """What the model says about one candidate.

    Args:
        text_score: S_st in [-1, 1].
        pair_score: S_tt in [-1, 1]; None if there was nothing to compare with.
        strategy: What `pair_score` was measured against; None if there was nothing.
        evidence: Character spans of the text, best first.
        modality: How the text puts the statement, where it does not simply assert it.
    """

    text_score: float
    pair_score: float | None = None
    strategy: PairStrategy | None = None
    evidence: tuple[Span, ...] = ()
    modality: Modality | None = None


def normalise_mention(text: str) -> str:
    """Fold what does not tell two mentions apart.

    Width, case, script (顧 and 顾), 《》, name dots, white space, invisible characters.
    """
    folded = visible(unicodedata.normalize("NFKC", text).lower()).translate(_FOLDED)
    return simplify("".join(folded.split()))


def check_candidate(candidate: Candidate, normalised_text: str, schema: Schema, rules: DecisionRules) -> str | None:
    """The first check that the candidate fails, or None.

    Args:
        candidate: What is judged.
        normalised_text: The text after `normalise_mention`, so that it is folded once per text.
        schema: The relation schema.
        rules: Which checks are on.
    """
    if rules.schema_checks:
        reason = schema.check(candidate.triple, candidate.subject_type, candidate.object_type)
        if reason is not None:
            return reason
        if schema.is_told_by_two_mentions(candidate.triple) and not _told_apart(candidate.triple, normalised_text):
            return SAME_NAME
    if rules.mention_checks:
        for role, mention in (("subject", candidate.triple.subject), ("object", candidate.triple.object)):
            needle = normalise_mention(mention)
            # A mention of marks and spaces alone folds to "", which every text contains.
            if not needle or needle not in normalised_text:
                return f"{role} not in text"
    return None


def check_modality(scores: Scores, rules: DecisionRules) -> str | None:
    """Why the way in which the text puts the statement rules it out, or None."""
    found = scores.modality
    return f"{found.kind} in text" if found is not None and found.kind in rules.reject_modality else None


def _told_apart(triple: Triple, normalised_text: str) -> bool:
    """Whether a text has more than one mention of the name that subject and object share, or says that they share it.

    A name that it does not have at all is left to the mention check.
    """
    mentions = normalised_text.count(normalise_mention(triple.subject))
    return mentions != 1 or any(word in normalised_text for word in _ONE_NAME)


def check_scores(scores: Scores, thresholds: Thresholds, rules: DecisionRules) -> str | None:
    """The two-threshold AND rule: the first score that is below its threshold, or None.

    A candidate is kept when `text_score >= tau_1` and, unless its strategy has no threshold, `pair_score >= tau_2`.
    """
    for name, score, threshold in _comparisons(scores, thresholds, rules):
        if score < threshold:
            return _below(name, score, threshold)
    return None


def margin(scores: Scores, thresholds: Thresholds, rules: DecisionRules) -> float | None:
    """How far the scores are above their thresholds, the nearer one counting; None if no threshold applies."""
    distances = [score - threshold for _, score, threshold in _comparisons(scores, thresholds, rules)]
    return min(distances, default=None)


def _comparisons(scores: Scores, thresholds: Thresholds, rules: DecisionRules) -> list[tuple[str, float, float]]:
    """Each score that has a threshold, with its name and the threshold."""
    tau_1 = thresholds.text_threshold if rules.text_threshold is None else rules.text_threshold
    found = [("text_score", scores.text_score, tau_1)]
    if scores.pair_score is not None and scores.strategy is not None:
        tau_2 = thresholds.pair_threshold(scores.strategy) if rules.pair_threshold is None else rules.pair_threshold
        found.append(("pair_score", scores.pair_score, tau_2))
    return [comparison for comparison in found if comparison[2] > OFF]


def decide(
    text: str,
    candidates: list[Candidate],
    scores: list[Scores],
    schema: Schema,
    thresholds: Thresholds,
    rules: DecisionRules,
    new_relations: Container[str] = (),
) -> list[Verdict]:
    """Judge the scored candidates of one text.

    A candidate that fails a check keeps its scores, so that a user sees what the model thought of it.

    Args:
        text: The text.
        candidates: What is judged.
        scores: One per candidate.
        schema: The relation schema that the model has learned.
        thresholds: Fitted thresholds and calibration, and those for relations that it has not learned.
        rules: Which checks are on, and thresholds that replace the fitted ones.
        new_relations: Names of relations that the model has not learned, in the schema given with the rules.

    Returns:
        One verdict per candidate, in their order.
    """
    normalised = normalise_mention(text)
    allowed = rules.schema or schema
    verdicts = []
    for candidate, score in zip(candidates, scores, strict=True):
        failed = check_candidate(candidate, normalised, allowed, rules) or check_modality(score, rules)
        fitted = thresholds.of(new_relation=relation(candidate, allowed) in new_relations)
        reason = failed or check_scores(score, fitted, rules)
        verdicts.append(
            Verdict(
                candidate=candidate,
                outcome="supported" if reason is None else "rejected",
                text_score=score.text_score,
                pair_score=score.pair_score,
                probability=_probability(candidate, score, schema, fitted.calibration),
                evidence=score.evidence,
                reason=reason,
                margin=None if failed else margin(score, fitted, rules),
                modality=score.modality,
            )
        )
    return verdicts


def _probability(candidate: Candidate, scores: Scores, schema: Schema, calibration: Calibration | None) -> float | None:
    if calibration is None:
        return None
    return calibration.probability(
        scores.text_score, scores.pair_score, agreement=agreement(candidate), relation=relation(candidate, schema)
    )


def agreement(candidate: Candidate) -> float | None:
    """The share of the LLM's samples that gave the candidate: its row's `agreement`, if that is one in [0, 1]."""
    value = candidate.extra.get("agreement")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def relation(candidate: Candidate, schema: Schema) -> str:
    """The name that a calibration knows the candidate's relation by: the schema's, if it has one for it."""
    return schema.resolve(candidate.triple.predicate) or candidate.triple.predicate


def reason_kind(reason: str) -> str:
    """A reason without its numbers, for counting: `text_score 0.412 below 0.550` -> `text_score below threshold`."""
    name = reason.partition(" ")[0]
    return f"{name} below threshold" if name in ("text_score", "pair_score") else reason


def _below(name: str, score: float, threshold: float) -> str:
    # 0.5499 against 0.55 must not read "0.550 below 0.550".
    for digits in range(3, 9):
        left, right = f"{score:.{digits}f}", f"{threshold:.{digits}f}"
        if left != right:
            break
    return f"{name} {left} below {right}"
