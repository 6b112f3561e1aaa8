"""What every baseline can do, how a triple is said as a sentence, and the verifier that any baseline becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Protocol, TypeVar

from cacre.errors import ConfigError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.inference.decision import DecisionRules, PairStrategy, Scores, check_scores, margin
from cacre.inference.thresholds import OFF, Thresholds
from cacre.inference.verifier import as_pairs
from cacre.schema import Schema, load_schema
from cacre.types import Candidate, Triple, Verdict

Needs = Literal["nothing", "lists", "gold", "an LLM", "a local NLI model"]
"""What a baseline was told: nothing, LLM-made lists, annotated labels, or the judgement of another model."""
Pairs = Sequence[tuple[str, Sequence[Candidate]]]
"""Texts with their candidates."""

_HAN = re.compile(r"[\u3400-\u9fff]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_Value = TypeVar("_Value")


class Baseline(Protocol):
    """Something simpler that CACRE has to beat, on the same candidates and the same training rows.

    Attributes:
        name: Its name in the registry.
        needs: What it was told.
    """

    name: str
    needs: Needs

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Learn from labelled candidates, anew each time; baselines that need no training do nothing."""
        ...

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """One score per candidate, in their order: the higher, the more surely right; on any scale.

        A score may depend on the other candidates of the same text, never on other texts.
        """
        ...


def verbalise(triple: Triple) -> str:
    """Say a triple as a sentence: `X的导演是Y`, in English `X director Y`.

    The predicate decides the language; `birthPlace` and `birth_place` are read as `birth place`.
    """
    if _HAN.search(triple.predicate):
        return f"{triple.subject}的{triple.predicate}是{triple.object}"
    words = _CAMEL.sub(" ", triple.predicate).replace("_", " ").lower().split()
    return " ".join((triple.subject, *words, triple.object))


def squash(score: float) -> float:
    """Bring a score of any scale into [-1, 1], keeping the order: `x / (1 + |x|)`, which saturates late."""
    return score / (1.0 + abs(score))


def flat_pairs(pairs: Pairs) -> list[tuple[str, Candidate]]:
    """All (text, candidate) in order."""
    return [(text, candidate) for text, candidates in pairs for candidate in candidates]


def per_text(values: Iterable[_Value], pairs: Pairs) -> list[list[_Value]]:
    """Cut what `flat_pairs` was turned into back into one list per text."""
    stream: Iterator[_Value] = iter(values)
    return [[next(stream) for _ in candidates] for _, candidates in pairs]


def pairs_of(rows: Sequence[LabelledText]) -> Pairs:
    """The candidates of labelled rows without their labels."""
    return [(row.text, row.candidates) for row in rows]


def labels_of(rows: Sequence[LabelledText]) -> list[bool | None]:
    """All labels, aligned with `flat_pairs(pairs_of(rows))`; None = not judged."""
    return [label for row in rows for label in row.labels]


def judged(rows: Sequence[LabelledText]) -> list[tuple[str, Candidate, bool]]:
    """All (text, candidate, label) that are judged."""
    labelled = zip(flat_pairs(pairs_of(rows)), labels_of(rows), strict=True)
    return [(*pair, label) for pair, label in labelled if label is not None]


def not_fitted(name: str) -> ConfigError:
    """The error of a baseline that is asked before it has learned; to be raised by the caller."""
    return ConfigError(f"baseline {name!r} is not fitted: call fit(rows) with labelled candidates first")


class BaselineVerifier:
    """A fitted baseline as a verifier: its squashed score is the `text_score`, and one threshold decides.

    No checks are applied: it is the baseline that is measured.

    Args:
        baseline: A fitted baseline.
        text_threshold: Least squashed score of a supported candidate, in [-1, 1]; -1 keeps everything.
        schema: Only asked for by `fit_verifier`, which looks paraphrases up in it; None takes that of DuIE.

    Raises:
        ConfigError: The threshold is outside [-1, 1]: `squash` one of the baseline's own scale.
    """

    def __init__(self, baseline: Baseline, text_threshold: float = OFF, *, schema: Schema | None = None) -> None:
        self.baseline = baseline
        self.rules = DecisionRules(schema_checks=False, mention_checks=False, text_threshold=text_threshold)
        self.thresholds = Thresholds(text_threshold)
        self.schema = schema or load_schema("duie")

    def verify(self, text: str, candidates: Sequence[Candidate | Triple]) -> list[Verdict]:
        """Judge the candidates of one text.

        Raises:
            DataError: The text or a candidate is malformed, or there are too many.
        """
        return self.verify_many([(text, candidates)])[0]

    def verify_many(self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]]) -> list[list[Verdict]]:
        """Judge several texts at once; the verdicts are those that `verify` gives for each text alone.

        Raises:
            DataError: As in `verify`, for any of the texts.
        """
        rows = as_pairs(pairs)
        return [
            [self._verdict(candidate, score) for candidate, score in zip(candidates, scores, strict=True)]
            for (_, candidates), scores in zip(rows, self._scores(rows), strict=True)
        ]

    def score_many(
        self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]], strategies: Sequence[PairStrategy] = ()
    ) -> list[list[Scores]]:
        """The squashed scores, for fitting thresholds; there are no pair scores, whatever the strategies.

        Raises:
            DataError: As in `verify`, for any of the texts.
        """
        return self._scores(as_pairs(pairs))

    def score_as_read(
        self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]], strategies: Sequence[PairStrategy] = ()
    ) -> list[tuple[list[Candidate], list[Scores]]]:
        """The candidates, which are read as they come, with the scores of `score_many`.

        Raises:
            DataError: As in `verify`, for any of the texts.
        """
        rows = as_pairs(pairs)
        return [(candidates, scores) for (_, candidates), scores in zip(rows, self._scores(rows), strict=True)]

    def _scores(self, rows: Pairs) -> list[list[Scores]]:
        return [[Scores(squash(score)) for score in scores] for scores in self.baseline.scores(rows)]

    def _verdict(self, candidate: Candidate, scores: Scores) -> Verdict:
        reason = check_scores(scores, self.thresholds, self.rules)
        return Verdict(
            candidate=candidate,
            outcome="supported" if reason is None else "rejected",
            text_score=scores.text_score,
            reason=reason,
            margin=margin(scores, self.thresholds, self.rules),
        )
