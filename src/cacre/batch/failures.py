"""Why a job must stop, as a worker tells it and as the driver raises it: only text goes from one to the other."""

from __future__ import annotations

import errno
import json
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cacre import errors
from cacre.batch.units import Unit
from cacre.errors import CacreError, DataError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SHOWN = 200
"""So many characters of a message that is not ours: it may quote a row."""


def told(unit: Unit, error: Exception) -> str:
    """An error that a worker has met over a unit, as JSON."""
    if isinstance(error, OSError):  # the other units would meet the same full disk, or the same lost share
        return json.dumps(["OSError", str(error), error.errno])
    if isinstance(error, CacreError):
        return json.dumps([type(error).__name__, str(error), None])
    return json.dumps([CacreError.__name__, _unforeseen(unit, error), None])


def raised(failure: str) -> Exception:
    """What the driver raises for what a worker has told."""
    kind, message, number = json.loads(failure)
    if kind != "OSError":
        return getattr(errors, kind, CacreError)(message)
    return OSError(number, os.strerror(number)) if number in _FULL else DataError(f"a worker cannot go on: {message}")


@contextmanager
def full_disk_named(output: str) -> Iterator[None]:
    """Say of a full disk what to do.

    Args:
        output: The output of the job.

    Raises:
        CacreError: The block meets a full disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise CacreError(
            f"the disk is full ({error.strerror}): what is committed in {output} stays. Make room there and in the "
            "folder for temporary files, then run the same command again to go on"
        ) from error


def _unforeseen(unit: Unit, error: Exception) -> str:
    """What is said of a fault of the program, in place of a traceback that does not name the unit."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    message = (str(error).splitlines() or [""])[0][:_SHOWN]
    return (
        f"{unit.path} [{unit.start}, {unit.stop}) cannot be done: {type(error).__name__} in "
        f"{Path(frame.f_code.co_filename).name}, line {line}: {message}. What is committed stays, and the same command "
        "tries it again; if that does not help, please report this, and give the rest of the input to a job of its own"
    )
