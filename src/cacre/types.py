"""The values that travel through cacre: all frozen, all plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from cacre.errors import DataError

Outcome = Literal["supported", "rejected"]
NegativeKind = Literal["corrupt_subject", "corrupt_predicate", "corrupt_object", "swap_roles", "trim_boundary"]
"""How a wrong triple is made of a right one."""
ModalityKind = Literal["denied", "rumoured", "planned", "past"]
"""What a text may do with a statement instead of asserting it."""
Span = tuple[int, int]
"""Character offsets [start, end) into a text."""
_OTHER_NAMES = {
    "subject": ("head", "h", "sub", "subj", "s", "source", "主体", "主语", "头实体"),
    "predicate": ("relation", "rel", "pred", "r", "p", "type", "关系", "谓语", "谓词"),
    "object": ("tail", "t", "obj", "o", "target", "客体", "宾语", "尾实体"),
}


def advice_on_names(item: Mapping[Any, Any]) -> str:
    """What to rename in a triple whose parts have the names that other tools give them; empty if they have not."""
    wrong = {
        ours: next((name for name in names if name in item), None)
        for ours, names in _OTHER_NAMES.items()
        if ours not in item
    }
    found = {other: ours for ours, other in wrong.items() if other is not None}
    return f": rename {', '.join(found)} to {', '.join(found.values())}" if found else ""


def advice_on_numbers(value: object) -> str:
    """What to do with a number where a string is needed; empty for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f': write numbers as strings, such as "{value}"' if is_number else ""


class Triple(NamedTuple):
    """A fact (subject, predicate, object), as in DuIE and RDF."""

    subject: str
    predicate: str
    object: str

    @classmethod
    def parse(cls, value: Sequence[Any], field: str = "triple") -> Triple:
        """Make a triple of a JSON list.

        Args:
            value: Three non-empty strings.
            field: Name of the field it came from, for the error.

        Raises:
            DataError: The value is not a list of three non-empty strings.
        """
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 3:
            raise DataError(f"expected [subject, predicate, object], got {value!r:.80}", field=field)
        for name, part in zip(("subject", "predicate", "object"), value, strict=True):
            if not isinstance(part, str) or not part.strip():
                reason = f"{name} must be a non-empty string, got {part!r:.80}{advice_on_numbers(part)}"
                raise DataError(reason, field=field)
        return cls(*value)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A triple to be judged against a text.

    Args:
        triple: The fact.
        subject_type: Type that the extractor gave the subject, if any.
        object_type: Type that the extractor gave the object, if any.
        paraphrase: The extractor's own paraphrase of the triple (the paper's "positive"), if any.
        extra: Further keys of the row, passed through untouched.
    """

    triple: Triple
    subject_type: str | None = None
    object_type: str | None = None
    paraphrase: Triple | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: Mapping[str, Any], field: str = "candidate") -> Candidate:
        """Make a candidate of a mapping with the keys that a row's `triples` have.

        Args:
            value: `subject`, `predicate`, `object`, and what else a candidate may have. Of a complex object the
                "@value" is the candidate's; the other slots become the key `qualifiers` of `extra`.
            field: Name of the field it came from, for the error.

        Raises:
            DataError: A part is missing, or is not what it must be.
        """
        for name in Triple._fields:
            if name not in value:
                present = ", ".join(map(repr, value)) or "no keys"
                raise DataError(f"{name} is missing; present are: {present:.200}{advice_on_names(value)}", field=field)
        extra = {name: part for name, part in value.items() if name not in _CANDIDATE_KEYS}
        object_, slots = _plain(value["object"])
        if slots:
            given = value.get("qualifiers", {})
            if not isinstance(given, Mapping):
                raise DataError(f"qualifiers must be an object of strings, got {given!r:.80}", field=field)
            extra["qualifiers"] = {**slots, **given}
        types = {name: _plain(value.get(name))[0] for name in ("subject_type", "object_type")}
        for name, part in types.items():
            if part is not None and not isinstance(part, str):
                raise DataError(f"{name} must be a string, got {part!r:.80}", field=field)
        paraphrase = value.get("paraphrase")
        return cls(
            Triple.parse((value["subject"], value["predicate"], object_), field),
            paraphrase=None if paraphrase is None else Triple.parse(paraphrase, f"{field}.paraphrase"),
            extra=extra,
            **types,
        )

    def to_dict(self) -> dict[str, Any]:
        """The candidate as a row's `triples` have it; of a complex object the value, its slots as `qualifiers`."""
        types = {"subject_type": self.subject_type, "object_type": self.object_type}
        given: dict[str, Any] = {key: value for key, value in types.items() if value is not None}
        if self.paraphrase is not None:
            given["paraphrase"] = list(self.paraphrase)
        return {**self.extra, **self.triple._asdict(), **given}


