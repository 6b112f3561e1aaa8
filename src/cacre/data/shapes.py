"""Shapes that rows often come in and that are none of ours: what to say of them, and the one that is read all the same.

The words begin with a separator, to be put behind the message of a fault; they are empty where there is nothing to say.
"""

from __future__ import annotations

from typing import Any

from cacre.types import Triple

_EXAMPLES = {
    "texts": '{"text": "..."}',
    "contrastive": '{"text": "...", "anchors": [...], "positives": [...], "negatives": [...]}',
    "candidates": '{"text": "...", "triples": [...]}',
    "verdicts": '{"text": "...", "triples": [...]}',
    "duie": '{"text": "...", "spo_list": [...]}',
}


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


def advice_on_missing(field: str, present: Any) -> str:  # noqa: ANN401  (JSON)
    """What to do in a row whose key `field` is missing."""
    if field == "triples" and "spo_list" in present:
        return ": spo_list is gold, what is right; candidates, which are to be judged, stand under triples"
    return ""
