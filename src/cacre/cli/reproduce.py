"""`cacre reproduce`: the paper's tables on given data, measured beside printed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cacre.errors import ConfigError
from cacre.extras import needs_extra
from cacre.files import atomic_writer


class Part(StrEnum):
    """What to reproduce."""

    all = "all"
    table1 = "table1"
    table2 = "table2"
    table3 = "table3"
    table4 = "table4"
    calibrated = "calibrated"
    guarantee = "guarantee"
    table5 = "table5"
    baselines = "baselines"


_TRAINED = {"table3", "table4", "calibrated", "guarantee", "table5"}


def reproduce_command(
    data: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Folder that the experiment's paths are in.")
    ],
    part: Annotated[Part, typer.Argument(help="Which table; baselines are on the main candidate file.")] = Part.all,
    experiment: Annotated[str, typer.Option(help="Packaged experiment, or a TOML file.")] = "duie-small",
    runs: Annotated[Path, typer.Option(help="Where trained runs are kept.")] = Path("runs/reproduction"),
    output: Annotated[str, typer.Option("-o", "--output", help="Markdown file; - is stdout.")] = "-",
    train: Annotated[bool, typer.Option("--train/--no-train", help="Train the runs that are missing.")] = True,
    variant: Annotated[list[str] | None, typer.Option(help="Train only this variant; repeatable.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Filter with this verifier in place of trained runs; repeatable.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Draw Figures 2 and 3 into this folder.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first texts of each candidate file.")] = None,
) -> None:
    """Run the paper's tables on given data and print its numbers beside the measured ones."""
    with needs_extra("train"):
        from cacre.reproduction.experiment import load_experiment
        from cacre.reproduction.report import WHAT, Reproduction
        from cacre.reproduction.runs import finished_runs, given_runs, train_runs
    plan = load_experiment(experiment)
    wanted = WHAT if part is Part.all else (part.value,)
    if model and variant:
        raise ConfigError("--model takes verifiers as they are, --variant trains some: leave out one of the two")
    trains = train and bool(set(wanted) & _TRAINED)
    if unknown := sorted(set(variant or ()) - plan.variants.keys()):
        known = ", ".join(plan.variants)
        raise ConfigError(f"--variant {unknown[0]}: experiment {plan.name} has no such variant, only {known}")
    if variant and not trains:
        idle = part.value if train else "--no-train"
        raise ConfigError(f"--variant: it says what to train, and {idle} trains nothing: leave out one of the two")
    if model:
        found = given_runs(plan, model)
    elif trains:
        only = set(variant) if variant else {plan.main} if "table4" not in wanted else None
        found = train_runs(plan, data, runs, only=only, tell=lambda line: typer.echo(line, err=True))
    else:
        found = finished_runs(plan, data, runs)
    reproduction = Reproduction(plan, data, found, limit, lambda line: typer.echo(line, err=True))
    if not reproduction.runs and set(wanted) & _TRAINED:
        typer.echo(f"no trained run in {runs}: what needs one is left out (leave --no-train out to train)", err=True)
    page = "\n".join(table.markdown() for table in reproduction.tables(wanted))
    setting = "".join(f"* {line}\n" for line in reproduction.setting())
    for path in reproduction.figures(figures) if figures else []:
        typer.echo(f"{path}", err=True)
    if output == "-":
        typer.echo(f"{page}\n{setting}")
        return
    with atomic_writer(output) as stream:
        stream.write(f"{page}\n{setting}")
