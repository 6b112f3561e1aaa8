"""`cacre calibrate`: labelled rows -> thresholds and calibration of a model folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cacre.cli.calibration_report import beside_lines, few_labels, gain_warning, labels_line, outcome
from cacre.cli.check_options import SchemaOption
from cacre.cli.fitted_folder import BACKUP, check_target, name_of, write_fitted
from cacre.cli.option_groups import with_groups
from cacre.data import Row, load_examples, read_rows, to_candidates
from cacre.data.conversion import to_example
from cacre.data.jsonl import first_line
from cacre.errors import ConfigError, DataError
from cacre.evaluation.calibration import CalibrationSettings
from cacre.evaluation.certificate import ASSUMPTIONS, GuaranteeSettings
from cacre.evaluation.duie_scorer import VALUE
from cacre.evaluation.fitting import Requirements, certify_verifier, fit_verifier
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import label_all_by_gold, label_by_lists, label_by_support
from cacre.evaluation.score_table import LabelSource
from cacre.evaluation.scored_rows import parse_spo
from cacre.inference import DecisionRules, load_verifier
from cacre.inference.decision import relation
from cacre.inference.folder import find_folder
from cacre.schema import load_schema
from cacre.types import Candidate, Triple


class Labels(StrEnum):
    """Where labels come from."""

    auto = "auto"
    lists = "lists"
    gold = "gold"
    support = "support"


class CalibrationKind(StrEnum):
    """How a logit becomes a probability."""

    auto = "auto"
    logistic = "logistic"
    isotonic = "isotonic"


@dataclass(frozen=True)
class GuaranteeOptions:
    """What to guarantee, and how sure to be."""

    guarantee_precision: Annotated[
        float | None, typer.Option(help="Precision to guarantee on texts like these; refused if that cannot be shown.")
    ] = None
    delta: Annotated[float | None, typer.Option(help="Chance that the guarantee is wrong; 0.1 by default.")] = None
    max_per_text: Annotated[
        int | None, typer.Option(help="Accepted triples that a text counts for in the guarantee; 8 by default.")
    ] = None

    def settings(self, seed: int, requirements: Requirements) -> GuaranteeSettings:
        """How the guarantee is sought, once the options are seen to go together.

        Raises:
            ConfigError: They do not.
        """
        if self.guarantee_precision is None and (self.delta is not None or self.max_per_text is not None):
            raise ConfigError("--delta and --max-per-text are about a guarantee: give --guarantee-precision as well")
        if self.guarantee_precision is not None and requirements != Requirements():
            raise ConfigError(
                "--guarantee-precision chooses the thresholds by itself: leave out --target-precision and "
                "--max-recall-loss"
            )
        if self.max_per_text is None:
            return GuaranteeSettings(seed=seed)
        return GuaranteeSettings(self.max_per_text, seed=seed)


@with_groups
def calibrate_command(
    data: Annotated[Path, typer.Argument(help="Contrastive rows, or candidate rows with labels or gold.")],
    model: Annotated[str, typer.Option(help="Name of a bundled model, which needs -o, or a model folder.")],
    guarantee: GuaranteeOptions,
    labels: Annotated[
        Labels,
        typer.Option(
            help="lists: anchors true, negatives false; gold: true when annotated; support: as each triple is judged "
            "(`labels` of the row, `label` or `supported` of the triple); auto: by the rows, support before gold."
        ),
    ] = Labels.auto,
    target_precision: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Precision to reach here; guarantees nothing elsewhere.")
    ] = None,
    max_recall_loss: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Most recall to lose here.")] = None,
    calibration: Annotated[
        CalibrationKind, typer.Option(help="Of the probability; auto: the better one in cross-validation over texts.")
    ] = CalibrationKind.auto,
    seed: Annotated[int, typer.Option(help="Parts the texts, for the guarantee and the cross-validation.")] = 13,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder for a copy of the model with the new thresholds; by default those of the model are replaced.",
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    schema: SchemaOption = None,
) -> None:
    """Fit both thresholds and the probability on labelled rows, and store them with the model."""
    requirements = Requirements(target_precision, max_recall_loss)
    sought = guarantee.settings(seed, requirements)
    source_folder = find_folder(model)
    folder = output or source_folder
    check_target(source_folder, folder)
    rules = DecisionRules(schema=load_schema(schema) if schema else None)
    verifier = load_verifier(source_folder, threads=threads, rules=rules)
    rows, source, unlabelled = labelled_rows(data, labels)
    certificate = None
    if guarantee.guarantee_precision is not None:
        delta = 0.1 if guarantee.delta is None else guarantee.delta
        certificate = certify_verifier(
            verifier, rows, guarantee.guarantee_precision, delta, label_source=source, settings=sought
        )
    fitted = fit_verifier(
        verifier,
        rows,
        fitted_on={
            "data": data.name,
            "labels": source,
            "rows_without_labels": unlabelled,
            "schema": (rules.schema or verifier.schema).name,
            "seed": seed,
        },
        requirements=requirements,
        certificate=certificate,
        calibration=CalibrationSettings(calibration.value, seed=seed),
        by_relation=source != "lists",
    )
    allowed, new = rules.schema or verifier.schema, verifier.new_relations
    if not any(relation(candidate, allowed) in new for row in rows for candidate in row.candidates):
        # They say nothing of relations that the model has not learned: what was known of these stays.
        fitted = replace(fitted, new_relations=verifier.thresholds.new_relations)
    replaced = write_fitted(source_folder, folder, fitted)
    typer.echo(f"{folder / 'thresholds.json'}: {outcome(fitted, certificate)}", err=True)
    chosen = labels is Labels.auto
    typer.echo(labels_line(source, unlabelled, chosen=chosen, certified=certificate is not None), err=True)
    if certificate is not None:
        typer.echo(f"the guarantee rests on: {'; '.join(ASSUMPTIONS)} ({source})", err=True)
    warnings = (few_labels(fitted), "" if target_precision is not None else gain_warning(fitted))
    for line in (*beside_lines(fitted, certificate), *filter(None, warnings)):
        typer.echo(line, err=True)
    if replaced:
        typer.echo(f"the thresholds before are kept in {folder / BACKUP}", err=True)
    if schema or folder.resolve() != source_folder.resolve():
        # Rows of another schema than the one fitted under are judged by other checks.
        given = f" --schema {shlex.quote(schema)}" if schema else ""
        typer.echo(f"use them with: cacre filter CANDIDATES -o KEPT --model {name_of(folder)}{given}", err=True)


def labelled_rows(path: Path, labels: Labels) -> tuple[list[LabelledText], LabelSource, int]:
    """Read labelled rows of any kind.

    Args:
        path: The file.
        labels: Where the labels come from.

    Returns:
        The rows, whose labels they are, and how many rows were left out for they have no labels.

    Raises:
        DataError: The file cannot be read, or has no labels of the kind asked for.
    """
    if not path.is_file():
        raise DataError("no such file", path=str(path))
    if b'"anchors"' not in first_line(path):
        return _candidate_rows(path, labels)
    if labels is Labels.support:
        raise DataError("--labels support needs candidate rows whose triples are judged", path=str(path))
    if labels is Labels.gold:
        return label_all_by_gold([_lists_with_gold(row) for row in read_rows(str(path), "contrastive")]), "gold", 0
    return [label_by_lists(example) for example in load_examples([path])], "lists", 0


def _candidate_rows(path: Path, labels: Labels) -> tuple[list[LabelledText], LabelSource, int]:
    if labels is Labels.lists:
        raise DataError("--labels lists needs contrastive rows (anchors, negatives)", path=str(path))
    rows = list(read_rows(str(path), "candidates"))
    judged: Sequence[LabelledText | None] = () if labels is Labels.gold else [label_by_support(row) for row in rows]
    found = [row for row in judged if row is not None]
    if found:
        return found, "support", len(rows) - len(found)
    if labels is Labels.support:
        raise DataError(
            "no triple is judged: --labels support needs `labels` beside `triples`, or `label` or `supported` in each",
            path=str(path),
        )
    return label_all_by_gold([_candidates_with_gold(row) for row in rows]), "gold", 0


def _lists_with_gold(row: Row) -> tuple[str, Sequence[Candidate], Sequence[Triple]]:
    example = to_example(row)
    if example.gold is None:
        raise row.error("--labels gold needs `gold` in each row: add it, or take --labels lists", "gold")
    pairs = zip(example.anchors, example.positives, strict=True)
    candidates = [Candidate(anchor, paraphrase=positive) for anchor, positive in pairs]
    return example.text, candidates, example.gold


def _candidates_with_gold(row: Row) -> tuple[str, Sequence[Candidate], Sequence[Triple]]:
    content = to_candidates(row)
    gold = _annotation(row) if content.gold is None else content.gold
    if gold is None:
        raise row.error(
            "the row has no labels: give it `gold` or `spo_list` (all that is right in the text), or judge its triples "
            "(`supported` or `label` of 1 or 0 in each, or `labels` beside `triples`)",
            "gold",
        )
    return content.text, content.candidates, gold


def _annotation(row: Row) -> Sequence[Triple] | None:
    """DuIE's `spo_list`, which candidate rows pass on unread."""
    items = row.raw.get("spo_list")
    if items is None:
        return None
    if not isinstance(items, list):
        raise row.error(f"expected a list, got {items!r:.80}", "spo_list")
    try:
        spos = [parse_spo(item, f"spo_list[{place}]") for place, item in enumerate(items)]
    except DataError as error:
        raise row.error(error.reason, error.field) from error
    return [Triple(s, p, value if isinstance(value, str) else value[VALUE]) for s, p, value in spos]
