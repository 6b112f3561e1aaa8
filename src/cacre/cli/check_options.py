"""The options that decide about a triple, shared by all commands that judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

import typer

from cacre.inference import DecisionRules
from cacre.inference.decision import DEFAULT_REJECTED
from cacre.schema import Schema, load_schema
from cacre.types import ModalityKind

CHECKS = "Checks and thresholds"
SchemaOption = Annotated[
    str | None,
    typer.Option(
        help="Relation schema to judge (and extract, if at all) by: duie, open, or a file; the model's by default.",
        rich_help_panel=CHECKS,
    ),
]


@dataclass(frozen=True)
class CheckOptions:
    """What decides about a triple, where the schema is given otherwise."""

    schema_checks: Annotated[
        bool,
        typer.Option(
            "--schema-checks/--no-schema-checks",
            help="Reject what the relation schema forbids.",
            rich_help_panel=CHECKS,
        ),
    ] = True
    mention_checks: Annotated[
        bool,
        typer.Option(
            "--mention-checks/--no-mention-checks",
            help="Reject names that the text does not contain.",
            rich_help_panel=CHECKS,
        ),
    ] = True
    text_threshold: Annotated[
        float | None,
        typer.Option(min=-1.0, max=1.0, help="Replaces the fitted threshold on text_score.", rich_help_panel=CHECKS),
    ] = None
    pair_threshold: Annotated[
        float | None,
        typer.Option(
            min=-1.0, max=1.0, help="Replaces those on pair_score; -1 turns them off.", rich_help_panel=CHECKS
        ),
    ] = None

    reject_modality: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="Reject what the text puts so: any of denied, rumoured, planned, past, with commas between; or none.",
            rich_help_panel=CHECKS,
        ),
    ] = ",".join(DEFAULT_REJECTED)

    def rules_with(self, schema: Schema | None) -> DecisionRules:
        """The rules that the options name.

        Args:
            schema: Relation schema to judge by; None takes the model's.

        Raises:
            ConfigError: There is no such modality.
        """
        kinds = [kind.strip() for kind in self.reject_modality.split(",")]
        return DecisionRules(
            self.schema_checks,
            self.mention_checks,
            self.text_threshold,
            self.pair_threshold,
            schema,
            () if kinds == ["none"] else tuple(cast("list[ModalityKind]", kinds)),
        )


@dataclass(frozen=True)
class SchemaCheckOptions(CheckOptions):
    """The same with the schema, for commands that do not extract by a schema of their own."""

    schema: SchemaOption = None

    def rules(self) -> DecisionRules:
        """The rules that the options name.

        Raises:
            SchemaError: There is no such schema.
            ConfigError: There is no such modality.
        """
        return self.rules_with(load_schema(self.schema) if self.schema else None)
