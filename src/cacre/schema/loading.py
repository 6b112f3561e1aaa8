"""Reading schemas: the built-in ones, cacre's own JSON, DuIE schema lines, and plain lists of type triples."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from cacre.errors import SchemaError
from cacre.schema.relation import RelationType, parse_entry
from cacre.schema.schema import Schema

BUILT_IN = ("duie", "open")
_FORMATS = (
    'allowed are {"name": ..., "relations": [...]}, DuIE lines {"subject_type", "predicate", "object_type"}, '
    "and a list of [subject type, relation, object type]"
)


def load_schema(name_or_path: str | Path = "duie") -> Schema:
    """Load a relation schema.

    Args:
        name_or_path: `duie` (the 48 relations of DuIE 2.0), `open` (those and 14 more), or a UTF-8 file: cacre's own
            JSON (an `extends` key puts the relations of a built-in schema first), DuIE's schema as JSON lines or as a
            JSON list, or a JSON list of [subject type, relation, object type]. The last two carry names and types
            only; one relation with several types is merged into one with types `A/B`.

    Raises:
        SchemaError: The name is not built in and no file can be read there, or the file is not a schema; names the
            file and the entry.
    """
    if str(name_or_path) in BUILT_IN:
        resource = resources.files("cacre.resources") / "schemas" / f"{name_or_path}.json"
        return _read(resource.read_text(encoding="utf-8"), f"{name_or_path} (built in)", str(name_or_path))
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SchemaError(
            f"{name_or_path}: neither a built-in schema ({', '.join(BUILT_IN)}) nor a readable file: {error}"
        ) from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: not UTF-8: {error}; convert the file to UTF-8") from error
    return _read(text, str(path), path.stem)


def _read(text: str, origin: str, name: str) -> Schema:
    """Tell the format by its content and read it."""
    value = _parse(text, origin)
    if isinstance(value, dict) and "relations" in value:
        entry = parse_entry(value, origin)
        own = {relation.name: relation.relation() for relation in entry.relations}
        if len(own) == len(entry.relations) and entry.extends is not None:
            if entry.extends not in BUILT_IN:
                raise SchemaError(f"{origin}: extends={entry.extends!r}: allowed are {', '.join(BUILT_IN)}")
            own = {**load_schema(entry.extends).relations, **own}
            return _named(origin, entry.name, own.values())
        return _named(origin, entry.name, (relation.relation() for relation in entry.relations))
    rows = value if isinstance(value, list) else [value]
    return _named(origin, name, _merged([_row(row, f"{origin}: entry {i}") for i, row in enumerate(rows, start=1)]))


def _named(origin: str, name: str, relations: Iterable[RelationType]) -> Schema:
    try:
        return Schema.of(name, relations)
    except SchemaError as error:
        raise SchemaError(f"{origin}: {error}") from error


def _parse(text: str, origin: str) -> Any:  # noqa: ANN401 - any JSON
    """Parse one JSON value or JSON lines."""
    try:
        return _loads(text, origin)
    except json.JSONDecodeError as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
        whole = error
    if len(lines) < 2 or not lines[0][1].rstrip().endswith(("}", "]")):
        raise SchemaError(f"{origin}: not valid JSON: {whole}; {_FORMATS}") from whole
    rows = []
    for number, line in lines:
        try:
            rows.append(_loads(line, f"{origin}:{number}"))
        except json.JSONDecodeError as error:
            raise SchemaError(f"{origin}:{number}: not valid JSON: {error}; {_FORMATS}") from error
    return rows


def _loads(text: str, place: str) -> Any:  # noqa: ANN401 - any JSON
    """Parse one JSON value.

    Raises:
        JSONDecodeError: It is none.
        SchemaError: It is one that no schema is.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise SchemaError(f"{place}: nested too deeply to be a schema; {_FORMATS}") from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # an integer with more digits than Python converts
        raise SchemaError(f"{place}: a number cannot be read: {error}; {_FORMATS}") from error


def _row(row: Any, place: str) -> RelationType:  # noqa: ANN401 - any JSON
    """Read a DuIE schema line or a [subject type, relation, object type] list."""
    slots: dict[str, Any] = {}
    if isinstance(row, dict):
        given = row.get("object_type")
        slots = dict(given) if isinstance(given, dict) else {}
        object_type = slots.pop("@value", None) if isinstance(given, dict) else given
        parts = (row.get("subject_type"), row.get("predicate"), object_type)
    elif isinstance(row, list) and len(row) == 3:
        parts = (row[0], row[1], row[2])
    else:
        raise SchemaError(f"{place}: got {row!r:.80}; {_FORMATS}")
    for label, part in (
        *zip(("subject type", "relation", "object type"), parts, strict=True),
        *((f"type of slot {key}", kind) for key, kind in slots.items()),
    ):
        if not isinstance(part, str) or not part.strip():
            raise SchemaError(f"{place}: {label} must be a non-empty string, got {part!r:.80}; {_FORMATS}")
    subject_type, name, object_type = (str(part).strip() for part in parts)
    return RelationType(name=name, subject_type=subject_type, object_type=object_type, slots=slots)


def _merged(rows: Iterable[RelationType]) -> list[RelationType]:
    """Make one relation of the rows of each name, its types joined by `/`."""
    groups: dict[str, list[RelationType]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(row)
    return [
        RelationType(
            name=name,
            subject_type="/".join(dict.fromkeys(row.subject_type for row in group)),
            object_type="/".join(dict.fromkeys(row.object_type for row in group)),
            slots={key: kind for row in group for key, kind in row.slots.items()},
        )
        for name, group in groups.items()
    ]
