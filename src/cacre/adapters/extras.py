"""The packages that adapters are for: an import that fails names the extra that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
