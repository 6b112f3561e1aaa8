"""The load benchmark on a tiny model: nothing fails, and it says so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "service_load.py"


@pytest.mark.slow
def test_a_short_load_fails_nowhere_and_is_reported(tiny_folder):
    words = ["--seconds", "0.5", "--clients", "4", "--offline-seconds", "0", "--model", str(tiny_folder)]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words, "--", "--drain-seconds", "0.2"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| failed | 0  |" in done.stdout
    assert int(re.search(r"requests answered \| (\d+)", done.stdout)[1]) > 0
    assert re.search(r"after SIGTERM: answered, lost \| \d+, 0 \|", done.stdout)
    assert "| 10 MB | 3 x 413 `body_too_large` |" in done.stdout
