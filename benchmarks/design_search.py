"""Train each variant of a design search and print what it reaches on dev: `python benchmarks/design_search.py [TOML]`.

A variant is the group's settings and one change. Every run is kept below `--runs` and taken up where it stood; one that
is done is only read. Nothing but the dev part of the training texts is looked at: what is chosen here is tested
elsewhere. The table goes to stdout, so that it can be printed at any time with what is there (`--only-done`).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cacre.config import Settings, load_settings
from cacre.data import load_examples
from cacre.schema import load_schema
from cacre.training.run import train

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One training run.

    Args:
        group: Table it belongs to.
        variant: What is changed.
        seed: Of the run.
        settings: All of them.
    """

    group: str
    variant: str
    seed: int
    settings: Settings

    @property
    def folder(self) -> str:
        """A name for its folder."""
        return re.sub(r"[^\w.]+", "-", f"{self.group}-{self.variant}-{self.seed}").strip("-")


def runs_of(plan: dict[str, Any]) -> Iterator[Run]:
    """All runs of a plan, group by group."""
    for group, part in plan["groups"].items():
        for variant, change in part["variants"].items():
            for seed in plan["seeds"]:
                tables: Tables = {}
                for source in (plan.get("set", {}), part.get("set", {}), change, {"training": {"seed": seed}}):
                    for table, values in source.items():
                        tables.setdefault(table, {}).update(values)
                yield Run(group, variant, seed, load_settings("default", tables))


def row(run: Run, base: float | None, metrics: dict[str, Any]) -> str:
    """A line of the table: AUCs of the best checkpoint, the text AUC of each evaluation, seconds, parameters."""
    text, anchor = metrics["dev"]["text_auc"], metrics["dev"]["anchor_auc"]
    curve = " ".join(f"{e['eval_text_auc']:.3f}"[1:] for e in metrics["history"] if "eval_text_auc" in e)
    gain = "" if base is None or run.variant == "as it is" else f"{100 * (text - base):+.1f}"
    size = metrics["parameters"] / 1e6
    return (
        f"| {run.variant} | {text:.4f} | {gain} | {anchor:.4f} | {curve} | {metrics['seconds']:.0f} | {size:.2f} |"
    ).replace("0.", ".")


def main() -> None:
    """Train what is missing, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", nargs="?", type=Path, default=Path("configs/experiments/design-search.toml"))
    parser.add_argument("--runs", type=Path, default=Path("runs/design"))
    parser.add_argument("--group", nargs="+", help="train only these groups, so that several processes share the work")
    parser.add_argument("--only-done", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    plan = tomllib.loads(arguments.plan.read_text(encoding="utf-8"))
    schema = load_schema(plan["schema"])
    examples = load_examples(plan["train"], schema=schema)
    done: dict[tuple[str, str, int], dict[str, Any]] = {}
    for run in runs_of(plan):
        folder = arguments.runs / run.folder
        if not (folder / "metrics.json").is_file():
            if arguments.only_done or (arguments.group and run.group not in arguments.group):
                continue
            print(f"{run.group}: {run.variant}, seed {run.seed}", file=sys.stderr)
            train(examples, folder, run.settings, schema)
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # up to a gigabyte a run
        done[run.group, run.variant, run.seed] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for group, part in plan["groups"].items():
        print(f"\n### {group}: {part['note']}\n")
        print("| change | text AUC | points | anchor AUC | text AUC after each pass | seconds | M parameters |")
        print("|---|---|---|---|---|---|---|")
        for run in (r for r in runs_of(plan) if r.group == group and (group, r.variant, r.seed) in done):
            base = done.get((group, "as it is", run.seed))
            print(row(run, base["dev"]["text_auc"] if base else None, done[group, run.variant, run.seed]))


if __name__ == "__main__":
    main()
