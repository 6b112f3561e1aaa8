"""What several samples, gleanings and windows say about one text, as the candidates of one row."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from cacre.data.normalisation import normalise_name, normalise_text
from cacre.errors import ConfigError, DataError
from cacre.extraction.values import SaidTriple, Window
from cacre.inference.snapping import Snapped, Snapper
from cacre.schema import Schema
from cacre.types import Span, Triple

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A triple and where it was said.

    Args:
        said: The triple as the LLM said it.
        sample: Number of the sample, from 0.
        window: What the LLM was shown.
        gleaned: Whether it was said only when the LLM was asked what it had missed.
        paraphrase: The LLM's own rewording, if any.
    """

    said: SaidTriple
    sample: int
    window: Window
    gleaned: bool = False
    paraphrase: Triple | None = None


def merge_candidates(
    found: Iterable[Found], text: str, samples: int, schema: Schema | None = None
) -> list[dict[str, Any]]:
    """Merge what was said about a text into the `triples` of its candidate row.

    Entities are snapped to the window they were said of, failing that to the whole text. Triples are one when they
    agree after that but for title marks, white space, case and width. The order is that of the windows, then of the
    samples, then of the answer: which answer came first does not matter.

    Args:
        found: What was said; in the order of the answer for any one window, sample and `gleaned`.
        text: The whole text.
        samples: How many samples were asked for.
        schema: Where given, a predicate that is a synonym is replaced by the name of its relation.

    Returns:
        One object per triple: `subject`, `predicate`, `object`; where there is one, `subject_type`, `object_type`,
        `paraphrase` (one that only repeats the triple is left out), `predicate_as_said`, each as first given;
        `agreement`, the share of the samples that said it, if there is more than one; `mentions`, the character
        offsets in the whole text of subject and object, or null; `not_in_text`, the roles without a mention, if any;
        `gleaned`, true if it was never said unasked; `logprob`, the mean over the times it was said, if given.

    Raises:
        ConfigError: `samples` is below 1, or the number of a sample is not below it.
        DataError: A window is no stretch of the text.
    """
    found = sorted(found, key=lambda item: (item.window.start, item.sample, item.gleaned))
    bad = next((item.sample for item in found if not 0 <= item.sample < samples), None)
    if samples < 1 or bad is not None:
        raise ConfigError(f"samples={samples}, got sample number {bad}: give samples >= 1 and numbers below it")
    reader = _Reader(text, schema)
    merged: dict[tuple[str, ...], _Merged] = {}
    for item in found:
        reading = reader.read(item)
        merged.setdefault(triple_key(reading.triple), _Merged(reading)).add(item, reading)
    return [one.row(samples) for one in merged.values()]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A triple after snapping.

    Args:
        triple: With the text's entities and, where a schema is given, the relation's name.
        subject: Where the subject stands in the whole text.
        object: Where the object stands in the whole text.
        paraphrase: The rewording with the text's entities; None if there is none, or it repeats the triple.
    """

    triple: Triple
    subject: Span | None
    object: Span | None
    paraphrase: Triple | None


class _Reader:
    """Snaps entities of windows to the whole text; each window is folded once."""

    def __init__(self, text: str, schema: Schema | None) -> None:
        self._text, self._schema = text, schema
        self._whole = Snapper(text)
        self._snappers: dict[Window, Snapper] = {Window(0, text): self._whole}

    def read(self, item: Found) -> _Reading:
        snapper, said = self._snapper(item.window), item.said.triple
        subject = self._snap(said.subject, snapper, item.window)
        object_ = self._snap(said.object, snapper, item.window)
        snapped = Triple(subject.surface, said.predicate, object_.surface)
        readings = () if self._schema is None else self._schema.readings(said.predicate)
        # A word with several readings (执导, 配偶), or one read backwards, is left to the verifier.
        named = len(readings) == 1 and not readings[0].turned
        triple = readings[0].of(snapped) if named else snapped
        options = [snapped]
        if item.paraphrase is not None:
            left = self._snap(item.paraphrase.subject, snapper, item.window)
            right = self._snap(item.paraphrase.object, snapper, item.window)
            options.insert(0, Triple(left.surface, item.paraphrase.predicate, right.surface))
        # Said with a synonym and paraphrased with the name: then the triple as said is the paraphrase.
        others = (option for option in options if item.paraphrase and triple_key(option) != triple_key(triple))
        return _Reading(triple, subject.span, object_.span, next(others, None))

    def _snapper(self, window: Window) -> Snapper:
        if window not in self._snappers:
            end = window.start + len(window.text)
            if window.start < 0 or self._text[window.start : end] != window.text:
                raise DataError(f"the window at {window.start} is not what the text has there: cut it from this text")
            self._snappers[window] = Snapper(window.text)
        return self._snappers[window]

    def _snap(self, entity: str, snapper: Snapper, window: Window) -> Snapped:
        found = snapper.snap(entity)
        if found.span is None:
            return self._whole.snap(entity)
        start, end = found.span
        return Snapped(found.surface, (window.start + start, window.start + end))


@dataclass(slots=True)
class _Merged:
    """One triple and all that was said about it."""

    first: _Reading
    said_first: str | None = None
    subject_type: str | None = None
    object_type: str | None = None
    paraphrase: Triple | None = None
    samples: set[int] = field(default_factory=set)
    gleaned: bool = True
    logprobs: list[float] = field(default_factory=list)

    def add(self, item: Found, reading: _Reading) -> None:
        said = item.said
        self.said_first = self.said_first or said.triple.predicate
        self.subject_type = self.subject_type or said.subject_type
        self.object_type = self.object_type or said.object_type
        self.paraphrase = self.paraphrase or reading.paraphrase
        self.samples.add(item.sample)
        self.gleaned = self.gleaned and item.gleaned
        if said.logprob is not None and math.isfinite(said.logprob):
            self.logprobs.append(said.logprob)

    def row(self, samples: int) -> dict[str, Any]:
        row: dict[str, Any] = dict(self.first.triple._asdict())
        if self.said_first != self.first.triple.predicate:
            row["predicate_as_said"] = self.said_first
        optional = {"subject_type": self.subject_type, "object_type": self.object_type}
        row |= {name: value for name, value in optional.items() if value}
        if self.paraphrase is not None:
            row["paraphrase"] = list(self.paraphrase)
        if samples > 1:
            row["agreement"] = round(len(self.samples) / samples, _DIGITS)
        spans = {"subject": self.first.subject, "object": self.first.object}
        row["mentions"] = {role: None if span is None else list(span) for role, span in spans.items()}
        missing = [role for role, span in spans.items() if span is None]
        if missing:
            row["not_in_text"] = missing
        if self.gleaned:
            row["gleaned"] = True
        if self.logprobs:
            row["logprob"] = round(fmean(self.logprobs), _DIGITS)
        return row


def triple_key(triple: Triple) -> tuple[str, ...]:
    """What two writings of one triple have in common: no title marks, white space, case, width or script."""
    return tuple(normalise_text(normalise_name(part)) for part in triple)
