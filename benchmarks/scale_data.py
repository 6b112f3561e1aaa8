"""Many candidate rows for `scale.py`: texts of the test corpus, drawn with replacement, in which other names stand.

In each row every character of its names becomes another one, in the text and in the triples alike, so that lengths,
wording and what is right stay as they were, while no two rows are the same and no cache or dedupe helps.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "test" / "candidates.jsonl"
_PARTS = ("subject", "predicate", "object")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: rows, candidates and bytes."""

    rows: int
    candidates: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Source:
    """A row of the corpus, and what changes in its copies."""

    text: str
    triples: Sequence[dict[str, str]]
    names: re.Pattern[str]
    characters: str


def sources(path: Path = CORPUS) -> list[Source]:
    """The rows of the corpus that have a name which can be replaced."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [source for row in rows if (source := _source(row)) is not None]


def copies(found: Sequence[Source], candidates: int, seed: int) -> Iterator[dict[str, Any]]:
    """Rows with so many candidates in all; the same for the same seed.

    Args:
        found: What is drawn from.
        candidates: How many there are together; the last row is cut to it.
        seed: Of the draws.
    """
    rng = random.Random(seed)
    alphabet = sorted({character for source in found for character in source.characters})
    number = 0
    while candidates > 0:
        source = found[rng.randrange(len(found))]
        row = {"id": f"row-{number:08d}", **_copy(source, alphabet, rng)}
        row["triples"] = row["triples"][:candidates]
        yield row
        candidates -= len(row["triples"])
        number += 1


def write_candidates(path: Path, candidates: int, seed: int) -> Made:
    """Write rows with so many candidates; one row is in memory at a time."""
    rows = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in copies(sources(), candidates, seed):
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    return Made(rows, candidates, path.stat().st_size)


def split(path: Path, folder: Path, files: int) -> list[Path]:
    """Write the lines of a file to so many files, in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / f"{number:03d}.jsonl" for number in range(files)]
    for number, target in enumerate(targets):
        with path.open("rb") as lines, target.open("wb") as stream:
            stream.writelines(islice(lines, number, None, files))
    return targets


def _source(row: dict[str, Any]) -> Source | None:
    triples = [{part: triple[part] for part in _PARTS} for triple in row["triples"]]
    named = {triple[part] for triple in triples for part in ("subject", "object")}
    names = [name for name in named if len(name) > 1 and not _DIGIT.search(name) and name in row["text"]]
    characters = "".join(sorted(set(_HAN.findall("".join(names)))))
    if not characters:
        return None
    pattern = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    return Source(row["text"], triples, re.compile(pattern), characters)


def _copy(source: Source, alphabet: list[str], rng: random.Random) -> dict[str, Any]:
    # One mapping of characters for the whole row: a part of a name stays a part of it.
    other = str.maketrans(source.characters, "".join(rng.sample(alphabet, len(source.characters))))

    def renamed(words: str) -> str:
        return source.names.sub(lambda match: match[0].translate(other), words)

    triples = [
        {part: renamed(triple[part]) if part != "predicate" else triple[part] for part in _PARTS}
        for triple in source.triples
    ]
    return {"text": renamed(source.text), "triples": triples}
