"""`cacre calibrate`: labelled rows -> thresholds and calibration of a model folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cacre.cli.fitted_folder import BACKUP, check_target, name_of, write_fitted
from cacre.cli.option_groups import with_groups
from cacre.data import Row, load_examples, read_rows, to_candidates
from cacre.data.conversion import to_example
from cacre.data.jsonl import first_line
from cacre.errors import ConfigError, DataError
from cacre.evaluation.calibration import CalibrationSettings
from cacre.evaluation.certificate import ASSUMPTIONS, Certificate, GuaranteeSettings
from cacre.evaluation.duie_scorer import VALUE
from cacre.evaluation.fitting import (
    LabelledText,
    Requirements,
    certify_verifier,
    fit_verifier,
    label_all_by_gold,
    label_by_lists,
    label_by_support,
)
from cacre.evaluation.score_table import LabelSource
from cacre.evaluation.scored_rows import parse_spo
from cacre.inference import load_verifier
from cacre.inference.folder import find_folder
from cacre.inference.thresholds import Thresholds
from cacre.types import Candidate, Triple

FEW, FEW_OF_A_KIND = 100, 30
"""Labelled candidates, all and of either kind, under which what is fitted is mostly chance."""


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
) -> None:
    """Fit both thresholds and the probability on labelled rows, and store them with the model."""
    requirements = Requirements(target_precision, max_recall_loss)
    sought = guarantee.settings(seed, requirements)
    source_folder = find_folder(model)
    folder = output or source_folder
    check_target(source_folder, folder)
    verifier = load_verifier(source_folder, threads=threads)
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
        fitted_on={"data": data.name, "labels": source, "rows_without_labels": unlabelled, "seed": seed},
        requirements=requirements,
        certificate=certificate,
        calibration=CalibrationSettings(calibration.value, seed=seed),
        by_relation=source != "lists",
    )
    replaced = write_fitted(source_folder, folder, fitted)
    typer.echo(f"{folder / 'thresholds.json'}: {_outcome(fitted, certificate)}", err=True)
    typer.echo(_labels_line(labels, source, unlabelled, certified=certificate is not None), err=True)
    if certificate is not None:
        typer.echo(f"the guarantee rests on: {'; '.join(ASSUMPTIONS)} ({source})", err=True)
    if few := _few(rows):
        typer.echo(few, err=True)
    if replaced:
        typer.echo(f"the thresholds before are kept in {folder / BACKUP}", err=True)
    if folder.resolve() != source_folder.resolve():
        typer.echo(f"use them with: cacre filter CANDIDATES -o KEPT --model {name_of(folder)}", err=True)


def _labels_line(asked: Labels, source: LabelSource, unlabelled: int, *, certified: bool) -> str:
    """Whose labels were used, and whether what a check of `cacre filter` rejects was fitted on too."""
    chosen = " (chosen by --labels auto)" if asked is Labels.auto else ""
    left_out = f"; {unlabelled} rows without labels left out" if unlabelled else ""
    applied = "applied for the guarantee, not for the probability" if certified else "not applied"
    return f"labels: {source}{chosen}{left_out}; schema and mention checks {applied}"


def _few(rows: Sequence[LabelledText]) -> str:
    """A warning where there are too few labels to rely on; else empty."""
    right, wrong = (sum(label is kind for row in rows for label in row.labels) for kind in (True, False))
    if right + wrong >= FEW and min(right, wrong) >= FEW_OF_A_KIND:
        return ""
    return (
        f"warning: only {right + wrong} labelled candidates ({right} right, {wrong} wrong) of {len(rows)} texts: what "
        f"is fitted on so few need not hold for others; label at least {FEW}, {FEW_OF_A_KIND} of either kind"
    )


def _outcome(fitted: Thresholds, certificate: Certificate | None) -> str:
    """What was found, in one line."""
    found: dict[str, Any] = dict(fitted.fitted_on)
    kind = fitted.calibration.kind if fitted.calibration else "no"
    numbers = (
        f"text_threshold {fitted.text_threshold:.4f}, pair_thresholds "
        f"{ {k: round(v, 4) for k, v in fitted.pair_thresholds.items()} }, {kind} probability; "
    )
    if certificate is None:
        reached = f"precision {found['precision']:.3f} recall {found['recall']:.3f} F1 {found['f1']:.3f}"
        return f"{numbers}on {found['candidates']} candidates {reached}"
    heavier = certificate.heavier_texts
    weighed = f", {heavier} of them counted as {certificate.settings.max_per_text} triples" if heavier else ""
    return (
        f"{numbers}precision >= {certificate.precision:g} with confidence {1 - certificate.delta:g} "
        f"(p = {certificate.p_value:.2g}): on {certificate.texts} other texts{weighed} {certificate.accepted} accepted "
        f"with precision {certificate.empirical_precision:.3f}, recall {certificate.recall:.3f}"
    )


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
