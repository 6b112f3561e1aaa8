"""Many candidates through `cacre filter` and `cacre batch`: `benchmarks/scale.py FOLDER [--sizes 10000 100000]`.

For each size, candidates are made in FOLDER (see `scale_data.py`), judged by `cacre filter` and by `cacre batch` with 1
and 2 workers, one thread each, while the processes are watched, and the outputs of both are compared row by row. What
is measured is kept in FOLDER/measured.json, so that a second call measures only what is missing; `--publish` copies it.
`--faults` kills workers and drivers, fills a disk and breaks a file instead. Memory stays bounded at any size. Needs
`cacre[batch]` and psutil.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scale_compare import compare, sorted_parts
from scale_data import write_candidates
from scale_faults import run_faults
from scale_tables import comparisons, tables
from scale_watch import Watched, watched

import cacre

FORMAT = 1
RECORD = "measured.json"
DATASETS = ("kept", "rejected")
_UNITS = 32
_SMALLEST_UNIT, _LARGEST_UNIT = 1 << 14, 4 << 20
_OVERHEAD_WORKERS = (1, 4)


@dataclass(frozen=True)
class Bench:
    """Where things are measured, and on what.

    Args:
        folder: Data, outputs and the record.
        model: Bundled model or model folder.
        seed: Of the candidates.
        units: Units of work for a measurement of what a unit costs.
    """

    folder: Path
    model: str
    seed: int
    units: int = 100

    def record(self) -> dict[str, Any]:
        """What was measured so far.

        Raises:
            SystemExit: It was measured with something else.
        """
        about = {"format": FORMAT, "cacre": cacre.__version__, "model": self.model, "seed": self.seed}
        path = self.folder / RECORD
        if not path.exists():
            machine = {"cores": os.cpu_count(), "python": platform.python_version(), "processor": platform.machine()}
            return {**about, "machine": machine, "start": {}, "unit": {}, "sizes": {}}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name, value in about.items() if found.get(name) != value]
        if other:
            raise SystemExit(f"{path} was measured with another {', '.join(other)}: name a new folder")
        return found

    def keep(self, record: dict[str, Any]) -> None:
        """Write the record, which is either the old or the new one at any moment."""
        path = self.folder / RECORD
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)


def unit_size(size: int) -> int:
    """Bytes of a unit, so that 2 workers end at about the same time at any size."""
    return min(max(size // _UNITS, _SMALLEST_UNIT), _LARGEST_UNIT)


def measure_start(bench: Bench, record: dict[str, Any]) -> None:
    """What `cacre filter` needs for a single candidate, and what a unit costs besides its rows."""
    if "filter" not in record["start"]:
        path = bench.folder / "one.jsonl"
        write_candidates(path, 1, bench.seed)
        runs = [filtered(bench, path, bench.folder / "one") for _ in range(3)]
        record["start"]["filter"] = min(run.seconds for run in runs)
        bench.keep(record)
    script = Path(__file__).with_name("scale_overheads.py")
    for workers in _OVERHEAD_WORKERS:
        if str(workers) not in record["unit"]:
            words = [sys.executable, str(script), str(bench.folder / "overheads")]
            words += ["--workers", str(workers), "--units", str(bench.units)]
            answer = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
            record["unit"][str(workers)] = json.loads(answer.splitlines()[-1])["unit_seconds"]
            bench.keep(record)


def measure_size(bench: Bench, record: dict[str, Any], candidates: int, workers: Sequence[int]) -> None:
    """Measure what is missing for one size, and compare the outputs."""
    folder = bench.folder / str(candidates)
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "candidates.jsonl"
    if not data.exists():
        write_candidates(data.with_suffix(".new"), candidates, bench.seed)
        data.with_suffix(".new").replace(data)
    size = record["sizes"].setdefault(str(candidates), {"runs": {}, "same": {}})
    with data.open("rb") as lines:
        rows = sum(1 for _ in lines)
    size |= {"rows": rows, "candidates": candidates, "bytes": data.stat().st_size}
    size["unit_size"] = unit_size(size["bytes"])
    if "filter" not in size["runs"]:
        size["runs"]["filter"] = _entry(filtered(bench, data, folder / "filter"))
        size["bytes_out"] = sum((folder / "filter" / f"{kind}.jsonl").stat().st_size for kind in DATASETS)
        bench.keep(record)
    for count in workers:
        name, output = f"batch {count}", folder / f"batch-{count}"
        if name not in size["runs"]:
            size["runs"][name] = _entry(*batched(bench, data, output, count, size["unit_size"]))
            bench.keep(record)
        if name not in size["same"]:
            size["same"][name] = {
                kind: compare([folder / "filter" / f"{kind}.jsonl"], sorted_parts(output, kind)).as_json()
                for kind in DATASETS
            }
            bench.keep(record)


def filtered(bench: Bench, data: Path, output: Path) -> Watched:
    """Run `cacre filter` with one thread."""
    output.mkdir(parents=True, exist_ok=True)
    files = ["-o", str(output / "kept.jsonl"), "--rejected", str(output / "rejected.jsonl")]
    words = ["filter", str(data), *files, "--model", bench.model, "--threads", "1"]
    return _finished(watched(words, output / "log"))


def batched(bench: Bench, data: Path, output: Path, workers: int, size: int) -> tuple[Watched, float]:
    """Run `cacre batch` from nothing; also gives the seconds until its last unit was done."""
    shutil.rmtree(output, ignore_errors=True)
    words = ["batch", str(data), str(output), "--model", bench.model]
    words += ["--concurrency", str(workers), "--unit-size", str(size)]
    # The first unit is noted as begun when a worker has its model.
    run = _finished(watched(words, output.with_suffix(".log"), (output / "_attempts").exists))
    last = max(path.stat().st_mtime for path in (output / "_commits").iterdir())
    return run, last - run.start


def _finished(run: Watched) -> Watched:
    if run.code:
        raise SystemExit(f"the command ended with exit code {run.code}:\n{run.said}")
    return run


def _entry(run: Watched, done: float | None = None) -> dict[str, Any]:
    times = {"seconds": run.seconds, "began": run.began, "done": run.seconds if done is None else done}
    rounded = {name: round(seconds, 2) for name, seconds in {**times, "cpu": run.cpu()}.items()}
    return {**rounded, "peaks": run.peaks(), "together": round(run.together, 1), "load": round(os.getloadavg()[0], 1)}


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if outputs differ or something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where data, outputs and what was measured are kept")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="candidates")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--note", help="what else is to be known of the measurement, such as other load")
    parser.add_argument("--publish", type=Path, metavar="FILE", help="copy what was measured to a JSON file")
    parser.add_argument("--units", type=int, default=100, help="units without work, to measure what a unit costs")
    parser.add_argument("--faults", action="store_true", help="kill, fill and break instead")
    parser.add_argument("--fault-candidates", type=int, default=20_000)
    given = parser.parse_args(words)
    given.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated: call again to go on"))  # and the command ends too
    if given.faults:
        folder = given.folder / "faults"
        return int(not run_faults(folder, given.model, given.fault_candidates, given.seed, partial(print, flush=True)))
    bench = Bench(given.folder, given.model, given.seed, given.units)
    record = bench.record()
    if given.note is not None:
        record["note"] = given.note
    measure_start(bench, record)
    for candidates in sorted(given.sizes):
        measure_size(bench, record, candidates, given.workers)
    bench.keep(record)
    if given.publish is not None:
        shutil.copyfile(given.folder / RECORD, given.publish)
    print("\n".join(tables(record)))
    return int(any(each["different"] for each in comparisons(record)))


if __name__ == "__main__":
    sys.exit(main())
