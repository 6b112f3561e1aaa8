"""Reading what can be scored: DuIE rows, cacre's own rows and verdict rows, and alias files."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from cacre.data.shapes import EXPECTED_TRIPLE, advice_on_line, advice_on_missing, missing
from cacre.data.triple_labels import is_rejected, labels_of_triples
from cacre.errors import DataError
from cacre.evaluation.duie_scorer import VALUE, Spo
from cacre.schema import Schema
from cacre.types import Triple, advice_on_names, advice_on_numbers

Side = Literal["predictions", "gold"]

# A filtered row still carries the gold it was read with: what counts depends on the side the file stands on.
_KEYS: dict[Side, tuple[str, ...]] = {
    "predictions": ("triples", "spo_list"),
    "gold": ("gold", "spo_list", "triples"),
}
ANCHORS = "anchors"


@dataclass
class ScoredFile:
    """What is scored of a file, and what has to be said of it.

    Args:
        rows: The SPOs of each text; those of several rows of one text together.
        repeated: Rows whose text a row before had.
        by_anchors: Rows of gold whose anchors are taken, for they have no gold.
        judged_wrong: Triples of gold that a label calls wrong; they are left out.
        unjudged: Triples of gold in rows with labels that have none, or null; they are left out too.
    """

    rows: dict[str, list[Spo]] = field(default_factory=dict)
    repeated: int = 0
    by_anchors: int = 0
    judged_wrong: int = 0
    unjudged: int = 0


def read_scored_rows(
    path: str | Path, side: Side = "predictions", *, repeats: Literal["together", "last"] = "together"
) -> dict[str, list[Spo]]:
    """Read the SPOs of each text.

    A row is `{"text", ...}` with a list of SPOs under `triples` or `spo_list` (predictions), or under `gold`,
    `spo_list` or `triples` (gold), the first of these that it has. An SPO is `{"subject", "predicate", "object"}` or
    `[subject, predicate, object]`; the object is a string or a dict with `@value`. Of `triples` as gold with labels
    those that a label calls right are taken; else triples whose `verdict` is `rejected` are left out.

    Args:
        path: A JSONL file in UTF-8; `-` is standard input.
        side: Which side of the comparison the file is.
        repeats: Whether the rows of one text count together, or the last one alone, as in the official script.

    Raises:
        DataError: The file cannot be read, or a row is not as above; with file, line and field.
    """
    return _read(path, side, _KEYS[side], repeats == "last").rows


def read_scored_file(path: str | Path, side: Side) -> ScoredFile:
    """Read as `read_scored_rows` does, with what was left out; of gold also anchors of rows that have nothing else.

    Args:
        path: A JSONL file in UTF-8; `-` is standard input.
        side: Which side of the comparison the file is.

    Raises:
        DataError: As `read_scored_rows`.
    """
    return _read(path, side, (*_KEYS[side], ANCHORS) if side == "gold" else _KEYS[side])


def _read(path: str | Path, side: Side, keys: Sequence[str], last: bool = False) -> ScoredFile:
    file = ScoredFile()
    for number, row in json_rows(path):
        try:
            _add_row(file, row, side, keys, last)
        except DataError as error:
            raise DataError(error.reason, path=str(path), line=number, field=error.field) from error
    return file


def canonical_predicates(rows: Mapping[str, Sequence[Spo]], schema: Schema) -> tuple[dict[str, list[Spo]], int]:
    """The rows with synonyms of predicates replaced by the schema's names, and how many triples that changed.

    A synonym of several relations (配偶) stays, and so does a phrase that is read from object to subject.

    Args:
        rows: The SPOs of each text.
        schema: Names and synonyms.
    """
    renamed = {text: [(s, schema.resolve(p) or p, o) for s, p, o in spos] for text, spos in rows.items()}
    pairs = ((old, new) for text, spos in rows.items() for old, new in zip(spos, renamed[text], strict=True))
    changed = sum(old[1] != new[1] for old, new in pairs)
    return renamed, changed


def json_rows(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a JSONL file with their 1-based lines; blank lines are passed over.

    Raises:
        DataError: The file cannot be read, or a line is no JSON object; with file and line.
    """
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            reason = f"not valid JSON: {error.msg} at column {error.colno}{advice_on_line(line, 'candidates')}"
            raise DataError(reason, path=str(path), line=number) from error
        if not isinstance(row, dict):
            reason = f"expected a JSON object, got {line.strip()!r:.80}{advice_on_line(line, 'candidates')}"
            raise DataError(reason, path=str(path), line=number)
        yield number, row


