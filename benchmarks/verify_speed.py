"""Speed of the bundled verifier, as ratios within one run: `benchmarks/verify_speed.py [--model NAME] [--rounds N]`.

Absolute times depend on the machine and on what else runs on it; the ratios are what to compare between versions. Each
variant is timed in turn, round after round, and the median of the paired ratios is printed.

* batched / single: all texts in one call against one call per text;
* one text for all candidates / one text per candidate: what encoding the text once saves;
* one thread / all threads.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib import resources

from cacre.data import read_rows, to_candidates
from cacre.inference import load_verifier
from cacre.types import Candidate

Rows = list[tuple[str, list[Candidate]]]


def sample_rows() -> Rows:
    """The packaged sample: texts with their candidates."""
    path = resources.files("cacre.resources") / "samples" / "demo.jsonl"
    sets = [to_candidates(row) for row in read_rows(str(path), "candidates")]
    return [(each.text, list(each.candidates)) for each in sets]


def timed(work: Callable[[], object]) -> float:
    """Wall seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(name: str, slow: Callable[[], object], fast: Callable[[], object], rounds: int) -> None:
    """Print the median of the paired ratios slow/fast with its range."""
    ratios = []
    for _ in range(rounds):
        a, b = timed(slow), timed(fast)
        ratios.append(a / b)
    print(f"{name:58} {statistics.median(ratios):6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
    """Time the variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = sample_rows()
    verifier, single_thread = load_verifier(arguments.model), load_verifier(arguments.model, threads=1)
    count = sum(len(candidates) for _, candidates in rows)
    verifier.verify_many(rows)  # warm-up
    seconds = min(timed(lambda: verifier.verify_many(rows)) for _ in range(arguments.rounds))
    print(f"{len(rows)} texts, {count} candidates: {1000 * seconds / count:.2f} ms per candidate (best of rounds)\n")
    print(f"{'ratio of times (above 1: the second is faster)':58} median  (range)")
    compare(
        "one call per text / one call for all",
        lambda: [verifier.verify(text, candidates) for text, candidates in rows],
        lambda: verifier.verify_many(rows),
        arguments.rounds,
    )
    compare(
        "one call per candidate / one call per text",
        lambda: [verifier.verify(text, [c]) for text, candidates in rows for c in candidates],
        lambda: [verifier.verify(text, candidates) for text, candidates in rows],
        arguments.rounds,
    )
    compare(
        "one thread / all threads",
        lambda: single_thread.verify_many(rows),
        lambda: verifier.verify_many(rows),
        arguments.rounds,
    )


if __name__ == "__main__":
    main()
