"""`cacre calibrate`: labelled rows -> thresholds and calibration of a model folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cacre.data import load_examples, read_rows, to_candidates
from cacre.errors import DataError
from cacre.evaluation.fitting import (
    LabelledText,
    fit_verifier,
    label_by_gold,
    label_by_lists,
    label_candidates,
    write_thresholds,
)
from cacre.inference import load_verifier
from cacre.inference.folder import find_folder
from cacre.types import Candidate, Example


class LabelSource(StrEnum):
    """Where labels come from."""

    auto = "auto"
    lists = "lists"
    gold = "gold"


def calibrate_command(
    data: Annotated[Path, typer.Argument(help="Contrastive rows, or candidate rows with gold.")],
    model: Annotated[Path, typer.Option(help="The model folder.")],
    labels: Annotated[
        LabelSource,
        typer.Option(help="lists: anchors true, negatives false; gold: true when annotated; auto: by the rows."),
    ] = LabelSource.auto,
    target_precision: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Precision to reach here.")] = None,
    max_recall_loss: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Most recall to lose here.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where thresholds.json goes; the model folder by default.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1)] = None,
) -> None:
    """Fit both thresholds and the probability on labelled rows, and store them with the model."""
    verifier = load_verifier(find_folder(model), threads=threads)
    rows = labelled_rows(data, labels)
    fitted = fit_verifier(
        verifier,
        rows,
        fitted_on={"data": data.name, "labels": labels.value},
        target_precision=target_precision,
        max_recall_loss=max_recall_loss,
    )
    folder = output or verifier.path
    write_thresholds(folder, fitted)
    found = fitted.fitted_on
    typer.echo(
        f"{folder / 'thresholds.json'}: text_threshold {fitted.text_threshold:.4f}, pair_thresholds "
        f"{ {k: round(v, 4) for k, v in fitted.pair_thresholds.items()} }; on {found['candidates']} candidates "
        f"precision {found['precision']:.3f} recall {found['recall']:.3f} F1 {found['f1']:.3f}",
        err=True,
    )


def labelled_rows(path: Path, labels: LabelSource) -> list[LabelledText]:
    """Read labelled rows of either kind.

    Raises:
        DataError: The file cannot be read, or has no labels of the kind asked for.
    """
    if not path.is_file():
        raise DataError("no such file", path=str(path))
    with path.open("rb") as stream:
        contrastive = b'"anchors"' in stream.readline(1 << 20)
    if not contrastive:
        if labels is LabelSource.lists:
            raise DataError("--labels lists needs contrastive rows (anchors, negatives)", path=str(path))
        return [label_candidates(to_candidates(row)) for row in read_rows(str(path), "candidates")]
    examples = load_examples([path])
    return [_by_gold(e, path) if labels is LabelSource.gold else label_by_lists(e) for e in examples]


def _by_gold(example: Example, path: Path) -> LabelledText:
    if example.gold is None:
        raise DataError("--labels gold needs rows with gold", path=str(path), field="gold")
    pairs = zip(example.anchors, example.positives, strict=True)
    candidates = [Candidate(anchor, paraphrase=positive) for anchor, positive in pairs]
    return label_by_gold(example.text, candidates, example.gold)
