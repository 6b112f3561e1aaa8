"""From a decoded JSON value of whatever shape to triples."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from cacre.extraction.parsing.names import Role, list_called, role_called
from cacre.extraction.parsing.parts import Parts
from cacre.extraction.parsing.plain_lines import read_lines
from cacre.extraction.parsing.reading import ListName, Reading
from cacre.extraction.parsing.wrapping import says_nothing
from cacre.extraction.values import AnswerKind

_DEEPEST = 8
_NAME_KEYS = ("@value", "name", "value", "text", "entity", "mention", "名称", "实体", "值")
_TYPE_KEYS = ("type", "@type", "label", "类型", "实体类型")
_LIST_OF_TRIPLE = ("list", "label", "category", "kind", "class", "type", "类别", "类型", "标签", "种类")
_SEPARATORS = re.compile("[,，|｜、;；]")
_MISREAD = re.compile(
    r"""["“”]\s*[,，]\s*["“”]|["“”]\s*[\]}]\s*[,，]|["“”]\s*[:：]\s*["“”\[{]|[\]}]\s*[,，]\s*[\[{]|\n""",
)
"""JSON's own punctuation inside a part: json_repair took several strings for one."""


class Shapes:
    """Reads decoded values into a `Reading`.

    Args:
        reading: Where triples and fragments go.
        kind: What was asked for.
        source: The text that the value was mended from; None for sound JSON, which needs no distrust.
    """

    def __init__(self, reading: Reading, kind: AnswerKind, source: str | None = None) -> None:
        self._reading, self._kind, self._source = reading, kind, source
        self._start = 0

    def read(self, value: object, name: ListName, start: int = 0) -> None:
        """Read a value.

        Args:
            value: A decoded list or object.
            name: List that its triples stand in unless a key says otherwise.
            start: Offset in the answer at which it stands.
        """
        self._start = start
        self._value(value, name, 0)

    def _value(self, value: object, name: ListName, depth: int) -> None:
        if depth > _DEEPEST:
            self._fail(value, "nested too deeply")
        elif isinstance(value, dict):
            self._object(value, name, depth)
        elif isinstance(value, list):
            self._list(value, name, depth)
        else:
            self._scalar(value, name)

    def _scalar(self, value: object, name: ListName) -> None:
        """A string where a triple should stand: a line such as `(a, b, c)`, or nothing."""
        if value is None or (isinstance(value, str) and (not value.strip() or says_nothing(value))):
            self._reading.empty = True
            return
        inner = Reading()
        if isinstance(value, str):
            inner = read_lines(value, [(0, len(value))], start=self._start, name=name, expected=True)
        if inner.reads:
            self._reading.extend(inner)
        else:
            self._fail(value, "no triple")

    def _object(self, value: dict[str, object], name: ListName, depth: int) -> None:
        roles: dict[Role, object] = {}
        for key, item in value.items():
            if role := role_called(key):
                roles.setdefault(role, item)
        kind = value.get("type")
        if "predicate" not in roles and isinstance(kind, str) and not list_called(kind):
            roles["predicate"] = kind  # REBEL's {"head", "type", "tail"}
        if len(roles.keys() & {"subject", "predicate", "object"}) >= 2:
            self._triple_object(value, roles, name)
            return
        if not value:
            self._reading.empty = True
        named = {key: called for key in value if (called := list_called(key))}
        for key, called in named.items():
            self._value(value[key], name if called == "triples" else called, depth + 1)
        if not named:
            self._unnamed(value, name, depth)

    def _unnamed(self, value: dict[str, object], name: ListName, depth: int) -> None:
        """An object without any known key, such as `{"data": [...]}` or `{"1": ["a", "b", "c"]}`."""
        for key, item in value.items():
            if isinstance(item, dict) or (isinstance(item, list) and (key.strip().isdigit() or not _flat(item))):
                self._value(item, name, depth + 1)
            elif isinstance(item, list):
                if item:
                    self._fail({key: item}, "list under an unknown key")
                else:
                    self._reading.empty = True

    def _list(self, value: list[object], name: ListName, depth: int) -> None:
        if not value:
            self._reading.empty = True
        elif _flat(value):
            self._flat_list(value, name)
        elif len(value) == 3 and isinstance(value[2], list) and _flat(value[:2]) and value[2] and _flat(value[2]):
            self._say(name, (value[0], value[1], value[2]), value)
        elif len(value) > 3 and _flat(value[:3]) and not any(_is_scalar(item) for item in value[3:]):
            self._say(name, (value[0], value[1], value[2]), value[:3])  # a bracket was missing after the third part
            self._list(value[3:], name, depth + 1)
        elif self._kind == "contrastive" and name == "triples" and _lists_of_triples(value):
            self._fail(value, "several lists without names")
        else:
            for item in value:
                self._value(item, name, depth + 1)

    def _flat_list(self, value: list[object], name: ListName) -> None:
        if all(isinstance(item, str) and len(_SEPARATORS.findall(item)) >= 2 for item in value):
            for line in value:
                self._scalar(line, name)
        elif len(value) == 3:
            self._say(name, (value[0], value[1], value[2]), value)
        elif len(value) == 1:
            self._scalar(value[0], name)
        else:
            self._fail(value, f"{len(value)} parts")

    def _triple_object(self, value: dict[str, object], roles: Mapping[Role, object], name: ListName) -> None:
        for key in _LIST_OF_TRIPLE:
            said = value.get(key)
            if isinstance(said, str) and (called := list_called(said)) and called != "triples":
                name = called
        subject, subject_type = self._entity(roles.get("subject"))
        objects, object_type = self._entity(roles.get("object"))
        types = (_typed(roles.get("subject_type")) or subject_type, _typed(roles.get("object_type")) or object_type)
        self._say(name, (subject, roles.get("predicate"), objects), value, types)

    def _entity(self, value: object) -> tuple[object, str | None]:
        """An entity and its type; DuIE and others put both into an object."""
        if not isinstance(value, dict):
            return value, None
        kind = next((_typed(value[key]) for key in _TYPE_KEYS if key in value), None)
        for key in _NAME_KEYS:
            if key in value:
                further = [other for other in value if other != key and other not in _TYPE_KEYS]
                self._reading.repairs["further slots left out"] += bool(further)
                return value[key], kind
        return None, kind

    def _say(
        self,
        name: ListName,
        values: tuple[object, object, object],
        raw: object,
        types: tuple[str | None, str | None] = (None, None),
    ) -> None:
        """Add a triple, or several where its object is a list."""
        subject, predicate, objects = values
        each_object = objects if isinstance(objects, list) and objects and _flat(objects) else [objects]
        if len(each_object) > 1:
            self._reading.repairs["list of objects"] += 1
        for each in each_object:
            texts = [_as_text(part) for part in (subject, predicate, each)]
            if any(text is None for text in texts):
                self._fail(raw, "a part that is no text")
            elif self._source is not None and any(_MISREAD.search(text) for text in texts if text):
                self._fail(raw, "json mended wrongly")
            else:
                parts: Parts = (texts[0] or "", texts[1] or "", texts[2] or "")
                self._reading.say(name, parts, _written(raw), self._start, types)

    def _fail(self, value: object, reason: str) -> None:
        self._reading.fail(_written(value), reason)


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_scalar(value: object) -> bool:
    return not isinstance(value, list | dict)


def _flat(value: list[object]) -> bool:
    return all(_is_scalar(item) for item in value)


def _lists_of_triples(value: list[object]) -> bool:
    """Whether a list holds several lists that hold triples, one level deeper than a list of triples does."""
    return len(value) > 1 and all(isinstance(item, list) and item and not any(map(_is_scalar, item)) for item in value)


def _as_text(value: object) -> str | None:
    """A part as text; empty for null, None for what can be no part."""
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return str(value)


def _typed(value: object) -> str | None:
    """A type; DuIE writes `{"@value": "人物"}`."""
    if isinstance(value, dict):
        value = value.get("@value")
    return value.strip() or None if isinstance(value, str) else None
