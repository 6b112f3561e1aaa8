"""How often what a text denies, reports as rumour, plans or calls over is wrong, and what rejecting it does.

    python benchmarks/modality.py corpus/seed corpus/train
    python benchmarks/modality.py corpus/seed corpus/train --dev --model mini-zh

Takes contrastive rows (anchors are right, negatives wrong) and candidate rows with `supported`. A line for each
modality counts the right and the wrong candidates that the rules hit. With `--model`, also precision, recall and F1 of
what that model keeps, by what is rejected besides; `--dev` leaves the dev part of a training run with the default seed.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev_kinds import dev_rows

from cacre.inference import DecisionRules, load_verifier
from cacre.inference.decision import MODALITIES
from cacre.preprocessing.characters import fold
from cacre.preprocessing.evidence import make_context
from cacre.preprocessing.modality import find_modality
from cacre.preprocessing.scan import CueIndex, scan_text
from cacre.schema import load_schema
from cacre.types import Candidate, Triple

Rows = list[tuple[str, list[Candidate], list[str]]]
"""Texts, their candidates, and the kind of each: `right`, or what is wrong."""
REJECTED = ((), ("denied",), ("denied", "rumoured"), ("denied", "rumoured", "planned"), MODALITIES)


def read(path: Path) -> Iterator[tuple[str, list[Candidate], list[str]]]:
    """The rows of a file, or of the files of a folder."""
    for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            judged = list(_candidates(row) if "triples" in row else _lists(row))
            yield row["text"], [Candidate(Triple(*triple)) for triple, _ in judged], [kind for _, kind in judged]


def _lists(row: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    yield from ((triple, "right") for triple in row["anchors"])
    yield from zip(row["negatives"], row.get("kinds") or ["wrong"] * len(row["negatives"]), strict=True)
    yield from ((entry[:3], entry[3]) for entry in row.get("hard", ()))


def _candidates(row: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    for item in row["triples"]:
        if item["supported"] is not None:
            kind = "right" if item["supported"] else item.get("kind") or "wrong"
            yield [item[part] for part in Triple._fields], kind


def count(rows: Rows) -> None:
    """A line for each modality: what the rules hit."""
    schema = load_schema("open")
    cues = CueIndex(schema)
    hits: dict[str, Counter[str]] = {kind: Counter() for kind in MODALITIES}
    for text, candidates, kinds in rows:
        scan = scan_text(text, cues)
        for candidate, kind in zip(candidates, kinds, strict=True):
            name = schema.resolve(candidate.triple.predicate) or candidate.triple.predicate
            own = cues.words.get(name) or (fold(name),)
            triple = candidate.triple._replace(predicate=name)
            found = find_modality(make_context(scan, triple, own, frozenset(), ("", "")))
            if found is not None:
                hits[found.kind][kind] += 1
    print("| modality | hits | right | wrong | of these `negated` | share wrong |\n|---|---|---|---|---|---|")
    for kind, found_kinds in hits.items():
        total, right = found_kinds.total(), found_kinds["right"]
        share = f"{(total - right) / total:.3f}" if total else ""
        print(f"| {kind} | {total} | {right} | {total - right} | {found_kinds['negated']} | {share} |")


def effect(rows: Rows, model: str) -> None:
    """A line for each choice of what is rejected: precision, recall and F1 of what is kept."""
    verifier = load_verifier(model, threads=1, rules=DecisionRules(reject_modality=()))
    judged = verifier.verify_many([row[:2] for row in rows])
    pairs = [pair for found, row in zip(judged, rows, strict=True) for pair in zip(found, row[2], strict=True)]
    right = sum(kind == "right" for _, kind in pairs)
    print("\n| rejected besides | kept | precision | recall | F1 |\n|---|---|---|---|---|")
    for rejected in REJECTED:
        kept = [k for v, k in pairs if v.supported and not (v.modality and v.modality.kind in rejected)]
        hit = kept.count("right")
        numbers = (hit / len(kept), hit / right, 2 * hit / (len(kept) + right))
        cells = " | ".join(f"{100 * number:.2f}" for number in numbers)
        print(f"| {', '.join(rejected) or 'nothing'} | {len(kept)} | {cells} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--model", help="also measure what rejecting does to what this model keeps")
    parser.add_argument("--dev", action="store_true", help="only the dev part of the folders of contrastive rows")
    arguments = parser.parse_args()
    rows = dev_rows(arguments.paths) if arguments.dev else [r for path in arguments.paths for r in read(Path(path))]
    count(rows)
    if arguments.model:
        effect(rows, arguments.model)


if __name__ == "__main__":
    main()
