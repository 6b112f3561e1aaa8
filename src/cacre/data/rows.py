"""The rows of cacre's JSONL files: what each kind must hold, and how it becomes our own values.

Keys that a model does not name are kept and passed through. Every fault is a `DataError` with the field it is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from cacre.data.fields import (
    DEFAULT_LIMITS,
    HardTriple,
    Label,
    Limits,
    Name,
    Probability,
    RowId,
    Score,
    Slots,
    Text,
    TripleList,
    TripleValue,
    bounded,
    fault,
    spo_fields,
)
from cacre.data.shapes import EXPECTED_TRIPLE, advice_on_missing, missing, named_parts
from cacre.data.triple_labels import labels_of_triples
from cacre.errors import ConfigError, DataError
from cacre.types import Outcome, Triple, advice_on_names, advice_on_numbers

Kind = Literal["texts", "contrastive", "candidates", "verdicts", "duie"]
_COMPLEX = ("object", "object_type")


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class SpoItem(_Model):
    """One annotated triple, as DuIE writes it (object a string or a dict of slots), or a list of three strings."""

    subject: Name
    predicate: Name
    object: Slots
    subject_type: Label | None = None
    object_type: Slots | None = None

    @property
    def triple(self) -> Triple:
        """The triple with the object's "@value"."""
        return Triple(self.subject, self.predicate, self.object["@value"])


SpoList = Annotated[tuple[Annotated[SpoItem, BeforeValidator(spo_fields)], ...], BeforeValidator(bounded)]


def _plain_object(value: object) -> object:
    """A candidate with a complex object as one with a string and `qualifiers`, a list of three as one with names."""
    value = named_parts(value)
    if not isinstance(value, dict):
        raise fault(f"{EXPECTED_TRIPLE}, got {value!r:.80}")
    plain = {**value, **{key: value[key]["@value"] for key in _COMPLEX if _is_complex(value.get(key))}}
    if _is_complex(value.get("object")):
        given = value.get("qualifiers", {})
        if not isinstance(given, dict):
            raise fault(f"qualifiers must be an object of strings, got {given!r:.80}")
        slots = {name: part for name, part in value["object"].items() if name != "@value"}
        plain["qualifiers"] = {**slots, **given}
    return plain


class CandidateItem(_Model):
    """One triple to be judged, or a list of its parts; of a complex object, as DuIE writes it, "@value" is judged.

    Its other slots are read as the key `qualifiers`, which a row may also give by itself.
    """

    subject: Name
    predicate: Name
    object: Name
    subject_type: Label | None = None
    object_type: Label | None = None
    paraphrase: TripleValue | None = None

    _complex_object = model_validator(mode="before")(_plain_object)

    @property
    def triple(self) -> Triple:
        """Its three parts."""
        return Triple(self.subject, self.predicate, self.object)


class VerdictItem(CandidateItem):
    """One judged triple."""

    verdict: Outcome
    text_score: Score | None = None
    pair_score: Score | None = None
    probability: Probability | None = None
    evidence: tuple[tuple[int, int], ...] = ()
    reason: Label | None = None
    judged_as: TripleValue | None = None


class TextRow(_Model):
    """`{"id"?, "text"}`."""

    id: RowId = None
    text: Text


class ContrastiveRow(TextRow):
    """`{"id"?, "text", "anchors", "positives", "negatives"}`, aligned by index; corpora add `kinds`, `hard`, `gold`."""

    anchors: TripleList
    positives: TripleList
    negatives: TripleList
    kinds: tuple[Label, ...] | None = None
    hard: Annotated[tuple[HardTriple, ...], BeforeValidator(bounded)] = ()
    gold: SpoList | None = None

    @field_validator("positives", "negatives", "kinds")
    @classmethod
    def _aligned(cls, value: tuple[Any, ...] | None, info: ValidationInfo) -> tuple[Any, ...] | None:
        anchors = info.data.get("anchors")
        if value is not None and anchors is not None and len(value) != len(anchors):
            raise fault(f"has {len(value)} entries, anchors has {len(anchors)}: the lists are aligned by index")
        return value


