"""What CACRE costs besides time per candidate: `python benchmarks/footprint.py [--model NAME] [--rounds N]`.

* Imports: seconds of `import cacre` and of loading the bundled model, above those of an empty interpreter, beside
  `import torch`, in turns.
* Memory: peak resident size of `cacre filter` over 1, 4 and 16 times the packaged sample, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

STATEMENTS = {
    "nothing": "pass",
    "import cacre": "import cacre",
    "load_verifier('mini-zh')": "import cacre; cacre.load_verifier('{model}')",
    "import torch": "import torch",
}
FILTER = """
import resource, sys
from cacre.cli import app
try:
    app(["filter", sys.argv[1], "-o", sys.argv[2], "--model", sys.argv[3]])
except SystemExit as end:
    assert not end.code, end.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def imports(model: str, rounds: int) -> None:
    """Print seconds above an empty interpreter, medians of the rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for round_ in range(rounds + 1):  # the first one only warms the disk's cache
        for name, statement in STATEMENTS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement.format(model=model)], check=True)
            if round_:
                seconds[name].append(time.perf_counter() - started)
    print("| | seconds above an empty interpreter | part of `import torch` |\n|---|---|---|")
    empty = seconds.pop("nothing")
    above = {name: [a - b for a, b in zip(row, empty, strict=True)] for name, row in seconds.items()}
    for name, row in above.items():
        part = statistics.median(a / b for a, b in zip(row, above["import torch"], strict=True))
        print(f"| `{name}` | {statistics.median(row):.2f} | {part:.2f} |")


def memory(model: str) -> None:
    """Print the peak resident size of `cacre filter` over more and more rows."""
    sample = (resources.files("cacre.resources") / "samples" / "demo.jsonl").read_text(encoding="utf-8").splitlines()
    print("\n| rows | candidates | peak MB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for times in (1, 4, 16):
            rows = [json.loads(line) | {"id": f"{number}-{copy}"} for copy in range(times)
                    for number, line in enumerate(sample)]  # fmt: skip
            path, kept = Path(folder) / "rows.jsonl", Path(folder) / f"kept-{times}.jsonl"
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            command = [sys.executable, "-c", FILTER, str(path), str(kept), model]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peak = int(done.stdout.split()[-1]) / 1024
            print(f"| {len(rows)} | {sum(len(row['triples']) for row in rows)} | {peak:.0f} |")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    imports(arguments.model, arguments.rounds)
    memory(arguments.model)


if __name__ == "__main__":
    main()
