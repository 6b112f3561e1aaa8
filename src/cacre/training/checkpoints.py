"""Taking up an interrupted run: whether the folder is its own, and from which checkpoint it goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cacre.config import parse_settings
from cacre.errors import ConfigError
from cacre.files import atomic_writer

_NAME = re.compile(r"checkpoint-(\d+)")


def last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint in `folder`, or None.

    A process killed while it writes leaves a folder that lacks its last files. The Trainer writes
    `trainer_state.json` last, so a folder is complete when that file parses and names the folder's own step.
    """
    found = [(int(m[1]), p) for p in folder.glob("checkpoint-*") if (m := _NAME.fullmatch(p.name))]
    for step, path in sorted(found, reverse=True):
        try:
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(state, dict) and state.get("global_step") == step:
            return str(path)
    return None


def claim_folder(folder: Path, run: Mapping[str, Any], option: str = "-o") -> None:
    """Write down in `run.json` what a folder's run is made of, or check that it is the run already there.

    Going on under other settings or on other data would give a model that nothing describes. Of a run that failed or
    was stopped before its first checkpoint there is nothing to go on from: the folder is free for another.

    Args:
        folder: The output folder.
        run: JSON values that determine the run.
        option: What of the command names another folder, for the error.

    Raises:
        ConfigError: The folder holds another run; the message says what differs.
    """
    path, current = folder / "run.json", json.loads(json.dumps(run))
    if not path.is_file() or not _holds_anything(folder):
        with atomic_writer(path) as stream:
            json.dump(current, stream, ensure_ascii=False, indent=1)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    there, here = (dict(_flat(_completed(values))) for values in (before, current))
    changed = [name for name in sorted(there.keys() | here.keys()) if there.get(name) != here.get(name)]
    if changed:
        first = "; ".join(f"{name} was {there.get(name)!r}, now {here.get(name)!r}" for name in changed[:3])
        raise ConfigError(
            f"{folder} holds a run with other settings or data ({first}): "
            f"give another folder with {option}, or delete it"
        )


def _holds_anything(folder: Path) -> bool:
    """Whether a run has got as far as a checkpoint or its end: its folder may have been tidied up since."""
    ends = ("metrics.json", "pretraining.json", "config.json", "fitted")
    return last_checkpoint(folder / "checkpoints") is not None or any((folder / name).exists() for name in ends)


def _completed(run: dict[str, Any]) -> dict[str, Any]:
    """The record with settings that it is too old to name: their defaults are what was done before they came."""
    try:
        settings = parse_settings(run["settings"], "run.json")
    except (KeyError, TypeError, ConfigError):  # then it differs, and is shown as it is
        return run
    return {**run, "settings": settings.model_dump(mode="json")}


def _flat(values: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    if not isinstance(values, dict):
        yield prefix, values
        return
    for name, value in values.items():
        yield from _flat(value, f"{prefix}.{name}" if prefix else name)
