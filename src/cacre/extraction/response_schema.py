"""JSON schemas of answers, for servers that force an answer into one.

They keep to what OpenAI's strict mode allows: every property is required, nothing further is allowed. Names are
repeated instead of referred to, since not every local server follows `$ref`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cacre.errors import ConfigError
from cacre.extraction.values import AnswerKind
from cacre.schema import RelationType

_STRING = {"type": "string"}


def answer_schema(kind: AnswerKind, relations: Iterable[RelationType], *, types: bool) -> dict[str, Any]:
    """The JSON schema of an answer with triples.

    Args:
        kind: `triples`: `{"triples": [...]}`; `contrastive`: `{"anchors": [...], "positives": [...], "negatives":
            [...]}`. The predicates of positives are free, since a paraphrase may use any words; all others are names
            of `relations`.
        relations: What may be extracted.
        types: Whether each triple also gives `subject_type` and `object_type`.

    Raises:
        ConfigError: There are no relations.
    """
    names = list(dict.fromkeys(relation.name for relation in relations))
    if not names:
        raise ConfigError("no relations: the JSON schema of an answer needs at least one")
    named = _triples({"type": "string", "enum": names}, types=types)
    if kind == "triples":
        return strict_object({"triples": named})
    return strict_object({"anchors": named, "positives": _triples(_STRING, types=types), "negatives": named})


def judge_schema() -> dict[str, Any]:
    """The JSON schema of a judgement: `{"verdicts": [{"number": 1, "supported": true}, ...]}`."""
    verdict = strict_object({"number": {"type": "integer"}, "supported": {"type": "boolean"}})
    return strict_object({"verdicts": {"type": "array", "items": verdict}})


def _triples(predicate: dict[str, Any], *, types: bool) -> dict[str, Any]:
    parts = {"subject": _STRING, "predicate": predicate, "object": _STRING}
    if types:
        parts |= {"subject_type": _STRING, "object_type": _STRING}
    return {"type": "array", "items": strict_object(parts)}


def strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema of an object with just these properties, all of them required."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
