"""`cacre pretrain`: running text -> a small character encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cacre.config import load_settings
from cacre.errors import DataError, MissingExtraError


def pretrain_command(
    corpus: Annotated[list[Path], typer.Argument(help="Text files (a sentence or a few a line), JSONL with `text`, or folders.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the encoder.")],
    config: Annotated[str, typer.Option(help="Preset or TOML file; its [encoder] table gives the sizes.")] = "default",
    epochs: Annotated[float, typer.Option(min=0.0)] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    block_length: Annotated[int, typer.Option(min=8)] = 192,
    keep: Annotated[list[str] | None, typer.Option(help="STEM=FRACTION: read only that part of the file STEM.txt.")] = None,
    seed: int = 13,
) -> None:
    """Pre-train a small character encoder by masked language modelling. Run again to go on after an interruption."""
    try:
        from cacre.training.pretraining import PretrainingSettings, pretrain, read_lines
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "torch", "train") from error
    fractions = {}
    for entry in keep or []:
        stem, _, fraction = entry.partition("=")
        try:
            fractions[stem] = float(fraction)
        except ValueError as error:
            raise DataError(f"--keep takes STEM=FRACTION, got {entry!r}") from error
    files = [f for path in corpus for f in (sorted(path.iterdir()) if path.is_dir() else [path])]
    lines = list(read_lines([f for f in files if f.suffix == ".txt"], fractions))
    for file in (f for f in files if f.suffix == ".jsonl"):
        lines += [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    settings = PretrainingSettings(block_length=block_length, batch_size=batch_size, epochs=epochs, seed=seed)
    pretrain(lines, output, load_settings(config).encoder, settings)
