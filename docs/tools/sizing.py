"""Write the sizing table of docs/cluster.md from docs/results/scale.json, so that no number in it is typed by hand.

python docs/tools/sizing.py [--price 0.04]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
PAGE, MEASURED = DOCS / "cluster.md", DOCS / "results" / "scale.json"
BEGIN, END = "<!-- sizing: written by docs/tools/sizing.py -->", "<!-- end of sizing -->"
PRICE = 0.04
TRIPLES = (10**6, 10**8, 10**10)
UNIT_BYTES = 4 * 1024 * 1024
_WORKERS = 100


def sizing(measured: Mapping[str, Any], price: float) -> str:
    """The table and what it assumes.

    Args:
        measured: What `benchmarks/scale.py` wrote.
        price: Of a core for an hour, in any currency.
    """
    size = measured["sizes"][max(measured["sizes"], key=int)]
    workers, run = _most_workers(size["runs"])
    speed = size["candidates"] / (run["done"] - run["began"]) / workers
    bytes_each = size["bytes"] / size["candidates"]
    lines = [
        "| triples | input | units | core-hours | hours with 100 workers | cost |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for triples in TRIPLES:
        hours, total = triples / speed / 3600, triples * bytes_each
        cells = (
            *(f"10^{len(str(triples)) - 1}", _bytes(total), f"{max(total / UNIT_BYTES, 1):,.0f}"),
            *(_short(hours), _short(hours / _WORKERS), _short(hours * price)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_assumptions(measured, size, workers, speed, price)])


def written(page: str, content: str) -> str:
    """The page with the content between the marks.

    Raises:
        ValueError: The page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def _assumptions(
    measured: Mapping[str, Any], size: Mapping[str, Any], workers: int, speed: float, price: float
) -> list[str]:
    note = f", {measured['note']}" if measured.get("note") else ""
    per_row, per_candidate = size["candidates"] / size["rows"], size["bytes"] / size["candidates"]
    what = f"`{measured['model']}` on {size['candidates']:,} candidates with {workers} workers of one thread each"
    return [
        "Assumed:",
        "",
        f"- **{speed:.0f} candidates a second and core**, as measured with {what}, on {measured['machine']['cores']} "
        f"cores{note}. Other processors, texts and models have another speed: measure yours.",
        f"- texts like those: {per_row:.1f} candidates a text, {per_candidate:.0f} bytes of JSONL a candidate. Longer "
        "texts take longer.",
        "- cost in proportion to size. Start of machines, work lost to failures, storage and traffic are not in it.",
        f"- {price:g} for a core and hour, in any currency: a figure to calculate with, not an offer; the script "
        "takes yours.",
        "- the candidates are there already: an LLM that makes them is not in it.",
    ]


def _most_workers(runs: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    counts = {int(name.removeprefix("batch ")): run for name, run in runs.items() if name.startswith("batch ")}
    workers = max(counts)
    return workers, counts[workers]


def _short(value: float) -> str:
    """Two significant digits: the assumptions allow no more."""
    digits = f"{value:.1e}"
    rounded = float(digits)
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{_short(count)} {unit}"
        count /= 1000
    return f"{_short(count)} TB"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the sizing table of docs/cluster.md.")
    parser.add_argument("--price", type=float, default=PRICE, help="Of a core for an hour.")
    content = sizing(json.loads(MEASURED.read_text(encoding="utf-8")), parser.parse_args().price)
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), content), encoding="utf-8")


if __name__ == "__main__":
    main()
