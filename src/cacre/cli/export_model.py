"""`cacre export-model`: a trained folder -> ONNX graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cacre.cli.train import Precision
from cacre.data import load_examples
from cacre.errors import ConfigError
from cacre.extras import needs_extra


def export_model_command(
    model: Annotated[Path, typer.Argument(help="A trained model folder (model.safetensors).")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write; MODEL by default.")] = None,
    precision: Annotated[
        Precision, typer.Option(help="How weights are stored; int8 is also computed with.")
    ] = Precision.float32,
    data: Annotated[
        list[Path] | None, typer.Option(help="For int8: contrastive rows, which give the scales and show the loss.")
    ] = None,
) -> None:
    """Write encoder.onnx, pair.onnx and compare.onnx, each compared with torch."""
    if (precision is Precision.int8) != bool(data):
        raise ConfigError("--data gives int8 its scales: give both --precision int8 and --data, or neither")
    with needs_extra("export"):
        from cacre.evaluation.labelling import label_by_lists
        from cacre.export import export_onnx
    rows = [label_by_lists(example) for example in load_examples(data or [])]
    report = export_onnx(model, output, precision.value, [row for row in rows if row.candidates])
    for name, size in report.files.items():
        parity = report.parity[Path(name).stem]
        typer.echo(f"{(output or model) / name}: {size / 1e6:.2f} MB, differs from torch by {parity:.1e}", err=True)
    if report.auc_loss is not None:
        typer.echo(f"int8 changes the AUC by {-report.auc_loss:+.4f}; fit thresholds anew: cacre calibrate", err=True)
