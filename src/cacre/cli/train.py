"""`cacre train`: contrastive or annotated rows -> a model folder, exported and with thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cacre.cli.calibration_report import warnings_of
from cacre.cli.fitted_folder import BACKUP
from cacre.cli.overrides import parse_overrides
from cacre.config import load_settings, read_tables
from cacre.data import load_examples
from cacre.data.domains import Domain, load_domains
from cacre.data.extracted import load_extracted
from cacre.data.splits import find_leaks
from cacre.errors import ConfigError
from cacre.extras import needs_extra
from cacre.inference.folder import find_folder, read_folder
from cacre.schema import Schema, load_schema, new_relations
from cacre.types import Example


class Precision(StrEnum):
    """How weights are stored; int8 also multiplies integers in the encoder."""

    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


def train_command(
    data: Annotated[list[Path], typer.Argument(help="Contrastive or DuIE rows: files, or folders of *.jsonl.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The model folder.")],
    config: Annotated[
        str | None,
        typer.Option(help="Preset (default, similarity, paper) or TOML file; without it default, or with --from none."),
    ] = None,
    dev: Annotated[list[Path] | None, typer.Option(help="Dev rows; split off from DATA when not given.")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MODEL", help="Go on from a trained model: a bundled one (mini-zh) or a folder."
        ),
    ] = None,
    extracted: Annotated[
        list[Path] | None,
        typer.Option(help="Candidate rows of DATA's texts; those that DATA does not speak for become negatives."),
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Relation schema: duie, open, or a file; else that of --from, or duie.")
    ] = None,
    domains: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Texts to learn from besides, under other schemas: DIR/NAME/schema.json and rows."
        ),
    ] = None,
    dev_domains: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Others, to fit thresholds on for relations that it does not learn."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="TABLE.KEY=VALUE", help="One setting; repeatable.")
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="How weights are stored; int8 is also computed with.")
    ] = Precision.float32,
    name: Annotated[str | None, typer.Option(help="Name on the model card; the folder's by default.")] = None,
    license_name: Annotated[str, typer.Option("--license", help="Licence of the weights, for the card.")] = "other",
    note: Annotated[str | None, typer.Option(help="What the card says about the data.")] = None,
    max_recall_loss: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Most recall the thresholds may cost on dev; best F1 when not given."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first rows of DATA.")] = None,
) -> None:
    """Train, choose the best checkpoint on dev, export to ONNX, fit thresholds. Run again to go on after a stop.

    With --from a trained model learns from DATA too, at the rates of training.learning_rate and
    training.encoder_learning_rate: a few hundred texts and a minute or two already help.
    """
    with needs_extra("train"):
        from cacre.cli.finishing import Finishing, finish_folder
        from cacre.export import load_trainable
        from cacre.modeling.heads import HEADS, with_heads
        from cacre.training import train
        from cacre.training.card import CardNotes
        from cacre.training.run import network_settings
    changes = parse_overrides(overrides or [])
    trained = None
    if start is not None:
        refuse_network(changes, but=("encoder.frozen", *(f"model.{head}" for head in HEADS)))
        trained = load_trainable(find_folder(start))
        own = network_settings(trained)
        del own["encoder"]["frozen"]  # is no part of the network: the file or --set says it
        own["encoder"] |= changes.get("encoder", {})
        own["model"] |= changes.get("model", {})
        own["loss"] = _loss(trained.settings.loss.model_dump(), config) | changes.get("loss", {})
        changes |= {**own, "preset": trained.settings.preset}
    # The rates of a preset are for a network that begins anew.
    base = "similarity" if trained else "default"
    settings = load_settings(config or base, changes, base=base)
    trained = trained and with_heads(trained, settings.model)
    relations = trained.schema if trained and schema is None else load_schema(schema or "duie")
    examples = load_examples(data, schema=relations)[:limit]
    dev_examples = load_examples(dev, schema=relations) if dev else None
    others, unseen = (load_domains(folder) if folder else [] for folder in (domains, dev_domains))
    _check_unseen(unseen, others, relations)
    learned = [*examples, *(example for domain in others for example in domain.examples)]
    if dev_examples and (leak := _leak(learned, dev_examples)):
        typer.echo(leak, err=True)
    candidates = load_extracted(extracted or [])
    result = train(examples, output, settings, relations, dev_examples, candidates, trained, others)
    if not result.first:  # of several processes that have trained together, one exports and fits
        return
    given = [str(path) for path in (*data, domains) if path]
    notes = CardNotes(name or output.name, given, license_name, note)
    options = Finishing(precision.value, max_recall_loss, notes, unseen)
    finished = finish_folder(output, result.dev, options, trained_before=result.before)
    if finished.replaced:
        typer.echo(f"the thresholds before are kept in {output / BACKUP}", err=True)
    if result.before:
        anew = " and ".join(finished.parts)
        typer.echo(f"{output} was trained before: {f'{anew} made anew' if anew else 'nothing is changed'}", err=True)
    else:
        for line in filter(None, (_skipped(result.metrics), *warnings_of(read_folder(output).thresholds))):
            typer.echo(line, err=True)
    typer.echo(f"{output}: {_summary(result.metrics)}", err=True)


def _check_unseen(unseen: Sequence[Domain], learned: Sequence[Domain], schema: Schema) -> None:
    """Refuse domains that cannot say how relations are judged which the model has not learned.

    Raises:
        ConfigError: All of the relations of one are learned, or its texts are.
    """
    texts = {example.text for domain in learned for example in domain.examples}
    for domain in unseen:
        if not new_relations(schema, domain.schema):
            raise ConfigError(f"--dev-domains: schema {schema.name!r} has words for all relations of {domain.name}")
        if shared := sum(example.text in texts for example in domain.examples):
            raise ConfigError(f"--dev-domains: {shared} texts of {domain.name} are in --domains too: keep them apart")
        if not any(e.anchors for e in domain.examples) or not any(e.negatives or e.hard for e in domain.examples):
            raise ConfigError(f"--dev-domains: {domain.name} needs texts with an anchor, and with a negative")


def _leak(examples: Sequence[Example], dev: Sequence[Example]) -> str:
    """A warning where dev is not of its own; else empty."""
    kinds = Counter(leak.kind for leak in find_leaks(examples, dev))
    if not kinds:
        return ""
    return (
        f"warning: DATA and --dev share {kinds['text']} texts and {kinds['pair']} pairs of names: what dev says "
        "flatters, and the thresholds with it; leave --dev out for a split that shares none"
    )


def _loss(of_start: dict[str, Any], config: str | None) -> dict[str, Any]:
    """The loss that the start was trained by, save what somebody has written down."""
    written = read_tables(config).get("loss", {}) if config else {}
    if not isinstance(written, dict):
        raise ConfigError(f"{config}: loss = {written!r:.80} is no table: write [loss]")
    return of_start | written


def _summary(metrics: Mapping[str, Any]) -> str:
    scores, before = metrics["dev"], metrics.get("dev_of_start")
    earlier = f" (before: {before['text_auc']:.3f}, {before['anchor_auc']:.3f})" if before else ""
    aucs = f"dev text AUC {scores['text_auc']:.3f}, anchor AUC {scores['anchor_auc']:.3f}{earlier}"
    size = metrics["dev_data"]
    measured = f"on {size['texts']} dev texts ({size['anchors']} anchors, {size['negatives']} negatives)"
    return f"{aucs} {measured}, {metrics['steps']} steps, {metrics['seconds']:.0f} s"


def _skipped(metrics: Mapping[str, Any]) -> str:
    """How many texts nothing could be learned from or measured on; empty where there are none."""
    parts = [(metrics[key]["skipped_texts"], name) for key, name in (("train", "train"), ("dev_data", "dev"))]
    said = " and ".join(f"{count} {name}" for count, name in parts if count)
    return f"{said} texts skipped: without an anchor, or without any wrong triple" if said else ""


def refuse_network(changes: Mapping[str, Mapping[str, object]], but: Container[str]) -> None:
    """Refuse settings of the network, which `--from` brings with it, but for some.

    Raises:
        ConfigError: One is given.
    """
    given = [f"{table}.{key}" for table in ("model", "encoder") for key in changes.get(table, {})]
    if wrong := [name for name in given if name not in but]:
        raise ConfigError(
            f"--set {wrong[0]}: with --from, the network is that of the model it goes on from; leave it out"
        )
