"""What the summary of `cacre graph` says of predicates that the schema renamed, or lacks."""

from __future__ import annotations

from collections.abc import Iterable

from cacre.cli.one_line import one_line
from cacre.graph.merging import ReadingCounts

_SHOWN = 5
_WIDTH = 30


def reading_lines(read: ReadingCounts, schema: str, *, given: bool) -> list[str]:
    """What the schema did to the rows' predicates; nothing where all are its own names.

    Args:
        read: The counts.
        schema: Its name.
        given: Whether the user has named it. Else rows of another schema may have been read by this one, which gives
            their predicates meanings of its own.
    """
    lines = []
    if read.renamed:
        names = (f"{_short(said)} -> {_short(name)} ({count})" for (said, name), count in read.renamed.most_common())
        total = read.renamed.total()
        lines.append(f"{total} triples renamed to the names of schema {schema!r}: {_first(names, len(read.renamed))}")
    if read.unknown:
        names = (f"{_short(name)} ({count})" for name, count in read.unknown.most_common())
        total = read.unknown.total()
        lines.append(f"{total} triples kept as said, not in schema {schema!r}: {_first(names, len(read.unknown))}")
    if lines and not given:
        lines.append(f"hint: predicates were read by schema {schema!r}: give --schema if your rows have their own")
    return lines


def _first(names: Iterable[str], total: int) -> str:
    shown = [name for name, _ in zip(names, range(_SHOWN), strict=False)]
    return ", ".join(shown) + (f" and {total - len(shown)} more" if total > len(shown) else "")


def _short(name: str) -> str:
    plain = one_line(name)
    return plain if len(plain) <= _WIDTH else f"{plain[: _WIDTH - 1]}…"
