"""Where the bottleneck of a large job is: a discrete-event model, fed with what `scale.py` measured.

`benchmarks/pipeline_model.py --measured docs/results/scale.json [--parameters FILE] [--workers 1 2 10 100 1000]`

First the runs of `cacre batch` that were measured on one machine are repeated in the model: the speed is that of `cacre
filter`; start, end and the CPU time of all other processes are those of the run with 1 worker, and what a unit costs is
that of units without work, so that the time with 2 workers is foretold. How far the model is off is printed; exit code
1 if it is more than 15 %. Then come tables for more workers, with and without an LLM; storage and LLM are those of
`pipeline_model.toml`, or of another TOML or JSON file. What the model leaves out says `scale_pipeline.py`. Needs simpy.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scale_pipeline import LLM, Job, Pipeline, Pool, Result, Storage, sliced
from scale_tables import net_seconds

TOLERANCE = 0.15
_ASSUMED = Path(__file__).with_suffix(".toml")
_SLICE = 20
_UNITS_PER_WORKER, _LEAST_UNITS = 12, 400
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Repeated:
    """A measured run beside the same in the model.

    Args:
        name: Which run.
        measured: Candidates a second, from the start of the command to its end.
        modelled: The same in the model.
    """

    name: str
    measured: float
    modelled: float

    @property
    def deviation(self) -> float:
        """By how much the model is faster, as a share of what was measured."""
        return self.modelled / self.measured - 1


def run_alone(record: Record, size: Record) -> Record:
    """The run with 1 worker, whose start and end are taken; where this size has none, that of the next smaller size."""
    sizes = sorted(record["sizes"].values(), key=lambda other: -int(other["candidates"]))
    smaller = [other for other in sizes if other["candidates"] <= size["candidates"]]
    found: Record = next(other["runs"]["batch 1"] for other in smaller if "batch 1" in other["runs"])
    return found


def pool_of(record: Record, size: Record, workers: int) -> Pool:
    """Workers as they were measured."""
    speed = size["candidates"] / net_seconds(record, "filter", size["runs"]["filter"])
    alone, together = record["unit"]["1"], record["unit"]["4"]
    return Pool(workers, speed, run_alone(record, size)["began"], together, max(alone - together, 0.0))


def job_of(size: Record, unit_bytes: int) -> Job:
    """A job as it was measured."""
    rows, bytes_in = size["rows"], size["bytes"] / size["rows"]
    return Job(
        rows, max(round(unit_bytes / bytes_in), 1), size["candidates"] / rows, bytes_in, size["bytes_out"] / rows
    )


def beside_the_worker(record: Record, alone: Record) -> float:
    """Cores that Ray's processes and the driver keep busy, on average: CPU time above that of `cacre filter`."""
    size = next(size for size in record["sizes"].values() if alone in size["runs"].values())
    return float(max(alone["cpu"] - size["runs"]["filter"]["cpu"], 0.0) / alone["seconds"])


def repeated(record: Record, size: Record) -> Iterator[Repeated]:
    """The measured runs of `cacre batch` in the model."""
    first, cores = run_alone(record, size), record["machine"]["cores"]
    others = beside_the_worker(record, first)
    for name, run in size["runs"].items():
        if name.startswith("batch "):
            pool = pool_of(record, size, int(name.removeprefix("batch ")))
            share = min(1.0, (cores - others) / pool.workers)
            pool = replace(pool, candidates_per_second=share * pool.candidates_per_second)
            # A local disk: what its small files cost is in the units without work.
            result = Pipeline(job_of(size, size["unit_size"]), pool, Storage(pool.workers)).run()
            seconds = result.seconds + first["seconds"] - first["done"]
            yield Repeated(name, size["candidates"] / run["seconds"], size["candidates"] / seconds)


def larger(record: Record, size: Record, assumed: Record, workers: int, llm: LLM | None, seed: int) -> Result:
    """The model of a job that keeps so many workers busy."""
    job, storage = job_of(size, assumed["job"]["unit_bytes"]), Storage(**assumed["storage"])
    units = max(_UNITS_PER_WORKER * workers, _LEAST_UNITS)
    whole = Pipeline(job, pool_of(record, size, workers), storage, llm, seed)
    pipeline = whole if llm is None else sliced(whole, _SLICE, seed)
    each = pipeline.job.documents_per_unit
    return replace_documents(pipeline, units * each).run()


def replace_documents(pipeline: Pipeline, documents: int) -> Pipeline:
    """The same model with so many documents."""
    return replace(pipeline, job=replace(pipeline.job, documents=documents))


def bottlenecks(
    record: Record, size: Record, assumed: Record, pools: Sequence[int], llm: LLM | None, seed: int
) -> Iterator[str]:
    """A table of the busiest stages."""
    yield "| workers | candidates/s | of what the workers could | bottleneck | busy |"
    yield "|---:|---:|---:|---|---|"
    for workers in pools:
        result = larger(record, size, assumed, workers, llm, seed)
        could = workers * pool_of(record, size, workers).candidates_per_second
        busy = ", ".join(
            f"{name} {share:.0%}" for name, share in sorted(result.busy.items(), key=lambda item: -item[1])
        )
        yield f"| {workers:,} | {result.steady:,.0f} | {result.steady / could:.0%} | {result.bottleneck} | {busy} |"


def read(path: Path) -> Any:  # noqa: ANN401  (JSON or TOML)
    """A file of parameters."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)


def main(words: Sequence[str] | None = None) -> int:
    """Repeat what was measured, and go on to larger pools; 1 if the model is off by more than 15 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, required=True, help="what `scale.py` wrote with --publish")
    parser.add_argument("--parameters", type=Path, default=_ASSUMED, help="storage, LLM and units, as TOML or JSON")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 10, 100, 1000])
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    record, assumed = read(given.measured), read(given.parameters)
    size = record["sizes"][max(record["sizes"], key=int)]
    print("| candidates | run | measured candidates/s | model | deviation |\n|---:|---|---:|---:|---:|")
    rows = [(each, row) for each in record["sizes"].values() for row in repeated(record, each)]
    for each, row in rows:
        print(
            f"| {each['candidates']:,} | {row.name} | {row.measured:.1f} | {row.modelled:.1f} | {row.deviation:+.1%} |"
        )
    llm = LLM(**assumed["llm"])
    print("\nWithout an LLM:\n")
    print("\n".join(bottlenecks(record, size, assumed, given.workers, None, given.seed)))
    limits = f"{llm.requests_per_minute:,.0f} requests a minute, {llm.concurrency} in flight, {llm.latency_seconds} s"
    print(f"\nWith an LLM ({limits}):\n")
    print("\n".join(bottlenecks(record, size, assumed, given.workers, llm, given.seed)))
    return int(any(abs(row.deviation) > TOLERANCE for _, row in rows))


if __name__ == "__main__":
    sys.exit(main())