_CANDIDATE_KEYS = (*Triple._fields, "subject_type", "object_type", "paraphrase")


def _plain(value: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401  (the value of a key, not yet checked)
    """The "@value" of what DuIE writes as an object, and its other slots; anything else as it is."""
    if not isinstance(value, Mapping) or "@value" not in value:
        return value, {}
    return value["@value"], {name: part for name, part in value.items() if name != "@value"}


class Modality(NamedTuple):
    """How a text puts a statement that it does not simply assert.

    Args:
        kind: Denied, reported as rumour, only planned, or over.
        cue: Where the word stands that says so.
    """

    kind: ModalityKind
    cue: Span


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one candidate.

    Args:
        candidate: What was judged.
        outcome: `supported` or `rejected`.
        text_score: Text-triple similarity (the paper's S_st) in [-1, 1]; None if the verifier has no such score.
        pair_score: Triple-paraphrase similarity (the paper's S_tt) in [-1, 1]; None if nothing can be compared.
        probability: Calibrated probability in [0, 1] that the text supports the triple; None without a calibration.
        evidence: Character spans of the text: the subject, the object, a word that says the relation; where a name is
            not found, what the model looked at.
        reason: Why it was rejected; None when supported.
        margin: How far the scores are above their thresholds, the nearer one counting; below 0 when rejected by a
            score. None if a check failed or no threshold applies, so that no score decided.
        modality: How the text puts the statement, where a word shows that it does not simply assert it; information
            that is there whatever the outcome.
        judged_as: What was judged in its place, where its predicate is read from object to subject (执导作品) or has
            several readings (配偶): subject, name of the relation, object. Which of several readings it is says nothing
            of the text: they differ by hundredths. None if it was judged as it is.
    """

    candidate: Candidate
    outcome: Outcome
    text_score: float | None = None
    pair_score: float | None = None
    probability: float | None = None
    evidence: tuple[Span, ...] = ()
    reason: str | None = None
    margin: float | None = None
    modality: Modality | None = None
    judged_as: Triple | None = None

    @property
    def supported(self) -> bool:
        """Whether the candidate is kept."""
        return self.outcome == "supported"

    def judgement(self) -> dict[str, Any]:
        """What a row says of its judged triple, beside the triple: the keys of `VERDICT_KEYS` that apply, as JSON."""
        keys: dict[str, Any] = {
            "verdict": self.outcome,
            "text_score": _rounded(self.text_score),
            "pair_score": _rounded(self.pair_score),
            "probability": _rounded(self.probability),
            "evidence": [[int(start), int(end)] for start, end in self.evidence],
        }
        if not self.supported:
            keys["reason"] = self.reason
        if self.modality is not None:
            keys |= {"modality": self.modality.kind, "modality_cue": list(self.modality.cue)}
        if self.judged_as is not None:
            keys["judged_as"] = list(self.judged_as)
        return keys

    def to_dict(self) -> dict[str, Any]:
        """The judged triple as the rows of `cacre filter` have it, as JSON; scores are rounded to 6 digits."""
        given = self.candidate.to_dict()
        stale = VERDICT_KEYS if "verdict" in given else ()
        return {**{key: value for key, value in given.items() if key not in stale}, **self.judgement()}


VERDICT_KEYS = (
    "verdict", "text_score", "pair_score", "probability", "evidence", "reason", "modality", "modality_cue", "judged_as",
)  # fmt: skip
"""Keys of a judged triple in a row. Filtering again replaces them."""


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its three aligned contrastive lists (the paper's sample S = {T, R_t}).

    Args:
        text: The text T.
        anchors: R_a, triples that the text supports.
        positives: R_p, paraphrases of the anchors, index by index.
        negatives: R_n, wrong triples made from the anchors, index by index.
        hard: Further negatives of the text, not aligned.
        id: Name of the row, if it has one.
        gold: Annotated triples of the text, where there are any.
    """

    text: str
    anchors: tuple[Triple, ...]
    positives: tuple[Triple, ...]
    negatives: tuple[Triple, ...]
    hard: tuple[Triple, ...] = ()
    id: str | None = None
    gold: tuple[Triple, ...] | None = None
