"""The form in which texts of the corpus are written, its check, and the way from it to rows.

A text is a block of lines, blocks are parted by an empty line:

    ## 百科
    云岫王的母亲是苏绾，并非后来的摄政太后纪氏。
    云岫王|母亲|苏绾 = 妈妈 ~ o:纪氏 g
    ! 云岫王|父亲|苏绾 r

`##` names the genre, the next line is the text. Then the anchors, each with its positive after `=` (another name of the
relation, `<` before it where subject and object change places) and its negative after `~`: `s` alone for exchanged
roles, or `s:`, `p:`, `o:` with what stands in place of the subject, the predicate or the object, and the kind.
`!` begins a further negative. Kinds: s swap, r relation, e entity, b boundary, n number, w world, g negated, a absent.

    python corpus/tools/compact.py check FILE...                 say what is wrong, and count
    python corpus/tools/compact.py rows FILE... -o ROWS.jsonl    write rows; blocks with a fault are left out and told

Relations are those of the built-in schema `open`, or of a file: --schema SCHEMA.json.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cacre.data import write_rows
from cacre.data.guard import FalseNegativeGuard
from cacre.inference.decision import normalise_mention
from cacre.schema import Schema, load_schema
from cacre.types import Triple

KINDS = {
    "s": "swap",
    "r": "relation",
    "e": "entity",
    "b": "boundary",
    "n": "number",
    "w": "world",
    "g": "negated",
    "a": "absent",
}
ANCHOR = re.compile(r"^(?P<anchor>.+?) = (?P<positive>.+?) ~ (?P<negative>.+)$")
SHORTEST, LONGEST = 10, 250


class Fault(Exception):
    """What is wrong with a line."""


class Block(NamedTuple):
    """A text with its lines, and the number of its first line."""

    line: int
    lines: list[str]


@dataclass
class Row:
    """One text of the corpus, as it is written to its file."""

    genre: str
    text: str
    anchors: list[Triple] = field(default_factory=list)
    positives: list[Triple] = field(default_factory=list)
    negatives: list[Triple] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    hard: list[tuple[Triple, str]] = field(default_factory=list)

    def to_json(self, row_id: str) -> dict[str, Any]:
        """The row of this text in a JSONL file."""
        lists = {
            name: [list(triple) for triple in getattr(self, name)] for name in ("anchors", "positives", "negatives")
        }
        hard = [[*triple, kind] for triple, kind in self.hard]
        return {"id": row_id, "genre": self.genre, "text": self.text, **lists, "kinds": self.kinds, "hard": hard}


def blocks(path: Path) -> Iterator[Block]:
    """Blocks of a file, in order."""
    lines: list[str] = []
    first = 1
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], start=1):
        if line.strip():
            first = first if lines else number
            lines.append(line.strip())
        elif lines:
            yield Block(first, lines)
            lines = []


def parse(lines: list[str], schema: Schema) -> Row:
    """Row of a block's lines. Raises Fault."""
    if len(lines) < 2 or not lines[0].startswith("##"):
        raise Fault("a block begins with `## genre` and the text")
    row = Row(lines[0].lstrip("# ").strip(), lines[1])
    if not SHORTEST <= len(row.text) <= LONGEST:
        raise Fault(f"text of {len(row.text)} characters; {SHORTEST} to {LONGEST} are wanted")
    for line in lines[2:]:
        if line.startswith("!"):
            row.hard.append(_negative_in_full(line[1:].strip()))
        else:
            _add_anchor(row, line)
    _check(row, schema)
    return row


def _add_anchor(row: Row, line: str) -> None:
    match = ANCHOR.match(line)
    if match is None:
        raise Fault(f"not `s|p|o = positive ~ negative`: {line}")
    anchor = _triple(match["anchor"])
    predicate = match["positive"].strip()
    negative, kind = _negative(match["negative"].strip(), anchor)
    row.anchors.append(anchor)
    row.positives.append(
        Triple(anchor.object, predicate[1:].strip(), anchor.subject)
        if predicate.startswith("<")
        else Triple(anchor.subject, predicate, anchor.object)
    )
    row.negatives.append(negative)
    row.kinds.append(kind)


def _triple(text: str) -> Triple:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3 or not all(parts):
        raise Fault(f"three parts between | are wanted: {text}")
    return Triple(*parts)


