"""AUC of right triples against each kind of wrong one, on the dev part of the corpus: `dev_kinds.py MODEL ...`.

The dev part is what a training run with the default seed leaves out of `corpus/seed` and `corpus/train` (or of the
folders named with `--texts`). A model that was trained on less of the corpus may have learned from some of it.
With `--test FILE` on all texts of contrastive rows that no model was trained on.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cacre.config import Settings
from cacre.data import load_examples
from cacre.data.splits import split_examples
from cacre.evaluation import roc_auc
from cacre.inference import load_verifier
from cacre.schema import load_schema
from cacre.types import Candidate, Triple

LabelledRows = list[tuple[str, list[Candidate], list[str]]]


def dev_rows(folders: list[str], learnt: int | None = None) -> LabelledRows:
    """`labelled` of the texts that training leaves out, or of the first so many that it learns from."""
    training = Settings().training
    parts = (1 - training.dev_fraction, training.dev_fraction, 0.0)
    examples = load_examples(folders, schema=load_schema("open"))
    split = split_examples(examples, parts, training.seed)
    texts = {e.text for e in (split.dev if learnt is None else split.train[:learnt])}
    return labelled(sorted(path for folder in folders for path in Path(folder).glob("*.jsonl")), texts)


def labelled(paths: Iterable[Path], texts: set[str] | None) -> LabelledRows:
    """The texts (None: all), their candidates, and the kind of each: `right`, or what is wrong."""
    found = []
    for path in paths:
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if row.get("kinds") and (texts is None or row["text"] in texts):
                wrong = [
                    *zip(row["negatives"], row["kinds"], strict=True),
                    *((h[:3], h[3]) for h in row.get("hard", ())),
                ]
                kinds = ["right"] * len(row["anchors"]) + [kind for _, kind in wrong]
                triples = [*row["anchors"], *(triple for triple, _ in wrong)]
                found.append((row["text"], [Candidate(Triple(*triple)) for triple in triples], kinds))
    return found


def main() -> None:
    """Print a line for each kind and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--texts", nargs="+", default=["corpus/seed", "corpus/train"])
    parser.add_argument("--test", type=Path, metavar="FILE", help="these rows in place of dev")
    parser.add_argument("--learnt", type=int, metavar="N", help="the first N training texts in place of dev")
    arguments = parser.parse_args()
    rows = labelled([arguments.test], None) if arguments.test else dev_rows(arguments.texts, arguments.learnt)
    if not any("right" in kinds for _, _, kinds in rows):
        raise SystemExit(
            f"{arguments.test}: no row has anchors; contrastive rows are needed, such as corpus/test/lists.jsonl"
        )
    print("| model | kind | triples | AUC |\n|---|---|---|---|")
    for model in arguments.models:
        scores = load_verifier(model).score_many([row[:2] for row in rows])
        by_kind = defaultdict(list)
        for found, (_, _, kinds) in zip(scores, rows, strict=True):
            for score, kind in zip(found, kinds, strict=True):
                by_kind[kind].append(score.text_score)
        right = by_kind.pop("right")
        by_kind["all"] = [score for wrong in by_kind.values() for score in wrong]
        for kind, wrong in sorted(by_kind.items()):
            labels = np.repeat([True, False], [len(right), len(wrong)])
            print(f"| {model} | {kind} | {len(wrong)} | {roc_auc(labels, np.asarray([*right, *wrong])):.3f} |")


if __name__ == "__main__":
    main()
