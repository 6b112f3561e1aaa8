"""Train each variant of a design search and print what it reaches on dev: `python benchmarks/design_search.py [TOML]`.

A variant is the group's settings and one change. Every run is kept below `--runs` and taken up where it stood; one that
is done is only read. Nothing but the dev part of the training texts is looked at: what is chosen here is tested
elsewhere. `--also llm=DATA/llm/dev.jsonl` adds the AUC of the text score between the lists of another dev file. The
table goes to stdout, so that it can be printed at any time with what is there (`--only-done`).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cacre.config import Settings, load_settings
from cacre.data import load_examples
from cacre.data.extracted import load_extracted
from cacre.evaluation import roc_auc
from cacre.evaluation.fitting import write_thresholds
from cacre.evaluation.labelling import label_by_lists
from cacre.export import export_onnx
from cacre.inference import OnnxVerifier
from cacre.inference.thresholds import Thresholds
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
        extracted: Files of candidates whose wrong ones become negatives.
    """

    group: str
    variant: str
    seed: int
    settings: Settings
    extracted: Sequence[str] = ()

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
                changed = {table: values for table, values in change.items() if table != "extracted"}
                for source in (plan.get("set", {}), part.get("set", {}), changed, {"training": {"seed": seed}}):
                    for table, values in source.items():
                        tables.setdefault(table, {}).update(values)
                yield Run(group, variant, seed, load_settings("similarity", tables), change.get("extracted", ()))


def lists_auc(folder: Path, data: Path) -> float:
    """AUC of the text score between right and wrong triples of contrastive rows; exports the run first."""
    if not (folder / "encoder.onnx").is_file():
        export_onnx(folder)
        write_thresholds(folder, Thresholds(text_threshold=-1.0))
    rows = [label_by_lists(example) for example in load_examples([data]) if example.anchors]
    scores = OnnxVerifier(folder).score_many([(row.text, row.candidates) for row in rows])
    labels = [bool(label) for row in rows for label in row.labels]
    return float(roc_auc(np.asarray(labels), np.asarray([score.text_score for found in scores for score in found])))


def measure_also(folder: Path, also: dict[str, Path]) -> None:
    """Write what is missing of the AUCs on other dev files into `also.json` of a run."""
    path = folder / "also.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if missing := {name: file for name, file in also.items() if name not in found}:
        found |= {name: lists_auc(folder, file) for name, file in missing.items()}
        path.write_text(json.dumps(found), encoding="utf-8")


def read_run(folder: Path) -> dict[str, Any]:
    """What a finished run measured."""
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    path = folder / "also.json"
    return {**metrics, "also": json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}}


def row(run: Run, base: dict[str, Any] | None, metrics: dict[str, Any], others: Sequence[str]) -> str:
    """A line of the table: AUCs of the best checkpoint, the text AUC of each evaluation, seconds, parameters."""
    text, anchor = metrics["dev"]["text_auc"], metrics["dev"]["anchor_auc"]
    curve = " ".join(f"{e['eval_text_auc']:.3f}"[1:] for e in metrics["history"] if "eval_text_auc" in e)
    gain = "" if base is None or run.variant == "as it is" else f"{100 * (text - base['dev']['text_auc']):+.1f}"
    found = [f"{metrics['also'][name]:.4f}" if name in metrics["also"] else "" for name in others]
    also = "".join(f" {value} |" for value in found)
    cost = f"{metrics['seconds']:.0f} | {metrics['parameters'] / 1e6:.2f}"
    line = f"| {run.variant} | {text:.4f} | {gain} |{also} {anchor:.4f} | {curve} | {cost} |"
    return re.sub(r"(?<!\d)0\.", ".", line)  # .87 for 0.87, but 30.3 as it is


def main() -> None:
    """Train what is missing, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", nargs="?", type=Path, default=Path("configs/experiments/design-search.toml"))
    parser.add_argument("--runs", type=Path, default=Path("runs/design"))
    parser.add_argument("--group", nargs="+", help="train only these groups, so that several processes share the work")
    parser.add_argument("--variant", nargs="+", help="train only these variants")
    parser.add_argument("--only-done", action="store_true", help="train nothing")
    parser.add_argument("--also", nargs="+", metavar="NAME=FILE", default=[], help="other dev files, contrastive rows")
    arguments = parser.parse_args()
    also = {name: Path(file) for name, _, file in (word.partition("=") for word in arguments.also)}
    plan = tomllib.loads(arguments.plan.read_text(encoding="utf-8"))
    schema = load_schema(plan["schema"])
    examples = load_examples(plan["train"], schema=schema)
    done: dict[tuple[str, str, int], dict[str, Any]] = {}
    for run in runs_of(plan):
        folder = arguments.runs / run.folder
        if not (folder / "metrics.json").is_file():
            chosen = run.group in (arguments.group or plan["groups"]) and run.variant in (
                arguments.variant or plan["groups"][run.group]["variants"]
            )
            if arguments.only_done or not chosen:
                continue
            print(f"{run.group}: {run.variant}, seed {run.seed}", file=sys.stderr)
            train(examples, folder, run.settings, schema, extracted=load_extracted(run.extracted))
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # up to a gigabyte a run
        if not arguments.only_done:
            measure_also(folder, also)
        done[run.group, run.variant, run.seed] = read_run(folder)
    for group, part in plan["groups"].items():
        print(f"\n### {group}: {part['note']}\n")
        others = sorted({name for (of, *_), metrics in done.items() if of == group for name in metrics["also"]})
        more = "".join(f" text AUC on {name} |" for name in others)
        print(f"| change | text AUC | points |{more} anchor AUC | text AUC after each pass | seconds | M parameters |")
        print("|---|---|---|---|---|---|---|" + "---|" * len(others))
        for run in (r for r in runs_of(plan) if r.group == group and (group, r.variant, r.seed) in done):
            base = done.get((group, "as it is", run.seed))
            print(row(run, base, done[group, run.variant, run.seed], others))


if __name__ == "__main__":
    main()
