"""Running a command for `scale.py` while its processes are watched: peak memory, CPU time, and when its work began."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

COMMAND = "import sys; from cacre.cli import app; sys.argv[0] = 'cacre'; app()"
_STEP = 0.05
_SAMPLE_SECONDS = 0.5
"""A sample looks through all processes of the machine, which takes some hundredths of a second of CPU."""
_MEBIBYTE = 2**20


@dataclass(slots=True)
class Process:
    """One process: its name, the most memory it had resident in MiB, and the CPU seconds it used."""

    name: str
    peak: float = 0.0
    cpu: float = 0.0


@dataclass(slots=True)
class Watched:
    """What a run took.

    Args:
        seconds: From the start of the command to its end.
        began: Of these, until its work began; 0 if nobody asked.
        start: When it was started, in seconds since the epoch.
        code: Exit code.
        said: What it wrote to stderr.
        processes: Its processes, by pid.
        together: The most memory that all had resident at once, in MiB; pages they share count several times.
    """

    seconds: float = 0.0
    began: float = 0.0
    start: float = 0.0
    code: int = 0
    said: str = ""
    processes: dict[int, Process] = field(default_factory=dict)
    together: float = 0.0

    def sample(self, root: psutil.Process) -> None:
        """Look at all processes of the command once."""
        total = 0.0
        for process in [root, *_descendants(root)]:
            try:
                with process.oneshot():
                    resident = process.memory_info().rss / _MEBIBYTE
                    times, name = process.cpu_times(), _name(process, root)
            except psutil.Error:  # it has just ended
                continue
            known = self.processes.setdefault(process.pid, Process(name))
            known.name = max(known.name, name, key=_telling)
            known.peak, known.cpu = max(known.peak, resident), times.user + times.system
            total += resident
        self.together = max(self.together, total)

    def peaks(self) -> dict[str, dict[str, float]]:
        """By name: how many processes, and the highest peak of one in MiB; highest first."""
        found: dict[str, dict[str, float]] = {}
        for process in sorted(self.processes.values(), key=lambda each: -each.peak):
            entry = found.setdefault(process.name, {"count": 0, "mib": round(process.peak, 1)})
            entry["count"] += 1
        return found

    def cpu(self) -> float:
        """CPU seconds of all processes; what each used after its last sample is not in it."""
        return sum(process.cpu for process in self.processes.values())


@contextmanager
def started(words: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `cacre` command as a process with one thread for arithmetic; killed, with all it started, if left running."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words], stdout=subprocess.DEVNULL, stderr=stderr, env=environment
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            family = _descendants(psutil.Process(child.pid))
            child.kill()
            end(family, 0.0)
        child.wait()


def watched(words: Sequence[str], log: Path, at_work: Callable[[], bool] | None = None) -> Watched:
    """Run a `cacre` command to its end.

    Args:
        words: The command and its options.
        log: Where its stderr goes.
        at_work: Asked until it says that the command has begun its work.
    """
    found, start, due = Watched(start=time.time()), time.perf_counter(), 0.0
    with started(words, log) as child:
        root = psutil.Process(child.pid)
        while child.poll() is None:
            now = time.perf_counter() - start
            if at_work is not None and not found.began and at_work():
                found.began = now
            if now >= due:
                found.sample(root)
                due = time.perf_counter() - start + _SAMPLE_SECONDS
            time.sleep(_STEP)
        found.seconds = time.perf_counter() - start
        found.code = child.returncode
    found.said = log.read_text(encoding="utf-8", errors="replace")
    return found


def workers_of(pid: int) -> list[psutil.Process]:
    """The processes below one that do units."""
    root = psutil.Process(pid)
    return [process for process in _descendants(root) if _name_or_gone(process, root) == "worker"]


def family_of(pid: int) -> list[psutil.Process]:
    """All processes below one."""
    return _descendants(psutil.Process(pid))


def end(processes: Sequence[psutil.Process], patience: float) -> int:
    """Wait for processes to end by themselves, then kill the others; says how many those were."""
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=10)
    return len(alive)


def _descendants(root: psutil.Process) -> list[psutil.Process]:
    try:
        return list(root.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _name_or_gone(process: psutil.Process, root: psutil.Process) -> str:
    try:
        return _name(process, root)
    except psutil.Error:
        return ""


def _telling(name: str) -> int:
    """How much a name says: Ray's processes get their own some time after their start, and lose it at their end."""
    if name in ("command", "worker"):
        return 3
    return 2 if name.startswith("ray::") and name != "ray::IDLE" else name == "ray::IDLE"


def _name(process: psutil.Process, root: psutil.Process) -> str:
    if process.pid == root.pid:
        return "command"
    words = process.cmdline()
    first = words[0] if words else process.name()
    if first.startswith("ray::"):
        return "worker" if "UnitWorker" in first else re.split(r"[^\w:]", first)[0]
    script = next((word for word in words[1:] if word.endswith(".py")), None)
    return Path(script or first).name
