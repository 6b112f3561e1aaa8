"""`cacre export-model`: a trained folder -> ONNX graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cacre.cli.train import Precision
from cacre.extras import needs_extra


def export_model_command(
    model: Annotated[Path, typer.Argument(help="A trained model folder (model.safetensors).")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write; MODEL by default.")] = None,
    precision: Annotated[Precision, typer.Option(help="How weights are stored.")] = Precision.float32,
) -> None:
    """Write encoder.onnx, pair.onnx and compare.onnx, each compared with torch."""
    with needs_extra("export"):
        from cacre.export import export_onnx
    report = export_onnx(model, output, precision.value)
    for name, size in report.files.items():
        parity = report.parity[Path(name).stem]
        typer.echo(f"{(output or model) / name}: {size / 1e6:.2f} MB, differs from torch by {parity:.1e}", err=True)
