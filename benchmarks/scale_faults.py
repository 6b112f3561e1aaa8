"""The faults of `scale.py --faults`: a worker killed, the driver killed, a full disk, a broken file among 200.

After each the same command runs again. Every id must then be in the output exactly once, and every row as `cacre
filter` writes it; what the commands said is printed.
"""

from __future__ import annotations

import gzip
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scale_compare import Comparison, Count, compare, count_ids, ids_of, sorted_parts
from scale_data import split, write_candidates
from scale_watch import end, family_of, started, workers_of

FILES, BROKEN = 200, 100
_UNITS = 24
_PATIENCE, _LONGEST = 60.0, 3600.0
_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Ground:
    """What all faults work on.

    Args:
        folder: Where everything lies.
        model: Bundled model or model folder.
        data: Candidate rows.
    """

    folder: Path
    model: str
    data: Path

    @property
    def expected(self) -> dict[str, Path]:
        """What `cacre filter` wrote, by dataset."""
        return {kind: self.folder / f"filter-{kind}.jsonl" for kind in ("kept", "rejected")}

    def words(self, source: Path, output: Path) -> list[str]:
        """The command of `cacre batch` with 2 workers and small units."""
        size = str(max(self.data.stat().st_size // _UNITS, 1))
        return ["batch", str(source), str(output), "--model", self.model, "--concurrency", "2", "--unit-size", size]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and what it said last to stderr: its error, or how many rows it has done."""

    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault.

    Args:
        first: The disturbed run.
        again: The run after it.
        ids: Of the rows in the output.
        same: The output beside that of `cacre filter`; None if they are not of the same input.
        remarks: What else was seen.
    """

    first: Ended
    again: Ended
    ids: Count
    same: Comparison | None = None
    remarks: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, nothing came twice and nothing differs."""
        wrong = self.ids.lost + self.ids.twice + self.ids.foreign + (self.same.different if self.same else 0)
        return self.again.code == 0 and wrong == 0


def run_faults(folder: Path, model: str, candidates: int, seed: int, say: Callable[[str], None]) -> bool:
    """Run all, say the table line by line as it comes to be, and give whether all is well."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ground = Ground(folder, model, folder / "candidates.jsonl")
    write_candidates(ground.data, candidates, seed)
    files = ["-o", str(ground.expected["kept"]), "--rejected", str(ground.expected["rejected"])]
    run(["filter", str(ground.data), *files, "--model", model, "--threads", "1"], folder / "filter.log")
    faults: dict[str, tuple[Callable[[Ground], Outcome | str], int]] = {  # with the exit code that is due
        "kill -9 of a worker": (kill_worker, 0),
        "kill -9 of the driver": (kill_driver, -signal.SIGKILL),
        "a full disk": (fill_disk, 1),
        f"a broken file among {FILES}": (break_file, 0),
    }
    say("| fault | exit code | said | again: exit code | said | ids once, lost, twice | rows that differ | |")
    say("|---|---:|---|---:|---|---|---:|---|")
    sound = True
    for name, (fault, code) in faults.items():
        outcome = fault(ground)
        if isinstance(outcome, str):
            say(f"| {name} | | {outcome} | | | | | |")
            continue
        sound = sound and outcome.sound and outcome.first.code == code
        say(f"| {name} | {_cells(outcome)} |".replace(str(folder), "FOLDER"))
    return sound


def kill_worker(ground: Ground) -> Outcome:
    """A worker dies in the middle; the same run goes on."""
    output = ground.folder / "worker"
    words = ground.words(ground.data, output)
    log = output.with_suffix(".log")
    with started(words, log) as child:
        until_committed(output, child, 2)
        workers_of(child.pid)[0].kill()
        child.wait(_LONGEST)
    first = ended(child, log)
    return judged(ground, output, first, run(words, log), "one process killed")


def kill_driver(ground: Ground) -> Outcome:
    """The driver dies in the middle; what it started ends by itself."""
    output = ground.folder / "driver"
    words = ground.words(ground.data, output)
    log = output.with_suffix(".log")
    with started(words, log) as child:
        until_committed(output, child, 2)
        family = family_of(child.pid)
        child.kill()
        child.wait()
    left = end(family, _PATIENCE)
    first, done = ended(child, log), len(list((output / "_commits").glob("*.json")))
    remarks = f"{done} units were done; {len(family) - left} of {len(family)} processes ended by themselves"
    return judged(ground, output, first, run(words, log), remarks)


def fill_disk(ground: Ground) -> Outcome | str:
    """The output's disk is too small, then larger."""
    place = ground.folder / "tmpfs"
    needed = sum(path.stat().st_size for path in ground.expected.values())
    with tmpfs(place, needed // 2) as refused:
        if refused:
            return f"skipped: no tmpfs can be mounted here ({refused})"
        words = ground.words(ground.data, place / "output")
        first = run(words, ground.folder / "disk.log")
        options = f"remount,size={needed * 4}"
        subprocess.run(["mount", "-o", options, str(place)], check=True)
        again = run(words, ground.folder / "disk.log")
        return judged(ground, place / "output", first, again)


def break_file(ground: Ground) -> Outcome:
    """One file of many is a gzip file that is cut off."""
    source, output = ground.folder / "files", ground.folder / "broken"
    files = split(ground.data, source, FILES)
    broken = files.pop(min(BROKEN, len(files) - 1))
    packed = gzip.compress(broken.read_bytes())
    (source / f"{broken.name}.gz").write_bytes(packed[: len(packed) // 3])
    words, log = ground.words(source, output), output.with_suffix(".log")
    inside = set(ids_of([broken]))
    broken.unlink()
    first, again = run(words, log), run(words, log)
    written = ids_of(sorted_parts(output, "kept"))
    saved = [each for each in written if each in inside]
    errors = sum(path.read_bytes().count(b"\n") for path in sorted_parts(output, "errors"))
    remarks = f"{errors} entry in errors/; {len(saved)} of {len(inside)} rows stood before the break"
    return Outcome(first, again, count_ids([*ids_of(files), *saved], sorted_parts(output, "kept")), remarks=remarks)


def judged(ground: Ground, output: Path, first: Ended, again: Ended, remarks: str = "") -> Outcome:
    """Count and compare what is in the output."""
    ids = count_ids(ids_of([ground.data]), sorted_parts(output, "kept"))
    found = [compare([path], sorted_parts(output, kind)) for kind, path in ground.expected.items()]
    return Outcome(first, again, ids, max(found, key=lambda each: each.different), remarks)


def run(words: Sequence[str], log: Path) -> Ended:
    """Run a command to its end."""
    with started(words, log) as child:
        child.wait(_LONGEST)
    return ended(child, log)


def ended(child: subprocess.Popen[bytes], log: Path) -> Ended:
    """How a command ended."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    told = [line for line in lines if line.startswith("error:")] or [line for line in lines if " rows" in line]
    return Ended(child.returncode, told[-1] if told else "")


def until_committed(output: Path, child: subprocess.Popen[bytes], units: int) -> None:
    """Wait until so many units are done.

    Raises:
        SystemExit: The command ended first.
    """
    while len(list((output / "_commits").glob("[0-9]*.json"))) < units:
        if child.poll() is not None:
            raise SystemExit(f"{output.name}: the command ended before {units} units were done; see its .log file")
        time.sleep(_STEP)


@contextmanager
def tmpfs(place: Path, size: int) -> Iterator[str]:
    """A small disk; gives why there is none, or nothing."""
    place.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        answer = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
        refused = answer.stderr.strip() if answer.returncode else ""
    except FileNotFoundError:
        refused = "there is no mount command"
    try:
        yield refused
    finally:
        if not refused:
            subprocess.run(["umount", str(place)], check=True)


def _cells(outcome: Outcome) -> str:
    ids, differ = outcome.ids, "" if outcome.same is None else str(outcome.same.different)
    return " | ".join(
        [
            f"{outcome.first.code} | {outcome.first.said} | {outcome.again.code} | {outcome.again.said}",
            f"{ids.once:,}, {ids.lost}, {ids.twice} | {differ} | {outcome.remarks}",
        ]
    )
