"""The verifier beside boosted trees on the same string evidence: `against_trees.py [--model DIR] [--test FILE] DATA`.

DATA are the contrastive rows the model was trained on (default `corpus/seed`). The trees are the baseline
`evidence_trees`: what the evidence channel computes (mentions, borders, cue words, negation), the relation, and the
characters beside the mentions. They are fitted on the same train part as `cacre train` uses with its default seed, and
both are tested on the dev part and on the packaged sample.

The dev part chose the model's checkpoint and thresholds, the packaged sample chose nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cacre.baselines.evidence_trees import EvidenceTrees
from cacre.config import Settings
from cacre.data import load_examples
from cacre.data.splits import split_examples
from cacre.evaluation import roc_auc
from cacre.evaluation.labelled_scores import LabelledText
from cacre.inference import OnnxVerifier, load_verifier
from cacre.types import Candidate, Example, Triple

Labelled = list[tuple[str, Triple, bool, str]]
"""Text, triple, supported, kind of error."""


def from_examples(examples: Iterable[Example]) -> Labelled:
    """Anchors are supported, negatives are not."""
    rows: Labelled = []
    for e in examples:
        rows += [(e.text, t, True, "") for t in e.anchors]
        rows += [(e.text, t, False, "negative") for t in dict.fromkeys((*e.negatives, *e.hard))]
    return rows


def from_sample() -> Labelled:
    """The packaged sample with its labels; predicates outside the schema are left out, a check rejects them."""
    path = resources.files("cacre.resources") / "samples" / "demo.jsonl"
    rows: Labelled = []
    for raw in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        for item, label in zip(raw["triples"], raw["labels"], strict=True):
            triple = Triple(item["subject"], item["predicate"], item["object"])
            if label["kind"] != "schema":
                rows.append((raw["text"], triple, bool(label["supported"]), label["kind"] or ""))
    return rows


def tree_scores(rows: Labelled, trees: EvidenceTrees) -> NDArray[np.float64]:
    """Probabilities, `[N]`."""
    return np.asarray([row[0] for row in trees.scores([(text, [Candidate(t)]) for text, t, _, _ in rows])])


def scores(rows: Labelled, verifier: OnnxVerifier) -> NDArray[np.float64]:
    """text_score, `[N]`."""
    scored = verifier.score_many([(text, [triple]) for text, triple, _, _ in rows], ())
    return np.asarray([row[0].text_score for row in scored])


def areas(rows: Labelled, found: NDArray[np.float64]) -> str:
    """AUC over all, and of each kind of error against what is supported."""
    labels = np.asarray([label for _, _, label, _ in rows])
    kinds = np.asarray([kind for *_, kind in rows])
    parts = [f"{float(roc_auc(labels, found)):.3f}"]
    for kind in sorted(set(kinds[~labels].tolist())):
        chosen = labels | (kinds == kind)
        parts.append(f"{kind} {float(roc_auc(labels[chosen], found[chosen])):.3f}")
    return "  ".join(parts)


def main() -> None:
    """Fit the trees, test both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=Path, default=[Path("corpus/seed")])
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--test", type=Path, help="further contrastive rows to test on")
    arguments = parser.parse_args()
    verifier = load_verifier(arguments.model)
    training = Settings().training
    fractions = (1 - training.dev_fraction, training.dev_fraction, 0.0)
    parts = split_examples(load_examples(arguments.data, schema=verifier.schema), fractions, training.seed)
    train, dev, sample = from_examples(parts.train), from_examples(parts.dev), from_sample()
    trees = EvidenceTrees(verifier.schema)
    trees.fit([LabelledText(text, (Candidate(triple),), (label,)) for text, triple, label, _ in train])
    tests = [("dev part", dev), ("packaged sample", sample)]
    if arguments.test:
        tests.append((arguments.test.name, from_examples(load_examples([arguments.test]))))
    for name, rows in tests:
        print(f"{name}, {len(rows)} candidates: AUC")
        print("  trees    ", areas(rows, tree_scores(rows, trees)))
        print("  verifier ", areas(rows, scores(rows, verifier)))


if __name__ == "__main__":
    main()