def _negative_in_full(text: str) -> tuple[Triple, str]:
    body, _, letter = text.rpartition(" ")
    if letter not in KINDS:
        raise Fault(f"kind {letter!r} is none of {' '.join(KINDS)}: {text}")
    return _triple(body), KINDS[letter]


def _negative(text: str, anchor: Triple) -> tuple[Triple, str]:
    if text == "s":
        return Triple(anchor.object, anchor.predicate, anchor.subject), "swap"
    if "|" in text:
        return _negative_in_full(text)
    body, _, letter = text.rpartition(" ")
    part, _, value = body.partition(":")
    if letter not in KINDS or part not in ("s", "p", "o") or not value.strip():
        raise Fault(f"not `s`, `s:X k`, `p:X k` or `o:X k`: {text}")
    name = {"s": "subject", "p": "predicate", "o": "object"}[part]
    return anchor._replace(**{name: value.strip()}), KINDS[letter]


def _check(row: Row, schema: Schema) -> None:
    text = normalise_mention(row.text)
    guard = FalseNegativeGuard(schema, row.anchors)
    for anchor in row.anchors:
        missing = [name for name in (anchor.subject, anchor.object) if normalise_mention(name) not in text]
        if missing:
            raise Fault(f"{missing[0]!r} of an anchor is not in the text")
        if (reason := schema.check(anchor)) is not None:
            raise Fault(f"{'|'.join(anchor)}: {reason}")
    if len(set(row.anchors)) < len(row.anchors):
        raise Fault("the same anchor twice")
    for positive, anchor in zip(row.positives, row.anchors, strict=True):
        if positive.predicate == anchor.predicate:
            raise Fault(f"the positive of {'|'.join(anchor)} has the same predicate")
    negatives = [*zip(row.negatives, row.kinds, strict=True), *row.hard]
    for negative, kind in negatives:
        _check_negative(negative, kind, text, schema, guard)


def _check_negative(negative: Triple, kind: str, text: str, schema: Schema, guard: FalseNegativeGuard) -> None:
    shown = "|".join(negative)
    if negative.predicate not in schema:
        raise Fault(f"{shown}: the predicate is not in the schema")
    if guard.reject_reason(negative) in ("known", "symmetric", "inverse"):
        raise Fault(f"{shown}: not wrong, it follows from the anchors")
    missing = [name for name in (negative.subject, negative.object) if normalise_mention(name) not in text]
    if kind == "absent" and not missing:
        raise Fault(f"{shown}: of kind a, but both names are in the text")
    if kind in ("entity", "swap", "relation") and missing:
        raise Fault(f"{shown}: of kind {kind}, but {missing[0]!r} is not in the text (kind a, w, n or b?)")


def read(path: Path, schema: Schema) -> Iterator[tuple[Block, Row | Fault]]:
    """Each block of a file with its row, or with what is wrong."""
    for block in blocks(path):
        try:
            yield block, parse(block.lines, schema)
        except (Fault, ValueError) as error:
            yield block, error if isinstance(error, Fault) else Fault(str(error))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["check", "rows"])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="JSONL file, for `rows`")
    parser.add_argument("--schema", default="open", help="whose relations; a built-in schema or a file (default: open)")
    given = parser.parse_args()
    schema = load_schema(given.schema)
    faults, rows = 0, []
    for path in given.files:
        for block, row in read(path, schema):
            if isinstance(row, Fault):
                faults += 1
                print(f"{path}:{block.line}: {row}", file=sys.stderr)
            else:
                rows.append(row.to_json(f"{(given.output or path).stem}-{len(rows) + 1:03d}"))
    if given.action == "rows":
        write_rows("-" if given.output is None else given.output, rows)
    else:
        _count(rows)
    return 1 if faults else 0


def _count(rows: list[dict[str, Any]]) -> None:
    lengths = sorted(len(row["text"]) for row in rows) or [0]
    kinds = Counter(
        [*(kind for row in rows for kind in row["kinds"]), *(item[3] for row in rows for item in row["hard"])]
    )
    relations = Counter(name for row in rows for name in {anchor[1] for anchor in row["anchors"]})
    anchors = sum(len(row["anchors"]) for row in rows)
    print(f"{len(rows)} texts, {anchors} anchors, mean length {sum(lengths) / len(lengths):.0f}")
    print("negatives:", " ".join(f"{kind} {n}" for kind, n in kinds.most_common()))
    print("texts by relation:", " ".join(f"{name} {n}" for name, n in relations.most_common()))


if __name__ == "__main__":
    sys.exit(main())
