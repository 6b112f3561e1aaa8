"""What a few annotated texts of a domain teach a verifier: `few_texts.py DIR --judged DIR --texts 25`.

DIR has a folder for each domain, of `schema.json` and contrastive rows, `--judged` a folder of judged candidates of the
same texts, as for `new_relations.py`. Of each domain half of the texts, drawn by `--seed`, are for measuring; of the
others the first so many are learned from, by `cacre train --from MODEL` and the settings given. AUC of text_score over
the measuring halves of all domains, with 95 % intervals over texts (B = 1000), of the model as it is and of what it has
become; of the latter the paired interval of the difference. Folders are kept below `--output`: what is there is not
trained again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bundled_against import against_judges, digest, lists
from new_relations import Judged, aucs, judge

from cacre.data import write_rows
from cacre.data.domains import SCHEMA, Domain, load_domains
from cacre.evaluation.labelled_scores import LabelledText
from cacre.types import Example


def halves(domain: Domain, seed: int) -> tuple[list[Example], list[Example]]:
    """Texts to learn from, in the order in which they are added, and texts to measure on."""
    order = np.random.default_rng(seed).permutation(len(domain.examples)).tolist()
    middle = len(order) // 2
    return [domain.examples[place] for place in order[:middle]], [domain.examples[place] for place in order[middle:]]


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


def main() -> None:
    """Train what is not there, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domains", type=Path, metavar="DIR")
    parser.add_argument("--judged", type=Path, metavar="DIR")
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--texts", type=int, action="append", help="how many are learned from; repeatable")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="TABLE.KEY=VALUE")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/few-texts"))
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    counts = given.texts or [25]
    print(f"| measured on (candidates) | as it is | {' | '.join(f'{count} texts a domain' for count in counts)} |")
    print(f"|{'---|' * (len(counts) + 2)}")
    found: dict[str, dict[int, list[Judged]]] = {}
    for domain in load_domains(given.domains):
        learn, measure = halves(domain, given.seed)
        texts = {example.text for example in measure}
        sets: dict[str, list[LabelledText]] = {"lists": lists(measure)}
        if given.judged:
            rows = against_judges(given.judged / f"{domain.name}.jsonl")
            sets["candidates"] = [one for one in rows if one.text in texts]
        for count in (0, *counts):
            key = digest(repr((given.model, given.seed, given.settings)).encode())
            folder = given.output / f"{domain.name}-{count}-{key}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            schema = given.domains / domain.name / SCHEMA
            model = trained(given.model, schema, learn[:count], folder, given.settings) if count else given.model
            for name, labelled in sets.items():
                one = judge(model, domain, labelled, domain.schema.relations)
                found.setdefault(name, {}).setdefault(count, []).append(one)
                print(f"{domain.name}, {name}, {count} texts: {one.auc():.3f}", file=sys.stderr, flush=True)
    for name, by_count in found.items():
        systems = [Judged.joined(by_count[count]) for count in (0, *counts)]
        size = f"{name} of other texts ({len(systems[0].labels)})"
        print(f"| {size} | {' | '.join(aucs(systems, given.resamples))} |")


if __name__ == "__main__":
    main()
