"""Training the runs of an experiment, each in a folder of its own; what is done already is not done again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cacre.data import load_examples
from cacre.data.normalisation import normalise_triple
from cacre.data.splits import hold_out_relations
from cacre.evaluation.fitting import fit_verifier, write_thresholds
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import label_by_gold, label_by_lists
from cacre.export import export_onnx
from cacre.inference import OnnxVerifier
from cacre.inference.folder import find_folder
from cacre.inference.thresholds import Thresholds
from cacre.reproduction.experiment import Experiment, Variant
from cacre.schema import Schema
from cacre.training import train
from cacre.training.checkpoints import claim_folder
from cacre.training.record import data_record, run_record
from cacre.types import Candidate, Example


@dataclass(frozen=True, slots=True)
class Run:
    """A trained run.

    Args:
        variant: Name of its configuration.
        seed: Its seed.
        folder: Its model folder.
        given: What somebody called it who gave it as it is; None for a run of the experiment's own.
    """

    variant: str
    seed: int
    folder: Path
    given: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it is trained, exported and has thresholds."""
        return (self.folder / "fitted").is_file()


def run_folder(root: Path, variant: str, seed: int) -> Path:
    """Where a run lives."""
    return root / f"{variant.replace(' ', '_')}-seed{seed}"


def finished_runs(experiment: Experiment, data: Path, root: Path) -> list[Run]:
    """The runs of the experiment that are trained, exported and have thresholds.

    Args:
        experiment: What was trained.
        data: The data folder.
        root: Where the folders of the runs are.

    Raises:
        ConfigError: A folder holds a run with other settings, other data or another schema than the experiment's.
        CacreError: The training rows cannot be read, so that nobody can tell.
    """
    runs = [run for run in _runs(experiment, root) if run.finished]
    if runs:
        schema = experiment.relation_schema(data)
        _check(runs, experiment, load_examples([data / path for path in experiment.train], schema=schema), schema)
    return runs


def given_runs(experiment: Experiment, models: Sequence[str]) -> list[Run]:
    """Verifiers that somebody else has trained, as if they were seeds of the main variant.

    Args:
        experiment: The experiment.
        models: Names of bundled verifiers, or model folders.

    Raises:
        ModelError: There is no such verifier.
    """
    return [Run(experiment.main, number, find_folder(model), model) for number, model in enumerate(models)]


def train_runs(
    experiment: Experiment, data: Path, root: Path, *, only: set[str] | None = None, tell: Callable[[str], None]
) -> list[Run]:
    """Train what is missing: network, ONNX export, thresholds fitted anew on silver dev labels (A42).

    A run that was interrupted goes on from its last checkpoint. What is there is looked at before anything is trained.

    Args:
        experiment: What to train.
        data: The data folder.
        root: Where the folders of the runs are.
        only: Variants to train; None trains all.
        tell: Is told what is done.

    Returns:
        All runs that are finished, those of other variants too.

    Raises:
        ConfigError: As `finished_runs`, or of a run that was interrupted.
        CacreError: The data or the settings cannot be used.
    """
    schema = experiment.relation_schema(data)
    examples = load_examples([data / path for path in experiment.train], schema=schema)
    runs = _runs(experiment, root)
    missing = [run for run in runs if (only is None or run.variant in only) and not run.finished]
    started = [run for run in missing if (run.folder / "run.json").is_file()]
    _check([*(run for run in runs if run.finished), *started], experiment, examples, schema)
    for run in missing:
        folder, setting = run.folder, experiment.variants[run.variant]
        tell(f"training {run.variant}, seed {run.seed}")
        result = train(
            variant_rows(examples, setting, schema), folder, experiment.settings(run.variant, run.seed), schema
        )
        export_onnx(folder)
        if not (folder / "thresholds.json").is_file():
            write_thresholds(folder, Thresholds(text_threshold=-1.0))
        known = {example.text: example for example in examples}
        labelled = [label for example in result.dev for label in _labelled(example, known[example.text], setting)]
        record = {"data": "dev of training"}
        write_thresholds(folder, fit_verifier(OnnxVerifier(folder), labelled, fitted_on=record))
        (folder / "fitted").touch()
    return [run for run in runs if run.finished]


def _runs(experiment: Experiment, root: Path) -> list[Run]:
    return [Run(variant, seed, run_folder(root, variant, seed)) for variant, seed in experiment.runs()]


def _check(runs: Sequence[Run], experiment: Experiment, examples: Sequence[Example], schema: Schema) -> None:
    """Refuse what was trained with other settings, data or schema: it would be reported as if it were this."""
    hashed: dict[str, dict[str, Any]] = {}
    for run in runs:
        variant = experiment.variants[run.variant]
        rows = variant.model_dump_json(exclude={"set", "note"})  # most variants have the same, and hashing takes long
        if rows not in hashed:
            hashed[rows] = data_record(schema, variant_rows(examples, variant, schema))
        record = run_record(experiment.settings(run.variant, run.seed), hashed[rows])
        claim_folder(run.folder, record, option="--runs")


def natural_negatives(example: Example) -> Example:
    """Anchors outside gold become hard negatives as they come; a row without gold stays as it is."""
    if example.gold is None:
        return example
    wanted = {normalise_triple(triple) for triple in example.gold}
    keep = [index for index, anchor in enumerate(example.anchors) if normalise_triple(anchor) in wanted]
    wrong = [anchor for anchor in example.anchors if normalise_triple(anchor) not in wanted]
    return replace(
        example,
        anchors=tuple(example.anchors[index] for index in keep),
        positives=tuple(example.positives[index] for index in keep),
        negatives=tuple(example.negatives[index] for index in keep if example.negatives),  # annotated rows have none
        hard=(*example.hard, *wrong),
    )


def variant_rows(examples: Sequence[Example], variant: Variant, schema: Schema) -> list[Example]:
    """The rows that a variant is trained on, before dev is split off."""
    examples = examples[: variant.texts]
    chosen = list(examples)
    if variant.hold_out:
        chosen = list(hold_out_relations(chosen, variant.hold_out, schema).seen)
    return [natural_negatives(example) for example in chosen] if variant.labels == "gold" else chosen


def _labelled(example: Example, original: Example, variant: Variant) -> list[LabelledText]:
    """What thresholds are fitted on: the dev rows' lists, or the LLM's anchors of these texts by gold."""
    if variant.labels == "gold" and original.gold is not None:
        lists = zip(original.anchors, original.positives, strict=True)
        candidates = [Candidate(anchor, paraphrase=positive) for anchor, positive in lists]
        return [label_by_gold(original.text, candidates, original.gold)]
    return [label_by_lists(example)] if example.negatives or example.hard else []
