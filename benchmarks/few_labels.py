"""What thresholds are worth that were fitted on few labelled texts: `few_labels.py DIR --model mini-zh`.

DIR has a folder for each domain, of `schema.json` and contrastive rows, as for `new_relations.py`; `--rows` names
contrastive rows under the model's own schema, `--judged` candidates that somebody has judged, each measured apart. Of
each set so many texts are drawn, thresholds are fitted on them, and measured on all the others: F1 and recall, on
average over draws and domains, by the best F1 of the labels themselves, by that of the smoothed labels
(`cacre.evaluation.smoothed_labels`), and of keeping everything.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bundled_against import against_judges, lists
from numpy.typing import NDArray

from cacre.data import load_examples
from cacre.data.domains import load_domains
from cacre.evaluation.labelled_scores import JudgedColumns, judged_columns
from cacre.evaluation.smoothed_labels import smoothed_labels
from cacre.evaluation.thresholds import fit_thresholds, keep
from cacre.inference import DecisionRules, load_verifier
from cacre.schema import load_schema

Bools = NDArray[np.bool_]
MOST = 0.75
"""Share of a set's texts that may be drawn, so that some are left to measure on."""


def rates(kept: Bools, labels: Bools) -> tuple[float, float]:
    """F1 and recall of keeping these."""
    right = float((kept & labels).sum())
    return 2 * right / max(1, int(kept.sum()) + int(labels.sum())), right / max(1, int(labels.sum()))


def measured(columns: JudgedColumns, drawn: Bools) -> list[tuple[float, float]] | None:
    """By labels, by smoothed ones, and of keeping everything; None where labels of one kind were drawn."""
    labels, rest = columns.labels, ~drawn
    if not labels[drawn].any() or labels[drawn].all():
        return None
    texts, pairs = columns.text_score, columns.pair_score
    names = [name for name, one in zip(columns.strategies, drawn, strict=True) if one]
    others = [name for name, one in zip(columns.strategies, drawn, strict=True) if not one]
    smoothed = smoothed_labels(texts[drawn], pairs[drawn], names, labels[drawn])
    found = []
    for probabilities in (None, smoothed):
        fitted = fit_thresholds(
            texts[drawn], pairs[drawn], labels[drawn], strategies=names, probabilities=probabilities
        )
        found.append(rates(keep(texts[rest], pairs[rest], others, fitted), labels[rest]))
    return [*found, rates(np.ones(rest.sum(), dtype=bool), labels[rest])]


def line(sets: Sequence[JudgedColumns], size: int, draws: int, seed: int) -> str | None:
    """A row of the table; None where no set has enough texts."""
    rng = np.random.default_rng(seed)
    found = []
    for columns in sets:
        texts = np.unique(columns.text)
        if size <= MOST * len(texts):
            drawn = (np.isin(columns.text, rng.permutation(texts)[:size]) for _ in range(draws))
            found += [one for one in (measured(columns, part) for part in drawn) if one is not None]
    if not found:
        return None
    return " | ".join(f"{100 * f1:.1f} ({100 * recall:.0f})" for f1, recall in np.mean(found, axis=0))


def main() -> None:
    """Score, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domains", type=Path, metavar="DIR")
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--rows", type=Path, action="append", default=[], help="contrastive rows of its own relations")
    parser.add_argument("--judged", type=Path, action="append", default=[], help="candidates of these, judged")
    parser.add_argument("--texts", type=int, action="append", help="how many are labelled; repeatable")
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--seed", type=int, default=13)
    given = parser.parse_args()
    sets: dict[str, list[JudgedColumns]] = {"new relations": []}
    for domain in load_domains(given.domains):
        verifier = load_verifier(given.model, rules=DecisionRules(schema=domain.schema))
        sets["new relations"].append(judged_columns((verifier, lists(domain.examples))))
    own = load_verifier(given.model)
    if given.rows:
        rows = lists(load_examples(given.rows, schema=load_schema("open")))
        sets["its own relations"] = [judged_columns((own, rows))]
    for path in given.judged:
        sets[f"candidates of {path.name}"] = [judged_columns((own, against_judges(path)))]
    print("| labelled texts | F1 (recall) by labels | by smoothed labels | keeping everything |")
    print("|---|---|---|---|")
    for name, columns in sets.items():
        for size in given.texts or [2, 5, 10, 20, 40, 160]:
            if cells := line(columns, size, given.draws, given.seed):
                print(f"| {name}, {size} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
