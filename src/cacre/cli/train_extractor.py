"""`cacre train-extractor`: annotated rows -> an extractor that needs no LLM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cacre.baselines.extractors.onnx_extractor import EXPORTED
from cacre.baselines.extractors.registry import EXTRACTORS, network_class
from cacre.baselines.extractors.settings import ExtractorSettings, parse
from cacre.cli.option_groups import refuse_without
from cacre.cli.overrides import parse_overrides
from cacre.errors import ConfigError
from cacre.extras import needs_extra
from cacre.schema import load_schema


def train_extractor_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"The system: {', '.join(EXTRACTORS)}.")],
    data: Annotated[
        list[Path], typer.Argument(help="DuIE rows or contrastive rows (gold, else anchors): files, or folders.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The extractor's folder.")],
    dev: Annotated[list[Path] | None, typer.Option(help="Dev rows; split off from DATA when not given.")] = None,
    schema: Annotated[str, typer.Option(help="Relation schema: duie, open, or a file.")] = "duie",
    encoder: Annotated[
        str | None, typer.Option(help="Pretrained encoder, a folder or hub name; a small new one by default.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(min=0.01, help="The same as --set training.epochs=N.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="TABLE.KEY=VALUE", help="A setting: encoder, data, training, system; repeatable."
        ),
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Also write ONNX graphs, with which no torch is needed (electra-joint).")
    ] = False,
    precision: Annotated[
        Literal["float32", "float16"], typer.Option(help="How the ONNX graphs store weights.")
    ] = "float32",
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first rows of DATA.")] = None,
) -> None:
    """Train an extractor, choose checkpoint and threshold on dev. Run again to go on after a stop."""
    network_class(name)
    if onnx and name != EXPORTED:
        raise ConfigError(f"--onnx: {name} cannot be exported, only {EXPORTED}: leave it out")
    if not onnx:
        refuse_without("--onnx", context, "precision")
    with needs_extra("train"):
        from cacre.baselines.extractors.annotations import load_annotated
        from cacre.baselines.extractors.run import train_extractor
    settings = _settings(overrides or [], encoder, epochs)
    texts = load_annotated(data)[:limit]
    metrics = train_extractor(name, texts, output, settings, load_schema(schema), load_annotated(dev) if dev else None)
    if onnx:
        from cacre.baselines.extractors.onnx_export import export_onnx

        export_onnx(output, precision)
    scores = metrics["dev"]
    typer.echo(
        f"{output}: dev F1 {scores['f1']:.3f} (precision {scores['precision']:.3f}, recall {scores['recall']:.3f}, "
        f"threshold {metrics['threshold']}), {metrics['steps']} steps, {metrics['seconds']:.0f} s",
        err=True,
    )
    left_out = {reason: count for reason, count in metrics["parts left out"].items() if count}
    if left_out:
        said = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        typer.echo(f"parts of facts that could not be learned from: {said}", err=True)


def _settings(overrides: list[str], encoder: str | None, epochs: float | None) -> ExtractorSettings:
    values: dict[str, Any] = parse_overrides(overrides)
    for table, key, value in (("encoder", "name_or_path", encoder), ("training", "epochs", epochs)):
        if value is not None:
            values[table] = {**values.get(table, {}), key: value}
    return parse(ExtractorSettings, values, "--set")
