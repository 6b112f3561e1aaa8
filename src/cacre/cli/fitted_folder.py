"""Where `cacre calibrate` writes: the model folder itself, or a complete copy of it with the new thresholds."""

from __future__ import annotations

import filecmp
import json
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from cacre.errors import ConfigError
from cacre.evaluation.fitting import write_thresholds
from cacre.files import atomic_writer
from cacre.inference.folder import GRAPHS, bundled_models
from cacre.inference.thresholds import Thresholds

THRESHOLDS = "thresholds.json"
BACKUP = "thresholds.json.bak"
_MODEL = (*GRAPHS, "config.json", "schema.json", "tokenizer.json", "model.safetensors")
"""What makes a model, the weights where it has any; two folders with the same of these hold the same model."""
_CARD = "README.md"


def check_target(source: Path, target: Path) -> None:
    """Refuse, before anything is fitted, a folder that the result may not go to.

    Args:
        source: The model folder.
        target: Where the thresholds are to go; the same folder, or another.

    Raises:
        ConfigError: It belongs to the installed package, which all users of it share and an update replaces; or it is
            a file; or it holds another model, or files that are none of the model's.
    """
    if target.resolve() in {path.resolve() for path in bundled_models().values()}:
        raise ConfigError(
            f"{target} is part of the installed package and is not written to: name a folder with -o, which becomes a "
            "copy of the model with the new thresholds"
        )
    if target.resolve() == source.resolve() or not target.exists():
        return
    if not target.is_dir():
        raise ConfigError(f"{target} is a file: name a folder with -o, a new one or an empty one")
    _check_contents(source, target)


def _check_contents(source: Path, target: Path) -> None:
    allowed = {*_MODEL, _CARD, THRESHOLDS, BACKUP}
    for path in sorted(target.iterdir()):
        # Hidden files are those of the system, or what a killed process left of a copy.
        if path.name not in allowed and not path.name.startswith(".") and not (source / path.name).exists():
            raise ConfigError(
                f"{target} holds {path.name}, which is no part of the model {source}: name a new or an empty folder "
                "with -o"
            )
        if path.name in _MODEL and not _same(source / path.name, path):
            raise ConfigError(
                f"{target} holds another model than {source} ({path.name} differs): name a new or an empty folder "
                "with -o, or calibrate that model with --model"
            )


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def write_fitted(source: Path, target: Path, thresholds: Thresholds) -> bool:
    """Write the thresholds, and first, where the target is another folder, what it lacks of the model.

    The thresholds come last: a copy that was stopped half-way is refused by whoever loads it, and is completed when
    the command runs again. Thresholds that were there before are kept as `thresholds.json.bak`.

    Args:
        source: The model folder.
        target: Where to write, as `check_target` let it pass.
        thresholds: What was fitted.

    Returns:
        Whether there were other thresholds before.

    Raises:
        OSError: The folder cannot be written.
    """
    if target.resolve() != source.resolve():
        target.mkdir(parents=True, exist_ok=True)
        for name in (*_MODEL, _CARD):
            if (source / name).is_file() and not (target / name).exists():
                _copy(source / name, target / name)
    path = target / THRESHOLDS
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    # The same thresholds fitted twice must not push out what was there before both.
    changed = before is not None and not _says(before, thresholds)
    if before is not None and changed:
        with atomic_writer(target / BACKUP) as stream:
            stream.write(before)
    write_thresholds(target, thresholds)
    return changed


def _says(text: str, thresholds: Thresholds) -> bool:
    try:
        return bool(json.loads(text) == json.loads(json.dumps(thresholds.to_dict())))
    except ValueError:
        return False


def name_of(folder: Path) -> str:
    """The folder as `--model` takes it on a command line; `./` sets it apart from a bundled model of that name."""
    name = str(folder)
    return shlex.quote(f".{os.sep}{name}" if name in bundled_models() else name)


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that it appears whole or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream, source.open("rb") as original:
            shutil.copyfileobj(original, stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)  # of what is installed, a file may be read-only
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
