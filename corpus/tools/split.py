"""The dev part of training texts, as training splits it off, and the rest: `split.py SPLIT... -o FOLDER`.

Writes `train.jsonl` and `dev.jsonl`, rows as they stand in their files. What `--more` names is for training too, save
what shares a text or a pair of names with dev; so that dev stays what it was when a corpus grows, and a model that goes
on learning is judged by texts that it has never seen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cacre.data import load_examples, write_rows
from cacre.data.splits import leaking_rows, split_examples
from cacre.types import Example


def read(paths: Sequence[Path]) -> tuple[list[dict[str, Any]], list[Example]]:
    """Rows of files and of the `*.jsonl` files of folders, as they stand there and as examples."""
    files = [file for path in paths for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])]
    lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return lines, load_examples(files) if files else []


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, help="contrastive rows to split: files, or folders of *.jsonl")
    parser.add_argument("--more", nargs="+", type=Path, default=[], help="rows that are for training alone")
    parser.add_argument("--dev-fraction", type=float, default=0.1, help="as training.dev_fraction")
    parser.add_argument("--seed", type=int, default=13, help="as training.seed")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of train.jsonl and dev.jsonl")
    given = parser.parse_args()
    lines, examples = read(given.data)
    parts = split_examples(examples, (1.0 - given.dev_fraction, given.dev_fraction, 0.0), given.seed)
    held = {id(example) for example in parts.dev}
    dev = [line for line, example in zip(lines, examples, strict=True) if id(example) in held]
    train = [line for line, example in zip(lines, examples, strict=True) if id(example) not in held]
    further, others = read(given.more)
    leaking = leaking_rows(parts.dev, others)
    train += [line for index, line in enumerate(further) if index not in leaking]
    for name, rows in (("train", train), ("dev", dev)):
        write_rows(given.output / f"{name}.jsonl", rows)
    print(f"{len(train)} for training, {len(dev)} dev, {len(leaking)} of --more left out: they share names with dev")
    return 0


if __name__ == "__main__":
    sys.exit(main())