def read_aliases(path: str | Path) -> dict[str, set[str]]:
    """Read an alias file: one entity a line, `canonical name<TAB>alias<TAB>alias...`.

    Names are lower-cased; of a canonical name that occurs twice the last line counts, both as in the official script.

    Raises:
        DataError: The file cannot be read.
    """
    aliases = {}
    for _, line in _lines(path):
        name, *others = line.strip().lower().split("\t")
        aliases[name] = set(others)
    return aliases


def _lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Non-blank lines with their 1-based numbers."""
    number = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 ({error.reason}): save the file as UTF-8"
        raise DataError(reason, path=str(path), line=number + 1) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=str(path)) from error


@contextmanager
def _opened(path: str | Path) -> Iterator[TextIO]:
    if str(path) == "-":
        # Python would read in the encoding of the terminal, which need not be that of our files.
        stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig")
        try:
            yield stream
        finally:
            stream.detach()  # or it would close standard input
    else:
        with Path(path).open(encoding="utf-8-sig") as stream:
            yield stream


def _add_row(file: ScoredFile, row: dict[str, Any], side: Side, keys: Sequence[str], last: bool) -> None:
    key = _key(row, side, keys)
    file.by_anchors += key == ANCHORS
    labels = labels_of_triples(row) if side == "gold" and key == "triples" else []
    if any(label is not None for label in labels):
        said = [None if label is None else label.right for label in labels]
        file.judged_wrong += said.count(False)
        file.unjudged += said.count(None)
        kept = [index for index, right in enumerate(said) if right]
    else:  # a label goes before a verdict, which would hide what the verifier rejected wrongly
        kept = [index for index, item in enumerate(row[key]) if not is_rejected(item)]
    spos = [parse_spo(row[key][index], f"{key}[{index}]") for index in kept]
    before = file.rows.get(row["text"])
    file.repeated += before is not None
    file.rows[row["text"]] = spos if before is None or last else [*before, *spos]


def _key(row: dict[str, Any], side: Side, keys: Sequence[str]) -> str:
    """Under which key the SPOs of a row stand."""
    if "text" not in row:
        raise DataError(missing(row, advice_on_missing("text", row)), field="text")
    if not isinstance(row["text"], str):
        raise DataError(f"expected a string, got {row['text']!r:.80}", field="text")
    # A null counts only where there is nothing else: rows of other tools have `"gold": null` beside their anchors.
    present = sorted((key for key in keys if key in row), key=lambda key: row[key] is None)
    if not present:
        wanted = ", ".join(keys)
        advice = advice_on_missing("triples", row)
        raise DataError(f"a row of {side} needs a list under one of {wanted}; it has {', '.join(row)!r:.120}{advice}")
    if not isinstance(row[present[0]], list):
        raise DataError(f"expected a list, got {row[present[0]]!r:.80}", field=present[0])
    return present[0]


def parse_spo(item: object, field: str) -> Spo:
    """One SPO of a row, in any of the shapes of `read_scored_rows`; the object is always a dict.

    Args:
        item: What stands in the row.
        field: Its place, for the error.

    Raises:
        DataError: It has another shape.
    """
    if isinstance(item, dict):
        parts: list[Any] = [item.get(name) for name in Triple._fields]
        if lacking := [name for name in Triple._fields if name not in item]:
            raise DataError(missing(item, advice_on_names(item)), field=f"{field}.{lacking[0]}")
    elif isinstance(item, list) and len(item) == 3:
        parts = item
    else:
        raise DataError(f"{EXPECTED_TRIPLE}, got {item!r:.80}", field=field)
    subject, predicate, value = parts
    for name, part in (("subject", subject), ("predicate", predicate)):
        if not isinstance(part, str):
            reason = f"expected a string, got {part!r:.80}{advice_on_numbers(part)}"
            raise DataError(reason, field=f"{field}.{name}")
    slots = {VALUE: value} if isinstance(value, str) else value
    if not isinstance(slots, dict) or VALUE not in slots or not all(isinstance(v, str) for v in slots.values()):
        reason = f"expected a string or a dict of strings with {VALUE!r}, got {value!r:.80}{advice_on_numbers(value)}"
        raise DataError(reason, field=f"{field}.object")
    return subject, predicate, slots
