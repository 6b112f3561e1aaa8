"""What `scale.py` measured, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]


def tables(record: Record) -> Iterator[str]:
    """All tables, as lines."""
    sizes = [record["sizes"][name] for name in sorted(record["sizes"], key=int)]
    note = f" Note: {record['note']}." if record.get("note") else ""
    yield f"Model `{record['model']}`, seed {record['seed']}, {record['machine']['cores']} cores.{note}\n"
    yield from speeds(record, sizes)
    yield ""
    yield from shares(record, sizes)
    yield ""
    yield from memory(sizes)
    yield ""
    yield from sameness(sizes)
    yield f"\n`cacre filter` on one candidate: {record['start']['filter']:.1f} s."
    for workers, seconds in record["unit"].items():
        yield f"A unit without work, {workers} workers: {1000 * seconds:.0f} ms."


def net_seconds(record: Record, name: str, run: Record) -> float:
    """Seconds from the first row to the last, without the start of processes and their end."""
    before: float = record["start"]["filter"] if name == "filter" else run["began"]
    return max(float(run["done"]) - before, 1e-9)


def speeds(record: Record, sizes: list[Record]) -> Iterator[str]:
    """Seconds and candidates a second."""
    counts = ("rows", "candidates", "command", "s", "before and after the rows")
    names = (*counts, "candidates/s", "without that", "CPU s", "load")
    yield f"| {' | '.join(names)} |"
    yield "|---:|---:|---|---:|---:|---:|---:|---:|---:|"
    for size in sizes:
        for name, run in size["runs"].items():
            net, count = net_seconds(record, name, run), size["candidates"]
            yield (
                f"| {size['rows']:,} | {count:,} | {name} | {run['seconds']:.1f} | {run['seconds'] - net:.1f} "
                f"| {count / run['seconds']:.0f} | {count / net:.0f} | {run['cpu']:.0f} | {run['load']:.1f} |"
            )


def shares(record: Record, sizes: list[Record]) -> Iterator[str]:
    """Efficiency of 2 workers over 1, and how the cost of a candidate grows from size to size."""
    yield "| candidates | 2 workers over 1 | without the start | s per candidate: filter | batch 1 | batch 2 |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for before, size in zip([None, *sizes], sizes, strict=False):
        runs = size["runs"]
        cells = ["", ""]
        if "batch 1" in runs and "batch 2" in runs:
            one, two = runs["batch 1"], runs["batch 2"]
            nets = [net_seconds(record, "batch", run) for run in (one, two)]
            cells = [f"{one['seconds'] / two['seconds'] / 2:.2f}", f"{nets[0] / nets[1] / 2:.2f}"]
        for name in ("filter", "batch 1", "batch 2"):
            if before is None or name not in runs or name not in before["runs"]:
                cells.append("")
                continue
            costs = [net_seconds(record, name, each["runs"][name]) / each["candidates"] for each in (before, size)]
            cells.append(f"{costs[1] / costs[0] - 1:+.1%}")
        yield f"| {size['candidates']:,} | {' | '.join(cells)} |"


def memory(sizes: list[Record]) -> Iterator[str]:
    """Peak memory by process."""
    yield "| candidates | command | MiB at most, of each process | all together |"
    yield "|---:|---|---|---:|"
    for size in sizes:
        for name, run in size["runs"].items():
            peaks = [
                f"{process}{' x ' + str(peak['count']) if peak['count'] > 1 else ''} {peak['mib']:.0f}"
                for process, peak in run["peaks"].items()
            ]
            yield f"| {size['candidates']:,} | {name} | {', '.join(peaks)} | {run['together']:.0f} |"


def sameness(sizes: list[Record]) -> Iterator[str]:
    """What differs between the outputs of batch and filter."""
    yield "| candidates | command | dataset | rows of filter | rows that differ | largest difference of scores |"
    yield "|---:|---|---|---:|---:|---:|"
    for size in sizes:
        for name, kinds in size["same"].items():
            for kind, found in kinds.items():
                counts = f"{found['rows']:,} | {found['different']} | {found['largest_difference']:.1e}"
                yield f"| {size['candidates']:,} | {name} | {kind} | {counts} |"


def comparisons(record: Record) -> Iterator[Record]:
    """All comparisons of outputs."""
    for size in record["sizes"].values():
        for kinds in size["same"].values():
            yield from kinds.values()
