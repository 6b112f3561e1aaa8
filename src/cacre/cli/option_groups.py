"""Groups of options that commands share: a frozen dataclass in a command's signature, spread over its fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

import typer

from cacre.errors import ConfigError


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Spread each parameter of a command that is annotated with a dataclass over the dataclass's fields.

    Typer then sees every field as an option of its own (the field's annotation is an `Annotated` with a
    `typer.Option`), while the command receives the dataclass.

    Args:
        command: A function as Typer takes it.
    """
    hints = get_type_hints(command, include_extras=True)
    hints.pop("return", None)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            parameters += _spread(groups[name])
        else:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    def spread(**values: Any) -> None:  # noqa: ANN401  (Typer has checked them)
        gathered = {
            name: kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**values, **gathered)

    spread.__name__, spread.__doc__, spread.__module__ = command.__name__, command.__doc__, command.__module__
    spread.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    spread.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return spread


def was_given(context: typer.Context, name: str) -> bool:
    """Whether the user gave a parameter, be it at its default value.

    Args:
        context: The call of the command.
        name: The parameter, as the command's function calls it.
    """
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_without(wanted: str, context: typer.Context, *names: str) -> None:
    """Refuse options that do nothing by themselves, at whatever value they were given.

    Args:
        wanted: What they need, which is not there, as the user would write it.
        context: The call of the command.
        names: Parameters of the command, as its function calls them.

    Raises:
        ConfigError: One of them was given.
    """
    given = [f"--{name.replace('_', '-')}" for name in names if was_given(context, name)]
    if given:
        raise ConfigError(
            f"{', '.join(given)}: only with {wanted}: add it, or leave out {'these' if given[1:] else 'this'}"
        )


def _spread(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401  (a dataclass)
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
