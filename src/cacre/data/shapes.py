"""Shapes that rows often come in and that are none of ours: what to say of them, and the one that is read all the same.

The words begin with a separator, to be put behind the message of a fault; they are empty where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cacre.types import Triple

_EXAMPLES = {
    "texts": '{"text": "..."}',
    "contrastive": '{"text": "...", "anchors": [...], "positives": [...], "negatives": [...]}',
    "candidates": '{"text": "...", "triples": [...]}',
    "verdicts": '{"text": "...", "triples": [...]}',
    "duie": '{"text": "...", "spo_list": [...]}',
}
_OTHER_LISTS = ("relations", "triplets", "triple_list", "spos", "三元组")
_OTHER_KEYS = {
    "text": ("content", "sentence", "sentText", "passage", "document", "原文", "文本", "句子"),
    "triples": _OTHER_LISTS,
    "spo_list": _OTHER_LISTS,
}
EXPECTED_TRIPLE = "expected {subject, predicate, object} or [subject, predicate, object]"


def named_parts(item: Any) -> Any:  # noqa: ANN401  (JSON)
    """A list of three as a triple with names; anything else as it is."""
    if isinstance(item, list | tuple) and len(item) == len(Triple._fields):
        return dict(zip(Triple._fields, item, strict=True))
    return item


def advice_on_line(content: bytes | str, kind: str) -> str:
    """What to do with a line that is no JSON object.

    Args:
        content: The line as it stands in the file.
        kind: What the rows must hold, for the example.
    """
    try:
        line = (content.decode("utf-8") if isinstance(content, bytes) else content).strip()
    except UnicodeDecodeError:
        return ""  # its encoding comes first
    example = f"; a line is one JSON object, such as {_EXAMPLES.get(kind, _EXAMPLES['texts'])}"
    if line.startswith("[") and line.endswith("]"):
        return f"{example}: `jq -c '.[]' FILE` makes such lines of a list"
    if line in ("{", "[", "[{") or (line[:1] in ("{", '"') and line.endswith((",", "{", "["))):
        return f"{example}: `jq -c . FILE` makes one of JSON over several lines, `jq -c '.[]' FILE` of a list"
    return "" if line.startswith("{") else example


def missing(present: Mapping[Any, Any], advice: str) -> str:
    """What to say of a key that an object lacks.

    Args:
        present: The object.
        advice: What to do, or nothing.
    """
    return f"is missing; present are: {', '.join(map(repr, present)) or 'no keys':.200}{advice}"


def advice_on_missing(field: str, present: Mapping[Any, Any]) -> str:
    """What to do in a row whose key `field` is missing; empty where its other keys tell nothing."""
    if field == "triples" and "spo_list" in present:
        return ": spo_list is gold, what is right; candidates, which are to be judged, stand under triples"
    if field in ("triples", "spo_list") and present.keys() >= set(Triple._fields):
        return f": put subject, predicate and object into the list of the text's triples, {field}: [{{...}}]"
    other = next((name for name in _OTHER_KEYS.get(field, ()) if name in present), None)
    return "" if other is None else f": rename {other} to {field}"
