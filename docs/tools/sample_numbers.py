"""Write what docs/graph.md and docs/extractors.md say of the packaged sample, from the commands that stand there.

python docs/tools/sample_numbers.py
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cacre.cli import app

DOCS = Path(__file__).resolve().parents[1]
SAMPLE = DOCS.parent / "src" / "cacre" / "resources" / "samples" / "demo.jsonl"
THRESHOLDS = (".4", ".3")
"""Of the extractor, in the order of the table; the first is its own."""
_OUTPUT = re.compile(r"(?<=^```text\n)\d+ rows: .*?(?=^```$)", flags=re.MULTILINE | re.DOTALL)


def written(name: str) -> str:
    """A page as it should be.

    Args:
        name: Of the page, `graph.md` or `extractors.md`.

    Raises:
        ValueError: The place of a number was not found.
        RuntimeError: A command has failed.
    """
    page = (DOCS / name).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        return _PAGES[name](page, Path(folder))


def _graph(page: str, folder: Path) -> str:
    kept, graph = folder / "kept.jsonl", folder / "graph.ttl"
    _call("filter", SAMPLE, "-o", kept)
    said = _call("graph", kept, "--to", "turtle", "-o", graph).stderr.replace(str(graph), graph.name)
    return _put(_OUTPUT, said, page)


def _extractors(page: str, folder: Path) -> str:
    found, kept = folder / "found.jsonl", folder / "kept.jsonl"
    for threshold in THRESHOLDS:
        words = (SAMPLE, "--extractor", "mini-zh", "--extractor-threshold", threshold, "-o")
        _call("extract", *words, found)
        _call("run", *words, kept)
        row = re.compile(rf"(?<=\| \{threshold} \| ).*(?= \|$)", flags=re.MULTILINE)
        page = _put(row, f"{_scores(found)} | {_scores(kept)}", page)
    return page


_PAGES: dict[str, Callable[[str, Path], str]] = {"graph.md": _graph, "extractors.md": _extractors}


def _scores(predicted: Path) -> str:
    scores = json.loads(_call("evaluate", predicted, SAMPLE, "--json").stdout)
    return " / ".join(f"{scores[name] * 100:.1f}" for name in ("precision", "recall", "f1"))


def _call(*words: object) -> Any:  # noqa: ANN401  (Typer's result, which has no public name)
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exit_code:
        raise RuntimeError(f"cacre {' '.join(map(str, words))}: {done.output}")
    return done


def _put(place: re.Pattern[str], content: str, page: str) -> str:
    changed, count = place.subn(lambda _: content, page, count=1)
    if not count:
        raise ValueError(f"nothing in the page looks like {place.pattern!r}")
    return changed


if __name__ == "__main__":
    for name in _PAGES:
        (DOCS / name).write_text(written(name), encoding="utf-8")
