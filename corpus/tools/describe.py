"""Numbers of a corpus folder: its size, its variety, what its texts share with each other and with other texts.

    python corpus/tools/describe.py corpus/seed corpus/train corpus/test/lists.jsonl
        --judged corpus/test/candidates.jsonl [--beside OTHER.jsonl...] [--apart OTHER.jsonl...]

`--beside` counts other rows in the same way, for comparison; `--apart` are texts that must share no run of 13
characters with the corpus. Ends with exit code 1 if one does. Needs scikit-learn (the extra `eval`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import cohen_kappa_score

from cacre.data import load_examples
from cacre.schema import load_schema
from cacre.types import Example

RUN = 13
"""Characters that two texts may have in common by chance, but not more."""
ALIKE = 0.5
"""Jaccard similarity of 4-grams from which two texts are called near duplicates."""


@dataclass(frozen=True)
class Part:
    """Rows of one folder or file."""

    name: str
    examples: Sequence[Example]

    @property
    def texts(self) -> list[str]:
        """Their texts."""
        return [example.text for example in self.examples]


def distinct_4_grams(texts: Sequence[str], size: int | None = None) -> float:
    """Share of different ones among all character 4-grams, of the first texts up to `size` characters in all."""
    counted: Counter[str] = Counter()
    for text in texts:
        if size is not None and counted.total() >= size:
            break
        counted.update(text[at : at + 4] for at in range(len(text) - 3))
    return len(counted) / max(counted.total(), 1)


def near_duplicates(texts: Sequence[str]) -> int:
    """Texts that have a near duplicate before them."""
    grams = CountVectorizer(analyzer="char", ngram_range=(4, 4), binary=True, lowercase=False).fit_transform(texts)
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    shared = (grams @ grams.T).tocoo()
    earlier = shared.col < shared.row
    row, col, both = shared.row[earlier], shared.col[earlier], shared.data[earlier]
    return len(set(row[both / (sizes[row] + sizes[col] - both) >= ALIKE].tolist()))


def runs_of(texts: Sequence[str]) -> set[str]:
    """All runs of 13 characters, spaces and punctuation left out."""
    bare = (re.sub(r"\W", "", text) for text in texts)
    return {text[at : at + RUN] for text in bare for at in range(len(text) - RUN + 1)}


def shared_runs(part: Part, apart: Sequence[Path]) -> list[str]:
    """Ids of rows that share a run with a text of one of the JSONL files."""
    foreign = runs_of([text for path in apart for text in texts_of(path)])
    return [example.id or example.text[:20] for example in part.examples if runs_of([example.text]) & foreign]


def texts_of(path: Path) -> list[str]:
    """The texts of a JSONL file, whatever else its rows hold."""
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def agreement(path: Path) -> list[tuple[str, str]]:
    """Of candidates judged twice: how many are right, and how far the judges agree."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    judged = [triple for row in rows for triple in row["triples"]]
    first, second = ([triple["judges"][judge][0] for triple in judged] for judge in (0, 1))
    both_wrong = [t["judges"] for t in judged if t["supported"] == 0]
    kinds = Counter(t.get("kind", "kinds differ") for t in judged if t["supported"] == 0)
    return [
        ("texts", f"{len(rows):,}"),
        ("candidates", f"{len(judged):,}"),
        ("supported, both say", str(sum(t["supported"] == 1 for t in judged))),
        ("not supported, both say", str(len(both_wrong))),
        ("the judges differ", str(sum(t["supported"] is None for t in judged))),
        ("agreement", f"{np.mean(np.equal(first, second)):.3f}"),
        ("Cohen's kappa", f"{cohen_kappa_score(first, second):.3f}"),
        ("agreement on the kind of error", f"{np.mean([a[1] == b[1] for a, b in both_wrong]):.3f}"),
        *((f"kind: {kind}", str(n)) for kind, n in kinds.most_common()),
    ]


def describe(part: Part, size: int) -> list[tuple[str, str]]:
    """Rows of a table, what and how many."""
    lengths = np.asarray([len(text) for text in part.texts])
    facts = Counter(anchor.predicate for example in part.examples for anchor in (example.anchors or example.gold or ()))
    per_text = np.asarray([len(example.anchors or example.gold or ()) for example in part.examples])
    top = sum(n for _, n in facts.most_common(5)) / max(facts.total(), 1)
    return [
        ("texts", f"{len(part.texts):,}"),
        ("triples", f"{facts.total():,}"),
        ("relations", str(len(facts))),
        ("triples a text, mean", f"{per_text.mean():.2f}"),
        ("characters, mean", f"{lengths.mean():.0f}"),
        ("characters, 10 % / 50 % / 90 %", " / ".join(f"{n:.0f}" for n in np.quantile(lengths, [0.1, 0.5, 0.9]))),
        ("share of the five commonest relations", f"{top:.2f}"),
        (f"distinct 4-grams in {size:,} characters", f"{distinct_4_grams(part.texts, size):.3f}"),
        ("near duplicates", str(near_duplicates(part.texts))),
    ]


def relations(parts: Sequence[Part]) -> list[list[str]]:
    """Texts that speak of each relation, one column a part."""
    counts = [
        Counter(
            name for example in part.examples for name in {a.predicate for a in (example.anchors or example.gold or ())}
        )
        for part in parts
    ]
    names = sorted({name for count in counts for name in count}, key=lambda name: -counts[0][name])
    return [[name, *(str(count[name]) for count in counts)] for name in names]


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    for line in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(line) + " |")
    print()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", type=Path)
    parser.add_argument("--beside", nargs="*", type=Path, default=[])
    parser.add_argument("--apart", nargs="*", type=Path, default=[])
    parser.add_argument("--judged", type=Path, help="candidates judged twice")
    given = parser.parse_args()
    schema = load_schema("open")
    parts = [Part(path.stem, load_examples(path, schema=schema)) for path in (*given.parts, *given.beside)]
    size = min(sum(map(len, part.texts)) for part in parts)
    columns = [describe(part, size) for part in parts]
    print_table(
        ["", *(part.name for part in parts)],
        [[rows[0][0], *(row[1] for row in rows)] for rows in zip(*columns, strict=True)],
    )
    print_table(["texts by relation", *(part.name for part in parts)], relations(parts))
    if given.judged:
        print_table(["judged candidates", given.judged.stem], agreement(given.judged))
    found = [row for part in parts[: len(given.parts)] for row in shared_runs(part, given.apart)] if given.apart else []
    print(f"rows that share {RUN} characters with {len(given.apart)} other files: {len(found)} {' '.join(found[:20])}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