class CandidateRow(TextRow):
    """`{"id"?, "text", "triples", "gold"?}`."""

    triples: Annotated[tuple[CandidateItem, ...], BeforeValidator(bounded)]
    gold: SpoList | None = None


class VerdictRow(TextRow):
    """A candidate row with verdicts."""

    triples: Annotated[tuple[VerdictItem, ...], BeforeValidator(bounded)]
    gold: SpoList | None = None


class DuieRow(TextRow):
    """`{"text", "spo_list"}`, or the flat variant that calls the list `triples`; `gold` where those are candidates."""

    spo_list: SpoList
    gold: SpoList | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat_variant(cls, value: object) -> object:
        if isinstance(value, dict) and "spo_list" not in value and "triples" in value:
            _check_labels(value)
            return {("spo_list" if key == "triples" else key): part for key, part in value.items()}
        return value


def _check_labels(row: Mapping[str, Any]) -> None:
    if isinstance(row["triples"], list):
        try:
            labels_of_triples(row)
        except DataError as error:
            raise fault(f"{error.field} {error.reason}") from error


_MODELS: Mapping[Kind, type[TextRow]] = {
    "texts": TextRow,
    "contrastive": ContrastiveRow,
    "candidates": CandidateRow,
    "verdicts": VerdictRow,
    "duie": DuieRow,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Args:
        path: The file, `-` for standard input.
        line: 1-based line number.
        raw: The JSON object as it stood in the file.
        content: The same, validated.
    """

    path: str
    line: int
    raw: Mapping[str, Any]
    content: TextRow

    def error(self, reason: str, field: str | None = None) -> DataError:
        """An error about this row, to be raised by the caller."""
        return DataError(reason, path=self.path, line=self.line, field=field)


_Content = TypeVar("_Content", bound=TextRow)


def content_of(row: Row, expected: type[_Content]) -> _Content:
    """The validated content, if it is of the expected kind.

    Raises:
        DataError: The row was read as another kind.
    """
    if not isinstance(row.content, expected):
        raise row.error(f"read as a {type(row.content).__name__}, but a {expected.__name__} is needed: pass that kind")
    return row.content


def parse_row(raw: object, kind: Kind, limits: Limits = DEFAULT_LIMITS) -> TextRow:
    """Validate one JSON value as a row of a kind.

    Raises:
        ConfigError: There is no such kind.
        DataError: The value is not such a row; `field` names the part at fault.
    """
    if kind not in _MODELS:
        raise ConfigError(f"kind of rows {kind!r} is unknown: use one of {', '.join(_MODELS)}")
    if not isinstance(raw, dict):
        raise DataError(f"expected a JSON object, got {raw!r:.80}")
    try:
        return _MODELS[kind].model_validate(raw, context=limits)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(_reason(first), field=_field(first["loc"])) from error


def _is_complex(value: object) -> bool:
    return isinstance(value, dict) and "@value" in value


def _reason(error: ErrorDetails) -> str:
    if error["type"] == "row":
        return error["msg"]
    if error["type"] == "missing":
        given = error["input"] if isinstance(error["input"], dict) else {}
        name = str(error["loc"][-1])
        advice = advice_on_names(given) if name in Triple._fields else advice_on_missing(name, given)
        return missing(given, advice)
    if error["type"] == "string_unicode":
        return f"the key {error['input']!r:.80} holds a lone surrogate, which is no text: rename it"
    advice = advice_on_numbers(error["input"]) if error["type"] == "string_type" else ""
    return f"{error['msg']}, got {error['input']!r:.80}{advice}"


def _field(loc: tuple[int | str, ...]) -> str | None:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.removeprefix(".") or None
