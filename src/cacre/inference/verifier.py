"""What every verifier can do, and the forms in which it takes candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from cacre.errors import DataError
from cacre.types import Candidate, Triple, Verdict

MAX_CANDIDATES = 1000
"""Candidates per text; more are an error, so that one row cannot take all the memory."""
MAX_TEXT_CHARACTERS = 100_000
CandidateLike = Candidate | Triple | Mapping[str, Any]
"""A candidate, a bare triple, or an object with the keys of a row's `triples`."""


@runtime_checkable
class Verifier(Protocol):
    """Says which candidates a text supports."""

    def verify(self, text: str, candidates: Sequence[Candidate | Triple]) -> list[Verdict]:
        """Judge the candidates of one text; one verdict per candidate, in their order."""
        ...

    def verify_many(self, pairs: Sequence[tuple[str, Sequence[Candidate | Triple]]]) -> list[list[Verdict]]:
        """Judge several texts at once; the verdicts are those that `verify` gives for each text alone."""
        ...


def as_candidate(value: CandidateLike) -> Candidate:
    """Make a `Candidate` of a bare triple or a mapping, and check that its strings can be encoded.

    Raises:
        DataError: It is not a candidate, three non-empty strings or a mapping of them, or a string holds a lone
            surrogate.
    """
    if isinstance(value, Mapping):
        value = Candidate.parse(value)
    candidate = value if isinstance(value, Candidate) else Candidate(Triple.parse(value, "candidate"))
    for field, triple in (("triple", candidate.triple), ("paraphrase", candidate.paraphrase)):
        if triple is not None:
            _check_encodable("".join(Triple.parse(triple, field)), field)
    return candidate


def as_pair(text: str, candidates: Sequence[CandidateLike]) -> tuple[str, list[Candidate]]:
    """Check a text and its candidates.

    Raises:
        DataError: The text is not a non-empty string, is too long or cannot be encoded; the candidates are no list, or
            one of them is malformed; or there are too many.
    """
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"expected a non-empty string, got {text!r:.80}", field="text")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise DataError(f"{len(text)} characters, at most {MAX_TEXT_CHARACTERS} allowed: split it", field="text")
    _check_list(candidates)
    if len(candidates) > MAX_CANDIDATES:
        raise DataError(
            f"{len(candidates)} for one text, at most {MAX_CANDIDATES} allowed: split them over several rows",
            field="candidates",
        )
    _check_encodable(text, "text")
    return text, [as_candidate(candidate) for candidate in candidates]


def as_pairs(
    pairs: Sequence[tuple[str, Sequence[CandidateLike]]],
) -> list[tuple[str, list[Candidate]]]:
    """Check several texts and their candidates.

    Raises:
        DataError: They are no (text, candidates) pairs, or as in `as_pair`.
    """
    checked = []
    for number, pair in enumerate(pairs):
        if isinstance(pair, str | Mapping) or not isinstance(pair, Sequence) or len(pair) != 2:
            advice = ": give (row['text'], row['triples'])" if isinstance(pair, Mapping) else ": give a list of pairs"
            raise DataError(f"expected (text, candidates), got {pair!r:.80}{advice}", field=f"pairs[{number}]")
        checked.append(as_pair(*pair))
    return checked


def _check_list(candidates: object) -> None:
    """Refuse what is no list, one candidate in the place of a list above all."""
    one = isinstance(candidates, Triple | Candidate | Mapping)
    if one or isinstance(candidates, str) or not isinstance(candidates, Sequence):
        advice = ": put it in a list" if one else ""
        raise DataError(f"expected a list of candidates, got {candidates!r:.80}{advice}", field="candidates")


def _check_encodable(value: str, field: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"lone surrogate {value[error.start]!r}, expected valid Unicode", field=field) from error
