"""How a candidate is read whose predicate is not the name of a relation: which relation, in which direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from cacre.inference.decision import Scores
from cacre.preprocessing.invisible import visible
from cacre.schema import Reading, Schema
from cacre.types import Candidate, Triple, Verdict

_Reading = TypeVar("_Reading")


def seen(candidate: Candidate) -> Candidate:
    """The candidate without invisible characters, which a text may have elsewhere, or a schema not at all."""
    paraphrase = candidate.paraphrase and _seen(candidate.paraphrase)
    return replace(candidate, triple=_seen(candidate.triple), paraphrase=paraphrase)


def _seen(triple: Triple) -> Triple:
    # A name of nothing else is no name without them: it stays, to be found nowhere.
    return Triple(*(visible(part) if visible(part).strip() else part for part in triple))


def readings_of(candidate: Candidate, schema: Schema) -> tuple[Candidate, ...]:
    """What is judged for a candidate: itself, or the candidates that it can mean; at least one.

    A name or a synonym of one relation stays as it is. A phrase read from object to subject (执导作品) is turned round,
    and a word with several readings (配偶, 演员) gives one candidate for each that the types and shapes allow.

    Args:
        candidate: As it came.
        schema: The relations, with their synonyms and inverses.
    """
    named, fitting = _named_and_fitting(candidate, schema)
    # A synonym is judged as said. Where no reading fits, the check has to say so of one.
    synonym = candidate.triple._replace(predicate=schema.resolve(candidate.triple.predicate) or "")
    return tuple(candidate if one.triple == synonym else one for one in fitting or named[:1]) or (candidate,)


def meant(verdict: Verdict, schema: Schema | None) -> Triple:
    """What a graph may say of a judged candidate: its reading if that is the only one, else what was said.

    Of several readings the one with the highest score is judged, often by hundredths: it decides whether the text
    supports the candidate, and not who is the husband.

    Args:
        verdict: The verdict.
        schema: The relations that it was read by; without them nothing is known of other readings.
    """
    if verdict.judged_as is None or schema is None:
        return verdict.candidate.triple
    named, fitting = _named_and_fitting(seen(verdict.candidate), schema)
    only = [one.triple for one in fitting or named] == [verdict.judged_as]
    return verdict.judged_as if only else verdict.candidate.triple


def _named_and_fitting(candidate: Candidate, schema: Schema) -> tuple[list[Candidate], list[Candidate]]:
    """The readings that the predicate has, and those of them that types and shapes allow."""
    named = [_read(candidate, reading) for reading in schema.readings(candidate.triple.predicate)]
    return named, [one for one in named if schema.check(one.triple, one.subject_type, one.object_type) is None]


def _read(candidate: Candidate, reading: Reading) -> Candidate:
    types = (candidate.subject_type, candidate.object_type)
    subject_type, object_type = types[::-1] if reading.turned else types
    triple = reading.of(candidate.triple)
    return replace(candidate, triple=triple, subject_type=subject_type, object_type=object_type)


class Read(NamedTuple):
    """One reading of a candidate."""

    said: Candidate
    """By the schema of the checks, which a user may give: what is checked, and what a verdict tells."""
    judged: Candidate
    """By the schema that scores: of a relation that the model has learned under another word (适应症) that one."""


def reads_of(candidate: Candidate, allowed: Schema, scored: Schema) -> tuple[Read, ...]:
    """The readings of a candidate under both schemas; at least one.

    Args:
        candidate: As it came.
        allowed: The schema of the checks.
        scored: The schema that scores, which has a word for every relation of `allowed`.
    """
    readings = readings_of(candidate, allowed)
    if allowed is scored:
        return tuple(Read(one, one) for one in readings)
    return tuple(Read(one, judged) for one in readings for judged in readings_of(one, scored))


def best_read(readings: Iterable[Sequence[_Reading]], scores: Iterable[Scores]) -> tuple[list[_Reading], list[Scores]]:
    """For each candidate the reading that the text supports best; of equally good ones the first.

    Args:
        readings: The readings of each candidate.
        scores: Of all readings, in their order.
    """
    following = iter(scores)
    chosen = [
        max(((reading, next(following)) for reading in group), key=lambda judged: judged[1].text_score)
        for group in readings
    ]
    return [reading for reading, _ in chosen], [score for _, score in chosen]


def about(candidate: Candidate, verdict: Verdict) -> Verdict:
    """A verdict on a reading as one on the candidate that was read so."""
    read = verdict.candidate.triple
    return replace(verdict, candidate=candidate, judged_as=None if read == _seen(candidate.triple) else read)
