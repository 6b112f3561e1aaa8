"""Does the verifier judge a text in traditional characters as it judges the simplified one?

    python benchmarks/traditional.py --model mini-zh

The corpus's test lists and judged candidates as they are, and converted by OpenCC (phrases and all; what it makes
longer or shorter stays as it is): texts and triples, or the texts alone. AUC of `text_score`, and on how many
candidates the verdict is another one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from bundled_against import against_judges, lists
from opencc import OpenCC

from cacre.data import load_examples
from cacre.evaluation import roc_auc
from cacre.evaluation.labelled_scores import LabelledText
from cacre.inference import load_verifier
from cacre.types import Triple, Verdict

_convert = OpenCC("s2t").convert


def traditional(text: str) -> str:
    """The text in traditional characters, where these are as many."""
    made = str(_convert(text))
    return made if len(made) == len(text) else text


def converted(row: LabelledText, triples: bool) -> LabelledText:
    """A row with a traditional text, and its triples too if asked for."""
    made = (
        [replace(c, triple=Triple(*map(traditional, c.triple))) for c in row.candidates] if triples else row.candidates
    )
    return replace(row, text=traditional(row.text), candidates=tuple(made))


def main() -> None:
    """Print a line for each test set and way of writing it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini-zh")
    verifier = load_verifier(parser.parse_args().model)
    sets = {
        "test lists": lists(load_examples(["corpus/test/lists.jsonl"], schema=verifier.schema)),
        "test candidates": against_judges(Path("corpus/test/candidates.jsonl")),
    }

    def judge(rows: Sequence[LabelledText]) -> list[Verdict]:
        return [verdict for row in rows for verdict in verifier.verify(row.text, row.candidates)]

    for name, given in sets.items():
        rows = [row for row in given if row.candidates]
        labels = np.asarray([label for row in rows for label in row.labels], dtype=bool)
        ways = {
            "as they are": rows,
            "traditional": [converted(row, triples=True) for row in rows],
            "text traditional, triples simplified": [converted(row, triples=False) for row in rows],
        }
        first: list[Verdict] = []
        for way, written in ways.items():
            verdicts = judge(written)
            first = first or verdicts
            other = sum(a.outcome != b.outcome for a, b in zip(first, verdicts, strict=True))
            auc = roc_auc(labels, np.asarray([verdict.text_score for verdict in verdicts]))
            print(f"{name}, {way}: AUC {auc:.4f}, {other} of {len(labels)} verdicts differ", flush=True)


if __name__ == "__main__":
    main()
