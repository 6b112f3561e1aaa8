"""Optional parts: names that are looked up when they are first used, and errors that name the extra to install."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from cacre.errors import MissingExtraError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a missing third-party module inside the block into a `MissingExtraError`.

    Raises:
        MissingExtraError: A module that is not ours cannot be found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cacre"):
            raise
        raise MissingExtraError(error.name, extra) from error


def names_on_demand(package: str, homes: Mapping[str, str], extra: str | None = None) -> Callable[[str], Any]:
    """A `__getattr__` for a package whose public names are imported when they are first asked for.

    Args:
        package: Its name, for the error.
        homes: The module that each name comes from.
        extra: What to install where a module is missing; None for a package that needs nothing.

    Returns:
        A function of a name that raises `AttributeError`, or `MissingExtraError` where `extra` is given.
    """

    def look_up(name: str) -> Any:  # noqa: ANN401  (a module attribute can be anything)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with nullcontext() if extra is None else needs_extra(extra):
            return getattr(importlib.import_module(homes[name]), name)

    return look_up
