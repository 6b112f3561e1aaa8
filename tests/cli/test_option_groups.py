"""A dataclass in a command's signature becomes options of its own."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from cacre.cli.option_groups import was_given, with_groups


@dataclass(frozen=True)
class Paint:
    """Two options."""

    colour: Annotated[str, typer.Option(help="Which colour.")]
    layers: Annotated[int, typer.Option(min=1)] = 2


def call(*words):
    app = typer.Typer()
    seen = []

    @app.command()
    @with_groups
    def paint(wall: Annotated[str, typer.Argument()], paint: Paint, dry: bool = False) -> None:
        """Paint a wall."""
        seen.append((wall, paint, dry))

    result = CliRunner().invoke(app, list(words))
    return result, seen


def test_the_command_receives_the_dataclass():
    result, seen = call("north", "--colour", "red", "--dry")
    assert result.exit_code == 0
    assert seen == [("north", Paint("red", 2), True)]


def test_checks_and_help_of_the_fields_apply():
    assert call("north", "--colour", "red", "--layers", "0")[0].exit_code == 2
    assert call("north")[0].exit_code == 2
    text = call("--help")[0].output
    assert "Which colour." in text
    assert "Paint a wall." in text


def test_an_option_at_its_default_was_given_all_the_same():
    app = typer.Typer()
    seen = []

    @app.command()
    @with_groups
    def paint(context: typer.Context, paint: Paint, dry: bool = False) -> None:
        seen.append([name for name in ("colour", "layers", "dry", "no_such") if was_given(context, name)])

    for words in ((), ("--layers", "2"), ("--no-dry", "--layers", "3")):
        assert CliRunner().invoke(app, ["--colour", "red", *words]).exit_code == 0
    assert seen == [["colour"], ["colour", "layers"], ["colour", "layers", "dry"]]
