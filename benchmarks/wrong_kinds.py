"""What kinds of candidates an extractor proposes and how many of each the filter removes.

    python benchmarks/wrong_kinds.py GOLD.jsonl CANDIDATES.jsonl ... [--model mini-zh]

GOLD has rows with `triples`, CANDIDATES are of the same texts. The verdicts are those of `cacre filter` with the
thresholds of the model: the table of docs/results/table3.md.
"""

from __future__ import annotations

import argparse
from collections import Counter

from cacre.data import read_rows
from cacre.data.conversion import to_candidates
from cacre.data.normalisation import normalise_triple
from cacre.inference import load_verifier
from cacre.types import Triple


def kind(triple: Triple, gold: set[Triple]) -> str:
    """What is wrong with a triple, both sides normalised."""
    if triple in gold:
        return "right"
    subject, predicate, name = triple
    if any((subject, name) == (one.subject, one.object) for one in gold):
        return "the right pair under another predicate"
    if any((subject, name) == (one.object, one.subject) for one in gold):
        return "swapped"
    near = [one for one in gold if one.predicate == predicate]
    if any(subject == one.subject and _overlap(name, one.object) for one in near):
        return "a name with another border"
    if any(name == one.object and _overlap(subject, one.subject) for one in near):
        return "a name with another border"
    names = {part for one in gold for part in (one.subject, one.object)}
    together = subject in names and name in names
    return "two names of the gold that do not belong together" if together else "a name that no gold triple has"


def _overlap(left: str, right: str) -> bool:
    return left in right or right in left


def main() -> None:
    """Print a line for each kind in each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold")
    parser.add_argument("candidates", nargs="+")
    parser.add_argument("--model", default="mini-zh")
    arguments = parser.parse_args()
    verifier = load_verifier(arguments.model)
    gold = {row.text: {normalise_triple(c.triple) for c in row.candidates} for row in _rows(arguments.gold)}
    print("| file | kind | share | removed |\n|---|---|---|---|")
    for path in arguments.candidates:
        rows = _rows(path)
        judged = verifier.verify_many([(row.text, row.candidates) for row in rows])
        there, removed = Counter[str](), Counter[str]()
        for row, verdicts in zip(rows, judged, strict=True):
            for verdict in verdicts:
                name = kind(normalise_triple(verdict.candidate.triple), gold[row.text])
                there[name] += 1
                removed[name] += verdict.outcome != "supported"
        for name, count in there.most_common():
            print(f"| {path} | {name} | {count / there.total():.0%} of {there.total()} | {removed[name] / count:.0%} |")


def _rows(path: str) -> list:
    return [to_candidates(row) for row in read_rows(path, "candidates")]


if __name__ == "__main__":
    main()
