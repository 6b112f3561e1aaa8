"""Annotated texts to learn from: DuIE rows, or contrastive rows, whose gold or anchors are their annotation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cacre.data import read_rows
from cacre.data.annotation import to_annotation
from cacre.data.duie import DuieFact, DuieText
from cacre.data.jsonl import first_line
from cacre.data.rows import ContrastiveRow, DuieRow, Row, content_of
from cacre.data.splits import split_examples
from cacre.errors import DataError
from cacre.types import Example

_NO_DATA = (".errors.jsonl", ".partial.jsonl")


def load_annotated(paths: Iterable[str | Path]) -> list[DuieText]:
    """Read annotated texts; those without a triple count too.

    Args:
        paths: Files, or folders, of which every `*.jsonl` is read save `*.errors.jsonl` and `*.partial.jsonl`. What a
            file holds is told by its first row: `anchors` make it contrastive, `spo_list` or `triples` DuIE. Of
            `triples`, those that a label calls wrong or a verdict rejects are left out, and so is a text with no
            other; `gold` goes before them.

    Raises:
        DataError: A file or a row cannot be used, or a folder has no such file.
    """
    return [text for path in paths for file in _files(Path(path)) for text in _read(file)]


def _read(file: Path) -> Iterator[DuieText]:
    if not file.is_file():
        raise DataError("no such file", path=str(file))
    if b'"anchors"' in first_line(file):
        return map(_contrastive, read_rows(file, "contrastive"))
    return _annotated(read_rows(file, "duie"))


def _annotated(rows: Iterable[Row]) -> Iterator[DuieText]:
    for row in rows:
        content, text = content_of(row, DuieRow), to_annotation(row).text
        # Where all that was proposed is wrong, nobody has said what the text does hold: it is no text without a fact.
        if text.facts or content.gold is not None or not content.spo_list:
            yield text


def _contrastive(row: Row) -> DuieText:
    content = content_of(row, ContrastiveRow)
    if content.gold is None:
        return DuieText(content.text, tuple(map(DuieFact, content.anchors)), content.id)
    facts = []
    for item in content.gold:
        slots = {name: value for name, value in item.object.items() if name != "@value"}
        facts.append(DuieFact(item.triple, item.subject_type, slots=slots))
    return DuieText(content.text, tuple(facts), content.id)


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.glob("*.jsonl") if not file.name.endswith(_NO_DATA))
    if not files:
        raise DataError("the folder has no *.jsonl file", path=str(path))
    return files


def split_annotated(texts: Sequence[DuieText], dev_fraction: float, seed: int) -> tuple[list[DuieText], list[DuieText]]:
    """Train and dev without a shared text or a shared pair of entities.

    Raises:
        DataError: One of the two would be empty.
    """
    examples = [Example(text.text, text.triples, (), (), id=str(number)) for number, text in enumerate(texts)]
    parts = split_examples(examples, (1.0 - dev_fraction, dev_fraction, 0.0), seed)
    if not parts.train or not parts.dev:
        raise DataError(
            f"{len(texts)} texts, of which {dev_fraction} are to be dev, split without a leak leave {len(parts.train)} "
            f"to learn from and {len(parts.dev)} for dev: give more data, or dev data of its own (--dev)"
        )
    train, dev = ([texts[int(example.id or 0)] for example in part] for part in (parts.train, parts.dev))
    return train, dev
