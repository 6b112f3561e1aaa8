"""From a folder to an extractor."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

from cacre.baselines.extractors.onnx_extractor import GRAPHS, OnnxExtractor
from cacre.baselines.extractors.protocol import Extractor
from cacre.errors import ConfigError, ModelError
from cacre.extras import needs_extra


def bundled_extractors() -> dict[str, Path]:
    """The extractors that ship with the package, by name."""
    root = Path(str(resources.files("cacre.resources"))) / "extractors"
    return {path.name: path for path in sorted(root.iterdir()) if (path / "config.json").is_file()}


def load_extractor(folder: str | Path, *, threads: int | None = None, threshold: float | None = None) -> Extractor:
    """Load a trained extractor; where the folder has ONNX graphs, without torch.

    Args:
        folder: What `cacre train-extractor` wrote, or the name of a bundled extractor, such as `mini-zh`. Write
            `./NAME` for a folder of that name.
        threads: CPU threads of the ONNX graphs; all by default.
        threshold: Least probability of every decision, in place of the one fitted on dev. A lower one finds more, right
            and wrong: for what is verified afterwards.

    Raises:
        ConfigError: The threshold is not between 0 and 1.
        ModelError: The folder is none, or damaged.
        MissingExtraError: There are no graphs, and torch is not installed.
    """
    if threshold is not None and not 0.0 < threshold < 1.0:
        raise ConfigError(f"the threshold of an extractor is a probability between 0 and 1, got {threshold}")
    bundled = bundled_extractors()
    path = bundled.get(str(folder), Path(folder))
    if not path.is_dir():
        raise ModelError(
            f"{folder}: neither a bundled extractor ({', '.join(bundled)}) nor a folder; cacre train-extractor -o DIR "
            "makes one"
        )
    if all((path / name).is_file() for name in GRAPHS):
        return OnnxExtractor(path, threads=threads, threshold=threshold)
    with needs_extra("train"):
        from cacre.baselines.extractors.folder import load_torch_extractor
    extractor = load_torch_extractor(path)
    return extractor if threshold is None else replace(extractor, threshold=threshold)
