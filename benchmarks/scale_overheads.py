"""What a unit of work costs besides its rows, for `scale.py`: units in which nothing is done, as JSON on stdout.

`benchmarks/scale_overheads.py FOLDER [--workers N] [--units N]`. With one worker, the seconds of a unit are what a
worker waits for between units: Ray's way there and back, and the records of the ledger. With several, the driver needs
at most that for a unit, which no number of workers makes shorter.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cacre.batch import Folder, Ledger, Progress, Unit, UnitJob, Workers, list_inputs, run_units

_WARM_UP = 10


@dataclass(frozen=True)
class NoWork:
    """Commits each unit at once."""

    ledger: Ledger

    def do(self, unit: Unit) -> dict[str, int]:
        """Commit."""
        counts = {"rows": 0}
        self.ledger.commit(unit, counts)
        return counts


def unit_seconds(folder: Path, workers: int, units: int) -> float:
    """Seconds between the ends of two units, on average after the first ones."""
    source = folder / "empty.jsonl"
    source.write_bytes(b"\n" * (units + _WARM_UP))
    ledger = Ledger(Folder(str(folder / f"nothing-{workers}-{time.time_ns()}")), ("kept",))
    ends: list[float] = []

    def watch(_: Progress) -> None:
        ends.append(time.perf_counter())

    job = UnitJob(list_inputs([str(source)]), 1, {}, ledger, partial(NoWork, ledger))
    run_units(job, Workers(count=workers), watch)
    steady = ends[_WARM_UP:]
    return (steady[-1] - steady[0]) / (len(steady) - 1)


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--units", type=int, default=300)
    given = parser.parse_args(words)
    given.folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"unit_seconds": unit_seconds(given.folder, given.workers, given.units)}))


if __name__ == "__main__":
    main()
