"""What the OpenAPI document says of requests and responses, with examples. The checks themselves are those of rows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from cacre.data.fields import DEFAULT_LIMITS
from cacre.service.settings import ServeSettings
from cacre.types import ModalityKind

_TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
_RIGHT = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
_WRONG = {"subject": "雾中渡", "predicate": "导演", "object": "顾青禾"}
_SCORES = {"text_score": 0.5, "pair_score": 0.5, "probability": 0.5, "evidence": [[1, 4], [6, 9]]}
_LOW: dict[str, Any] = {"text_score": 0.25, "pair_score": None, "probability": 0.25, "evidence": []}
_JUDGED = {**_RIGHT, "verdict": "supported", **_SCORES}
_LOST = {**_WRONG, "verdict": "rejected", **_LOW, "reason": "text_score 0.250 below 0.400"}
_KEPT_ROW: dict[str, Any] = {"text": _TEXT, "triples": [_JUDGED]}
_LOST_ROW: dict[str, Any] = {"text": _TEXT, "triples": [_LOST]}
_WHOLE_ROW: dict[str, Any] = {"text": _TEXT, "triples": [_JUDGED, _LOST]}


class Compared(BaseModel):
    """What the scores of a triple are compared with: thresholds, null where one is off, and the other triples."""

    text_threshold: float | None
    pair_threshold: float | None
    strategy: Literal["paraphrase", "schema", "siblings"] | None
    triples: list[list[str]]


class JudgedTriple(BaseModel):
    """A triple with its verdict; all keys that came with it are there too."""

    model_config = ConfigDict(extra="allow")

    subject: str
    predicate: str
    object: str | dict[str, Any]
    verdict: Literal["supported", "rejected"]
    text_score: float | None
    pair_score: float | None
    probability: float | None
    evidence: list[list[int]]
    reason: str | None = None
    modality: ModalityKind | None = None
    modality_cue: list[int] | None = None
    judged_as: list[str] | None = None
    comparison: Compared | None = None


class JudgedRow(BaseModel):
    """The row as it came, each triple with its verdict."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"example": _WHOLE_ROW})

    text: str
    triples: list[JudgedTriple]


class FilteredRows(BaseModel):
    """Rows with their supported triples, with their rejected ones, and with all."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"kept": [_KEPT_ROW], "rejected": [_LOST_ROW], "all": [_WHOLE_ROW]}}
    )

    kept: list[JudgedRow]
    rejected: list[JudgedRow]
    all: list[JudgedRow]


class TripleToken(BaseModel):
    """A token of a triple; offsets are into its part."""

    part: Literal["subject", "predicate", "object"]
    start: int
    end: int


class Explanation(BaseModel):
    """Where a triple looks: `weights` has a row for each token of the triple, a column for each of the text."""

    triple: list[str]
    window: list[int]
    text_tokens: list[list[int]]
    triple_tokens: list[TripleToken]
    weights: list[list[float]]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "triple": ["雾中渡", "导演", "林知远"],
                "window": [0, 12],
                "text_tokens": [[1, 2], [2, 3]],
                "triple_tokens": [{"part": "subject", "start": 0, "end": 1}],
                "weights": [[0.5, 0.25]],
            }
        }
    )


class FailedText(BaseModel):
    """A text without a usable answer of the LLM."""

    row: int
    message: str


class ExtractedRows(FilteredRows):
    """What `filter` gives, and the texts that could not be extracted from."""

    failed: list[FailedText]


class ModelCard(BaseModel):
    """The verifier, its schema and thresholds, and the LLM or extractor that proposes triples."""

    name: str
    schema_: str
    relations: list[str]
    text_threshold: float
    pair_thresholds: dict[str, float]
    new_relations: list[str]
    new_text_threshold: float
    new_pair_thresholds: dict[str, float]
    calibrated: bool
    llm: str | None
    version: str

    model_config = ConfigDict(alias_generator=lambda name: name.rstrip("_"))


class State(BaseModel):
    """How the process is."""

    status: str


class ErrorDetail(BaseModel):
    """What went wrong, where."""

    code: str
    message: str
    field: str | None
    row: int | None


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail


def verify_body(settings: ServeSettings) -> dict[str, Any]:
    """What `/v1/verify` takes."""
    return _body(_row(settings), {"text": _TEXT, "triples": [list(_RIGHT.values()), _WRONG]})


def filter_body(settings: ServeSettings) -> dict[str, Any]:
    """What `/v1/filter` takes."""
    rows = {"type": "array", "maxItems": settings.max_rows, "items": _row(settings)}
    example = {"rows": [{"id": "k1", "text": _TEXT, "triples": [_RIGHT, _WRONG]}]}
    properties = {"rows": rows, "comparisons": {"type": "boolean", "default": False}}
    return _body({"type": "object", "required": ["rows"], "properties": properties}, example)


def explain_body(settings: ServeSettings) -> dict[str, Any]:
    """What `/v1/explain` takes."""
    properties = {"text": _text(settings), "triple": {"anyOf": [_TRIPLE, _LIST_TRIPLE]}}
    schema = {"type": "object", "required": ["text", "triple"], "properties": properties}
    return _body(schema, {"text": _TEXT, "triple": list(_RIGHT.values())})


def extract_body(settings: ServeSettings) -> dict[str, Any]:
    """What `/v1/extract` takes."""
    text = _text(settings)
    row = {"type": "object", "required": ["text"], "properties": {"text": text, "id": _ID}}
    texts = {"type": "array", "maxItems": settings.max_texts, "items": {"anyOf": [text, row]}}
    return _body({"type": "object", "required": ["texts"], "properties": {"texts": texts}}, {"texts": [_TEXT]})


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route."""
    return {status: {"model": ErrorBody, "description": _MEANINGS[status]} for status in statuses}


