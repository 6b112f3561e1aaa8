"""How fast and in how much memory `cacre extract` works off a file, in its own process, against a server in another.

    python benchmarks/llm_throughput.py --texts 8000 --latency 0.2
    python benchmarks/llm_throughput.py --texts 1000 10000 100000 --latency 0

For each number of texts one JSON line is printed: the rate of the whole command, with its start and the writing of the
outputs; the steady rate, from the server's log, between a tenth and nine tenths of the requests; CPU time per request;
peak resident memory. The rate is ideal if each place always holds a request: concurrency / latency. Linux or macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from llm_jobs import Job, server, split_arguments, write_texts

PAUSE = 0.1
"""Seconds between two looks at the server's log."""


def watch(process: subprocess.Popen[str], log: Path) -> tuple[list[tuple[float, int]], int, resource.struct_rusage]:
    """When how many requests had arrived, the exit code, and what the client used."""
    arrivals, count = [(time.monotonic(), 0)], 0
    with log.open("rb") as stream:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            count += stream.read().count(b"\n")
            if count != arrivals[-1][1]:
                arrivals.append((time.monotonic(), count))
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return arrivals, process.returncode, usage
            time.sleep(PAUSE)


def moment(arrivals: list[tuple[float, int]], wanted: float) -> float:
    """When so many requests had arrived, on the straight line between two looks."""
    for (t0, n0), (t1, n1) in pairwise(arrivals):
        if n1 >= wanted:
            return t0 + (t1 - t0) * (wanted - n0) / (n1 - n0)
    raise ValueError(f"only {arrivals[-1][1]} requests arrived, not {wanted:.0f}")


def measure(count: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Work off so many texts once."""
    write_texts(folder / "texts.jsonl", count, ids=not options.no_ids)
    log = folder / "calls.jsonl"
    log.touch()
    before = os.getloadavg()[0]
    with server(log, latency=options.latency) as url:
        job = Job(folder / "job", "extract", url, ("--concurrency", str(options.concurrency), *options.more))
        started = time.monotonic()
        process = job.start()
        arrivals, code, usage = watch(process, log)
        seconds = time.monotonic() - started
    if code:
        raise SystemExit(process.communicate()[1])
    low, high = count * 0.1, count * 0.9
    steady = (high - low) / (moment(arrivals, high) - moment(arrivals, low))
    ideal = options.concurrency / options.latency if options.latency else None
    # Linux counts in KiB, macOS in bytes.
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {
        "texts": count,
        "latency_s": options.latency,
        "concurrency": options.concurrency,
        "seconds": round(seconds, 1),
        "whole_per_s": round(count / seconds, 1),
        "steady_per_s": round(steady, 1),
        "ideal_per_s": ideal,
        "steady_share": round(steady / ideal, 3) if ideal else None,
        "client_cpu_ms_per_text": round(1000 * (usage.ru_utime + usage.ru_stime) / count, 2),
        "peak_rss_mb": round(peak),
        "load_before": round(before, 2),
        "load_after": round(os.getloadavg()[0], 2),
    }


def main() -> None:
    """Measure and print a JSON line for each number of texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, nargs="+", default=[8000])
    parser.add_argument("--latency", type=float, default=0.2, help="seconds before each answer")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--no-ids", action="store_true", help="texts without ids")
    own, more = split_arguments(sys.argv[1:])
    options = parser.parse_args(own, argparse.Namespace(more=more))
    for count in options.texts:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(count, options, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
