"""What verdict rows amount to: scores against gold before and after, and which gate caught which kind of error.

A triple of a verdict row may say what it really is: `"label": {"supported": 0 | 1, "kind": "swap" | ... | null}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from cacre.data import parse_row
from cacre.data.rows import VerdictItem, VerdictRow
from cacre.errors import DataError
from cacre.evaluation.duie_scorer import Scores, Spo, score
from cacre.schema.checks import NOT_IN_SCHEMA, SAME_NAME, TYPE_VIOLATION
from cacre.types import ModalityKind, Span, Triple

GATES = ("schema check", "mention check", "modality check", "text_score", "pair_score")
"""What can reject a candidate, in the order in which it is asked."""
OTHER_GATE = "other"
_MODALITY_REASONS = frozenset(f"{kind} in text" for kind in get_args(ModalityKind))
ERROR_KINDS = {
    "relation": "the two names with a relation the text does not give them",
    "entity": "a value or name of something else in the text",
    "swap": "subject and object the wrong way round",
    "negated": "what the text denies, corrects or calls a rumour",
    "boundary": "a name cut short or with words too many",
    "number": "a date or amount changed",
    "world": "true in the world, but not said by the text",
    "absent": "a name that the text does not contain",
    "schema": "a relation or type that the schema does not have",
}
"""The kinds of error in the packaged sample, in a few words each."""
CORRECT = "correct"
CORRECT_NOTE = "what the text supports; each rejection is a mistake"


@dataclass(frozen=True, slots=True)
class Label:
    """What a triple really is.

    Args:
        supported: Whether the text supports it.
        kind: The kind of error, if it is wrong and the kind is known.
    """

    supported: bool
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedTriple:
    """One triple of a verdict row; the fields are those of `Verdict`, and its label if it has one."""

    triple: Triple
    supported: bool
    reason: str | None
    text_score: float | None
    pair_score: float | None
    probability: float | None
    evidence: tuple[Span, ...]
    paraphrase: Triple | None
    label: Label | None

    @property
    def gate(self) -> str | None:
        """What rejected it; None when it is supported."""
        return None if self.supported else gate_of(self.reason or "")

    @property
    def right(self) -> bool | None:
        """Whether the verdict is the label; None without a label."""
        return None if self.label is None else self.label.supported == self.supported


@dataclass(frozen=True, slots=True)
class JudgedText:
    """One verdict row."""

    id: str | None
    text: str
    triples: tuple[JudgedTriple, ...]
    gold: tuple[Triple, ...] | None


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Scores against gold of all candidates, and of the supported ones alone."""

    before: Scores
    after: Scores


@dataclass
class KindCount:
    """How one kind of candidate fared.

    Args:
        kind: Name of the kind of error; `CORRECT` for candidates that are none.
        total: Candidates of that kind.
        rejected: How many of them each gate rejected.
    """

    kind: str
    total: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        """Candidates that no gate rejected."""
        return self.total - self.rejected.total()


def gate_of(reason: str) -> str:
    """Which gate gives a reason: `text_score 0.412 below 0.550` -> `text_score`; `other` for unheard-of reasons."""
    if reason in (NOT_IN_SCHEMA, TYPE_VIOLATION, SAME_NAME):
        return "schema check"
    if reason in ("subject not in text", "object not in text"):
        return "mention check"
    if reason in _MODALITY_REASONS:
        return "modality check"
    name = reason.partition(" ")[0]
    return name if name in GATES else OTHER_GATE


def read_judged(rows: Iterable[Mapping[str, Any]]) -> list[JudgedText]:
    """Read verdict rows, as `cacre filter --all` writes them.

    Raises:
        DataError: A row is not a verdict row; the field begins with its 0-based index.
    """
    texts = []
    for index, raw in enumerate(rows):
        try:
            row = parse_row(dict(raw), "verdicts")
        except DataError as error:
            raise DataError(error.reason, field=".".join(filter(None, (f"rows[{index}]", error.field)))) from error
        if isinstance(row, VerdictRow):  # always; parse_row is typed for all kinds
            gold = None if row.gold is None else tuple(item.triple for item in row.gold)
            name = None if row.id is None else str(row.id)
            texts.append(JudgedText(name, row.text, tuple(_judged(item) for item in row.triples), gold))
    return texts


def compare_with_gold(texts: Sequence[JudgedText]) -> BeforeAfter | None:
    """Score the candidates before and after filtering (flat); None if no row has gold, rows without are left out."""
    gold: dict[str, list[Spo]] = {}
    before: dict[str, list[Spo]] = {}
    after: dict[str, list[Spo]] = {}
    for row in texts:
        if row.gold is None:
            continue
        # A text may come in several rows; the scorer would take the last alone.
        gold.setdefault(row.text, []).extend(row.gold)
        before.setdefault(row.text, []).extend(t.triple for t in row.triples)
        after.setdefault(row.text, []).extend(t.triple for t in row.triples if t.supported)
    return BeforeAfter(score(before, gold), score(after, gold)) if gold else None


def count_kinds(texts: Iterable[JudgedText]) -> list[KindCount]:
    """How each kind of labelled candidate fared: kinds of error, the most frequent first, then `correct`.

    Empty when there are no labels.
    """
    counts: dict[str, KindCount] = {}
    for triple in (triple for row in texts for triple in row.triples):
        if triple.label is None:
            continue
        name = CORRECT if triple.label.supported else triple.label.kind or "unnamed"
        count = counts.setdefault(name, KindCount(name))
        count.total += 1
        if triple.gate is not None:
            count.rejected[triple.gate] += 1
    return sorted(counts.values(), key=lambda count: (count.kind == CORRECT, -count.total, count.kind))


def _judged(item: VerdictItem) -> JudgedTriple:
    return JudgedTriple(
        triple=item.triple,
        supported=item.verdict == "supported",
        reason=item.reason,
        text_score=item.text_score,
        pair_score=item.pair_score,
        probability=item.probability,
        evidence=item.evidence,
        paraphrase=item.paraphrase,
        label=_label((item.model_extra or {}).get("label")),
    )


def _label(value: object) -> Label | None:
    """Read a label; a user's own key of that name may hold anything, and then is none."""
    if not isinstance(value, Mapping) or value.get("supported") not in (0, 1):
        return None
    kind = value.get("kind")
    return Label(bool(value["supported"]), kind if isinstance(kind, str) else None)