_MEANINGS = {
    400: "The body is no JSON object.",
    401: "The token is missing or wrong.",
    408: "The body took too long to arrive.",
    413: "The body, or a list in it, is too long.",
    415: "The body is not application/json.",
    421: "The service has no token and was called by another name than localhost.",
    422: "A row cannot be used; row and field say which and where.",
    500: "The service failed.",
    501: "The service was started without what this needs, such as an LLM.",
    502: "The LLM gave no answer that can be used.",
    503: "There is no room, or the service is about to stop; Retry-After says when to try again.",
    504: "The work took too long.",
}
# Python takes U+001C to U+001F and U+0085 for spaces, too; the `\s` of JSON Schema does not.
_WRITTEN = r"^[\s\x1c-\x1f\x85]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"
_NAME = {"type": "string", "pattern": _WRITTEN, "maxLength": DEFAULT_LIMITS.max_name_characters}
_LABEL = {"type": ["string", "null"]}
_ID = {"type": ["string", "integer", "null"]}
_LIST_TRIPLE = {"type": "array", "items": _NAME, "minItems": 3, "maxItems": 3}
# Further slots come back untouched, whatever they are.
_SLOTS = {"type": "object", "required": ["@value"], "properties": {"@value": _NAME}}
_TYPE_SLOTS = {"type": "object", "required": ["@value"], "properties": {"@value": _LABEL}}
_TRIPLE = {
    "type": "object",
    "required": ["subject", "predicate", "object"],
    "properties": {
        "subject": _NAME,
        "predicate": _NAME,
        "object": {"anyOf": [_NAME, _SLOTS]},
        "subject_type": _LABEL,
        "object_type": {"anyOf": [_LABEL, _TYPE_SLOTS]},
        "paraphrase": {"anyOf": [_LIST_TRIPLE, {"type": "null"}]},
    },
}


def _text(settings: ServeSettings) -> dict[str, Any]:
    return {"type": "string", "pattern": _WRITTEN, "maxLength": settings.max_text_characters}


def _row(settings: ServeSettings) -> dict[str, Any]:
    triples = {"type": "array", "maxItems": settings.max_triples, "items": {"anyOf": [_TRIPLE, _LIST_TRIPLE]}}
    properties = {"text": _text(settings), "triples": triples, "id": _ID}
    return {"type": "object", "required": ["text", "triples"], "properties": properties}


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
