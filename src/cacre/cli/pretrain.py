"""`cacre pretrain`: running text -> a small character encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cacre.cli.overrides import parse_overrides
from cacre.config import load_settings
from cacre.data import read_rows
from cacre.errors import ConfigError, DataError
from cacre.extras import needs_extra


def pretrain_command(
    corpus: Annotated[
        list[Path], typer.Argument(help="Text files (a sentence or a few a line), JSONL with `text`, or folders.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the encoder.")],
    config: Annotated[str, typer.Option(help="Preset or TOML file; its [encoder] table gives the sizes.")] = "default",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="TABLE.KEY=VALUE",
            help="One setting of the encoder, such as encoder.dropout=0; repeatable.",
        ),
    ] = None,
    epochs: Annotated[float, typer.Option(min=0.0)] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1)] = 12,
    block_length: Annotated[int, typer.Option(min=8)] = 160,
    keep: Annotated[
        list[str] | None, typer.Option(help="STEM=FRACTION: read only that part of the file STEM.txt.")
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(help="Folder of an encoder made by this command: go on from it by finding what it puts in."),
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="Peak of the linear schedule.")] = 1e-3,
    seed: int = 13,
    bf16: Annotated[bool, typer.Option("--bf16", help="Compute in bfloat16: for a GPU.")] = False,
    loader_workers: Annotated[int, typer.Option(min=0, help="Processes that prepare batches: for a GPU.")] = 0,
) -> None:
    """Pre-train a small character encoder by masked language modelling. Run again to go on after an interruption."""
    with needs_extra("train"):
        from cacre.training.pretraining import PretrainingSettings, pretrain, read_lines
    changes = parse_overrides(overrides or [])
    _refuse_useless(changes, with_generator=generator is not None)
    fractions = _fractions(keep or [])
    files = [file for path in corpus for file in _files(path)]
    texts = [file for file in files if file.suffix != ".jsonl"]
    _refuse_unknown(fractions, texts)
    lines = list(read_lines(texts, fractions))
    for file in (f for f in files if f.suffix == ".jsonl"):
        lines += [row.raw["text"] for row in read_rows(str(file), "texts")]
    settings = PretrainingSettings(
        block_length=block_length,
        batch_size=batch_size,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        bf16=bf16,
        loader_workers=loader_workers,
    )
    encoder = load_settings(config, changes).encoder
    pretrain(lines, output, encoder, settings, generator=generator)


def _refuse_useless(changes: Mapping[str, Mapping[str, object]], *, with_generator: bool) -> None:
    """Refuse settings that would do nothing here."""
    for name in (f"{table}.{key}" for table, entries in changes.items() for key in entries):
        if not name.startswith("encoder."):
            raise ConfigError(
                f"--set {name}: pretrain takes encoder.KEY alone: leave it out; how to train is said by --epochs, "
                "--batch-size, --learning-rate and --seed"
            )
        if name in ("encoder.name_or_path", "encoder.frozen"):
            raise ConfigError(f"--set {name}: pretrain makes and trains an encoder of its own: leave it out")
        if with_generator and name != "encoder.dropout":
            raise ConfigError(f"--set {name}: with --generator the encoder is that of its folder: leave it out")


def _refuse_unknown(fractions: Mapping[str, float], texts: Sequence[Path]) -> None:
    """Refuse a part of a file that is not there: all of another would be read."""
    stems = sorted({file.stem for file in texts})
    for stem in fractions:
        if stem not in stems:
            known = f"there are {', '.join(stems)}" if stems else "there is none at all"
            raise ConfigError(f"--keep {stem}: no text file has that stem: {known}")


def _files(path: Path) -> list[Path]:
    """A file itself, or the *.txt and *.jsonl of a folder."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError("no such file or folder", path=str(path))
    found = sorted(file for file in path.iterdir() if file.suffix in (".txt", ".jsonl"))
    if not found:
        raise DataError("the folder has no *.txt or *.jsonl file", path=str(path))
    return found


def _fractions(entries: list[str]) -> dict[str, float]:
    fractions = {}
    for entry in entries:
        stem, _, value = entry.partition("=")
        try:
            fractions[stem] = float(value)
        except ValueError as error:
            raise ConfigError(f"--keep takes STEM=FRACTION, such as laws=0.25, got {entry!r}") from error
        if not 0.0 < fractions[stem] <= 1.0:
            raise ConfigError(f"--keep takes a fraction above 0 and at most 1, got {entry!r}")
    return fractions
