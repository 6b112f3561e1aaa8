"""The warning that a guaranteed precision does not hold with the options that a command was given."""

from __future__ import annotations

from typing import Any

import typer

from cacre.inference import DecisionRules, OnnxVerifier
from cacre.inference.decision import DEFAULT_REJECTED
from cacre.inference.folder import ModelFolder


def warn_of_voided(model: OnnxVerifier | ModelFolder, rules: DecisionRules, *, judge: bool = False) -> None:
    """Say on stderr, in one line, which options void the guarantee of a model; nothing where it has none, or none does.

    Args:
        model: The model.
        rules: What it is to go by.
        judge: Whether an LLM is asked about what is near a threshold.
    """
    found: dict[str, Any] = dict(model.thresholds.fitted_on)
    guarantee = found.get("guarantee")
    if not isinstance(guarantee, dict):
        return
    own = model.schema.name
    options = _voiding(rules, str(found.get("schema", own)), own)
    options += ["--judge"] if judge else []
    if options:
        typer.echo(
            f"warning: the precision of {guarantee.get('precision')} that this model guarantees does not hold with "
            f"{', '.join(options)}: leave that out, or run  cacre calibrate  for what you need",
            err=True,
        )


def _voiding(rules: DecisionRules, fitted: str, own: str) -> list[str]:
    """The options that differ from what the guarantee was given for."""
    asked = own if rules.schema is None else rules.schema.name
    return [
        option
        for option, differs in (
            ("--no-schema-checks", not rules.schema_checks),
            ("--no-mention-checks", not rules.mention_checks),
            ("--text-threshold", rules.text_threshold is not None),
            ("--pair-threshold", rules.pair_threshold is not None),
            (f"the schema {asked!r} (it was given for {fitted!r}: --schema)", asked != fitted),
            ("--reject-modality", set(rules.reject_modality) != set(DEFAULT_REJECTED)),
        )
        if differs
    ]
