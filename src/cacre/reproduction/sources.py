"""What the numbers of an experiment rest on: rows that baselines learn from, and where thresholds come from."""

from __future__ import annotations

from collections.abc import Sequence

from cacre.reproduction.baselines import training_rows
from cacre.reproduction.experiment import Experiment
from cacre.reproduction.runs import Run, variant_rows
from cacre.schema import Schema
from cacre.training.features import corruption_rules, with_negatives, with_renamed
from cacre.types import Example


def told_rows(experiment: Experiment, examples: Sequence[Example], schema: Schema, seed: int) -> list[Example]:
    """The rows that the main variant learns from, as the LLM wrote them.

    Rows without a wrong triple get the very ones that training makes for them; none where it makes none.

    Args:
        experiment: Says what the main variant is.
        examples: All training rows.
        schema: Relation schema.
        seed: Seed of the run.
    """
    variant, training = experiment.variants[experiment.main], experiment.settings(experiment.main, seed).training
    rows, _ = training_rows(variant_rows(examples, variant, schema), seed, training.dev_fraction)
    made = rows
    if training.generated_negatives:
        made = with_negatives(
            with_renamed(rows, schema, copies=training.renamed_copies, seed=seed),  # it draws on their names too
            schema,
            count=training.generated_negatives,
            seed=seed,
            rules=corruption_rules(training),
        )[: len(rows)]
    if variant.labels == "lists":
        return made
    # Else a baseline that is told gold would see no wrong candidate, and one that is told lists would be told gold.
    written = {row.text: row for row in variant_rows(examples, variant.model_copy(update={"labels": "lists"}), schema)}
    return [new if row == written[row.text] else written[row.text] for row, new in zip(rows, made, strict=True)]


def told_to_main(experiment: Experiment, runs: Sequence[Run]) -> str:
    """What the main variant was told of its training rows, in the words of the baselines.

    Args:
        experiment: The experiment.
        runs: Those of the main variant; at least one.
    """
    return experiment.variants[experiment.main].labels if runs[0].given is None else "its own training rows"


def threshold_sources(experiment: Experiment, runs: Sequence[Run]) -> list[str]:
    """Where the thresholds of the runs come from, a sentence for each kind; none where nothing is filtered."""
    if not runs:
        return []
    fitted = [name for name, file in experiment.candidates.items() if file.fit is not None]
    lines = []
    if fitted:
        lines.append(f"thresholds for {_quoted(fitted)} fitted on gold of the extractor's candidates of other texts")
    if len(fitted) < len(experiment.candidates):
        trained = [run.variant for run in runs if run.given is None]
        told = [name for name in dict.fromkeys(trained) if experiment.variants[name].labels == "gold"]
        by_gold = f" (by gold for {_quoted(told)})" if told else ""
        where = f"fitted on the held-out part of the training rows{by_gold}, never on the candidates below"
        whose = "thresholds for the other files" if fitted else "thresholds"
        lines.append(f"{whose} {where if trained else 'as they come with the verifier'}")
    return lines


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
