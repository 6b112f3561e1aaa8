"""What a few annotated texts of a domain teach a verifier: `few_texts.py DIR --judged DIR --learn DIR --texts 25`.

DIR has a folder for each domain, of `schema.json` and contrastive rows; `--judged` is a folder of judged candidates
of the same texts, as for `new_relations.py`; `--learn` one of rows of other texts under the same schema, NAME.jsonl
each. Of those the first so many, in an order drawn by `--seed`, are learned from, by `cacre train --from MODEL` and
the settings given. AUC of text_score within a domain, on average over domains, with 95 % intervals over texts (B =
1000), of the model as it is and of what it has become; of the latter the paired interval of the difference. Then
precision, recall and F1 of what each keeps by its thresholds, and of keeping everything. Folders are kept below
`--output`: what is there is not trained again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bundled_against import against_judges, digest, lists, model_key
from new_relations import Floats, Judged, judge

from cacre.data import load_examples, write_rows
from cacre.data.domains import SCHEMA, Domain, load_domains
from cacre.data.splits import find_leaks
from cacre.evaluation.bootstrap import percentile_interval
from cacre.evaluation.labelled_scores import LabelledText
from cacre.types import Example


def to_learn_from(path: Path, domain: Domain, seed: int) -> list[Example]:
    """Texts to learn from, in the order in which they are added; none that the domain has too."""
    found = load_examples([path], schema=domain.schema)
    if leaks := find_leaks(found, domain.examples):
        raise SystemExit(f"{path}: {len(leaks)} texts or pairs of names are in {domain.name} too, such as {leaks[0]}")
    return [found[place] for place in np.random.default_rng(seed).permutation(len(found)).tolist()]


def trained(model: str, schema: Path, texts: Sequence[Example], folder: Path, settings: Sequence[str]) -> str:
    """The folder of the model after training on the texts."""
    if not (folder / "finished.json").is_file():
        rows = folder.parent / f"{folder.name}.jsonl"
        keys = ("id", "text", "anchors", "positives", "negatives", "hard")
        write_rows(rows, [{key: getattr(example, key) for key in keys} for example in texts])
        sets = [part for entry in settings for part in ("--set", entry)]
        command = ["train", rows, "-o", folder, "--schema", schema, "--from", model, *sets]
        done = subprocess.run([sys.executable, "-m", "cacre", *map(str, command)], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{folder}: {done.stderr.splitlines()[-1]}")
    return str(folder)


def averages(systems: Sequence[Sequence[Judged]], resamples: int) -> list[str]:
    """Mean AUC over domains of each system with its interval, and the paired one of its distance from the first."""
    first, cells = np.mean([part.draws(resamples) for part in systems[0]], axis=0), []
    for number, parts in enumerate(systems):
        drawn = np.mean([part.draws(resamples) for part in parts], axis=0)
        cells.append(f"{np.mean([part.auc() for part in parts]):.3f} {_interval(drawn, '.3f')}")
        if number:
            cells[-1] += f"; {_interval(drawn - first, '+.3f')}"
    return cells


def _interval(drawn: Floats, digits: str) -> str:
    low, high = percentile_interval(drawn) or (np.nan, np.nan)
    return f"({low:{digits}} to {high:{digits}})"


def main() -> None:
    """Train what is not there, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domains", type=Path, metavar="DIR")
    parser.add_argument("--judged", type=Path, metavar="DIR")
    parser.add_argument("--learn", type=Path, metavar="DIR", required=True)
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--texts", type=int, action="append", help="how many are learned from; repeatable")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="TABLE.KEY=VALUE")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/few-texts"))
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    counts = given.texts or [25]
    print(f"| measured on | as it is | {' | '.join(f'{count} texts a domain' for count in counts)} |")
    print(f"|{'---|' * (len(counts) + 2)}")
    found: dict[str, dict[int, list[Judged]]] = {}
    for domain in load_domains(given.domains):
        learn = to_learn_from(given.learn / f"{domain.name}.jsonl", domain, given.seed)
        sets: dict[str, list[LabelledText]] = {"lists": lists(domain.examples)}
        if given.judged:
            sets["candidates"] = against_judges(given.judged / f"{domain.name}.jsonl")
        for count in (0, *counts):
            key = digest(repr((model_key(given.model), given.settings, learn[:count])).encode())
            folder = given.output / f"{domain.name}-{count}-{key}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            schema = given.domains / domain.name / SCHEMA
            model = trained(given.model, schema, learn[:count], folder, given.settings) if count else given.model
            for name, labelled in sets.items():
                one = judge(model, domain, labelled, domain.schema.relations)
                found.setdefault(name, {}).setdefault(count, []).append(one)
                print(f"{domain.name}, {name}, {count} texts: {one.auc():.3f}", file=sys.stderr, flush=True)
    for name, by_count in found.items():
        cells = averages([by_count[count] for count in (0, *counts)], given.resamples)
        print(f"| AUC, {name} ({sum(len(one.labels) for one in by_count[0])}) | {' | '.join(cells)} |")
    for name, by_count in found.items():
        systems = [Judged.joined(by_count[count]) for count in (0, *counts)]
        everything = systems[0].rates(np.ones(len(systems[0].labels), dtype=bool))
        kept = " | ".join(system.rates(system.kept) for system in systems)
        print(f"| kept of {name}: P / R / F1 (all: {everything}) | {kept} |")


if __name__ == "__main__":
    main()
