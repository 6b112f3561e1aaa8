"""Where a command lists the rows that it could not use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cacre.files import is_special

_STANDARD = "-"


def errors_path(command: str, source: str, outputs: Iterable[str | None]) -> Path:
    """Where a command lists the rows that it could not use.

    It is named after the first output that is a file or a folder: `kept.jsonl` gives `kept.errors.jsonl`, and
    `kept.ttl`, which may lie beside it, `kept.ttl.errors.jsonl`. Without such an output it is named after the input and
    the command. The list that came with the input is left alone: it may be the only record of answers already paid for.

    Args:
        command: Which command it is.
        source: What it reads; `-` is standard input.
        outputs: What it writes, the main output first; `-` is standard output, None for what is not written.
    """
    given = source if _lasts(source) else "stdin.jsonl"
    first = next((path for path in outputs if path is not None and _lasts(path)), None)
    if first is None:
        return _beside(given, f".{command}")
    path = _beside(first)
    return path if path.resolve() != _beside(given).resolve() else _beside(first, f".{command}")


def _lasts(path: str) -> bool:
    """Whether a path is, or will be, a file or a folder: neither a standard stream nor a pipe or a device."""
    return path != _STANDARD and (not is_special(path) or Path(path).is_dir())


def _beside(path: str, command: str = "") -> Path:
    place = Path(path)
    if place.name in ("", ".."):  # such as "." for the working folder, which has no name in it
        place = place.resolve()
    return place.parent / f"{place.name.removesuffix('.jsonl')}{command}.errors.jsonl"
