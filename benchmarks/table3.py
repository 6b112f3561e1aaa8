"""The trained extractors of Table 3 on one budget: `benchmarks/table3.py DATA --encoder FOLDER [--runs runs/table3]`.

DATA holds `duie/train.jsonl` and `duie/dev.jsonl`. A tenth of the training texts is held out, such that no text and no
pair of entities is on both sides: each system is trained on the rest, its checkpoint and threshold are chosen on the
held-out part, and both that part and dev are extracted. The candidates of the former, `RUNS/held/NAME-SEED.jsonl`, are
what thresholds of a verifier are fitted on, those of dev, `RUNS/NAME-SEED.jsonl`, what is measured:

    cacre reproduce table3 --data DATA --experiment configs/experiments/duie-extractors.toml --model mini-zh

Everything that is there already is left as it is, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cacre.baselines.extractors.annotations import load_annotated, split_annotated
from cacre.data import read_rows, write_rows

SYSTEMS = ("electra-joint", "derp", "casrel-blcf", "cecrel")
RATES = ("training.encoder_learning_rate=5e-4", "training.learning_rate=2e-3")
"""Chosen on the held-out part with `electra-joint` and one seed: F1 .465 there, .424 with 2e-4 and 1e-3; after two
passes 1e-3 and 3e-3 were no better."""
HELD_OUT = 0.1
SPLIT_SEED = 13


@dataclass(frozen=True)
class Plan:
    """What all runs share.

    Args:
        data: The folder with `duie/`.
        runs: Where runs and candidates are kept.
        settings: Words of `cacre train-extractor` that are the same for all.
    """

    data: Path
    runs: Path
    settings: Sequence[str]

    @property
    def parts(self) -> tuple[Path, Path]:
        """Files of the texts to train on and of those held out."""
        return self.runs / "data" / "train.jsonl", self.runs / "data" / "held.jsonl"


def split(plan: Plan) -> None:
    """Write both parts of the training texts."""
    if all(path.is_file() for path in plan.parts):
        return
    source = plan.data / "duie" / "train.jsonl"
    held = {text.text for text in split_annotated(load_annotated([source]), HELD_OUT, SPLIT_SEED)[1]}
    for path, wanted in zip(plan.parts, (False, True), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = (row.raw for row in read_rows(source, "duie"))
        write_rows(path, (row for row in rows if (row["text"] in held) == wanted))


def run(plan: Plan, name: str, seed: int) -> None:
    """Train one system with one seed and extract from both files."""
    folder, (train, held) = plan.runs / f"{name}-{seed}", plan.parts
    words = ["train-extractor", name, str(train), "--dev", str(held), "-o", str(folder), *plan.settings]
    started = time.monotonic()
    for setting in (*RATES, f"training.seed={seed}"):
        words += ["--set", setting]
    _cacre(*words)
    outputs = {plan.data / "duie" / "dev.jsonl": plan.runs, held: plan.runs / "held"}
    for texts, where in outputs.items():
        output = where / f"{name}-{seed}.jsonl"
        if not output.is_file():
            where.mkdir(parents=True, exist_ok=True)
            _cacre("extract", str(texts), "--extractor", str(folder), "-o", str(output))
    print(f"{name}, seed {seed}: {time.monotonic() - started:.0f} s", flush=True)


def _cacre(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "cacre", *words], check=True, stdin=subprocess.DEVNULL)


def main(words: Sequence[str] | None = None) -> None:
    """Run what is missing, seed after seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", required=True, help="the pretrained encoder that all of them start from")
    parser.add_argument("--runs", type=Path, default=Path("runs/table3"))
    parser.add_argument("--epochs", default="3")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    given = parser.parse_args(words)
    plan = Plan(given.data, given.runs, ["--encoder", given.encoder, "--epochs", given.epochs])
    split(plan)
    for seed, name in itertools.product(given.seeds, given.systems):
        run(plan, name, seed)


if __name__ == "__main__":
    main()
