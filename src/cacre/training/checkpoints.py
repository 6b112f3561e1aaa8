"""Finding the checkpoint from which an interrupted run goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path

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
        if state.get("global_step") == step:
            return str(path)
    return None
