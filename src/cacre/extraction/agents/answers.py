"""Reading what the roles say: one JSON object each, item by item, so that a bad item spoils no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cacre.errors import AnswerError
from cacre.extraction.parsing.json_objects import last_object
from cacre.extraction.response_schema import strict_object
from cacre.extraction.values import Fragment
from cacre.schema import RelationType

Item = TypeVar("Item", bound=BaseModel)
Decision = Literal["accept", "correct", "reject"]

_DECISIONS: dict[str, Decision] = {
    **dict.fromkeys(("accept", "accepted", "keep", "ok", "yes", "true", "接受", "通过", "保留", "正确"), "accept"),
    **dict.fromkeys(("correct", "corrected", "revise", "fix", "修改", "更正", "改正", "修正"), "correct"),
    **dict.fromkeys(("reject", "rejected", "remove", "drop", "no", "false", "拒绝", "删除", "驳回", "错误"), "reject"),
}
_STRING = {"type": "string"}
_LONGEST_REMARK = 300
"""Characters of a reason, a quote or a remark; what is longer is cut, for it is only read."""


def _text(value: object) -> object:
    return value.strip()[:_LONGEST_REMARK] if isinstance(value, str) else "" if value is None else value


def _decision(value: object) -> object:
    return _DECISIONS.get(str(value).strip().casefold(), value)


Remark = Annotated[str, BeforeValidator(_text)]
Word = Annotated[str, BeforeValidator(_text), Field(min_length=1)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Entity(_Said):
    """A name that the extractor saw, with its type."""

    name: Word
    type: Remark = ""


class Fact(_Said):
    """Which entities a relation may hold between, and where the text says so; not yet who is subject."""

    relation: Word
    entities: Annotated[tuple[Word, ...], Field(min_length=2)]
    quote: Remark = ""


class Slot(_Said):
    """A further part of a complex object."""

    name: Word
    value: Word


class Review(_Said):
    """What the reviewer says of one triple; parts of a correction that are empty stay as they are."""

    number: int
    decision: Annotated[Decision, BeforeValidator(_decision)]
    subject: Remark = ""
    predicate: Remark = ""
    object: Remark = ""
    reason: Remark = ""


def read_object(content: str, key: str) -> dict[str, Any]:
    """The JSON object of an answer.

    Args:
        content: The answer, as it came.
        key: A list that it must have.

    Raises:
        AnswerError: There is none, or what stands under the key is no list.
    """
    value = last_object(content, key)
    if not isinstance(value[key], list):
        raise AnswerError(f"{key!r} is no list", content)
    return value


def read_items(values: Iterable[object], kind: type[Item]) -> tuple[list[Item], list[Fragment]]:
    """The items of a list, and those that are none of the kind, each with the reason."""
    items, bad = [], []
    for value in values:
        try:
            items.append(kind.model_validate(value))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            bad.append(Fragment(json.dumps(value, ensure_ascii=False), f"{place}: {first['msg']}".removeprefix(": ")))
    return items, bad


def selector_schema(relations: Sequence[RelationType]) -> dict[str, Any]:
    """The JSON schema of a selector's answer."""
    return strict_object({"relations": _list(_named(relations))})


def extractor_schema(relations: Sequence[RelationType]) -> dict[str, Any]:
    """The JSON schema of an extractor's answer."""
    entity = strict_object({"name": _STRING, "type": _STRING})
    fact = strict_object({"relation": _named(relations), "entities": _list(_STRING), "quote": _STRING})
    return strict_object({"entities": _list(entity), "facts": _list(fact)})


def builder_schema(relations: Sequence[RelationType]) -> dict[str, Any]:
    """The JSON schema of a builder's answer; slots are a list, since strict schemas know no free keys."""
    names = dict.fromkeys(("subject", "subject_type", "object", "object_type"), _STRING)
    slots = _list(strict_object({"name": _STRING, "value": _STRING}))
    return strict_object({"triples": _list(strict_object({**names, "predicate": _named(relations), "slots": slots}))})


def reviewer_schema() -> dict[str, Any]:
    """The JSON schema of a reviewer's answer; a correction may keep what it does not change empty."""
    parts = dict.fromkeys(("subject", "predicate", "object", "reason"), _STRING)
    decision = {"type": "string", "enum": ["accept", "correct", "reject"]}
    review = strict_object({"number": {"type": "integer"}, "decision": decision, **parts})
    return strict_object({"reviews": _list(review), "again": {"type": "boolean"}, "missing": _STRING})


def _named(relations: Sequence[RelationType]) -> dict[str, Any]:
    return {"type": "string", "enum": [relation.name for relation in relations]}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}
