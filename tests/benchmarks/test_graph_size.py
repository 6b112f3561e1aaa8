"""The benchmark of large graphs on small ones."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "graph_size.py"


def test_each_edge_is_there_and_each_format_is_measured():
    words = ["--triples", "40", "--formats", "turtle", "csv"]
    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if "edges" in line] == ["20", "40"]
    assert [line.split()[1] for line in lines if line.startswith(("| turtle", "| csv"))] == ["turtle", "csv"] * 2
