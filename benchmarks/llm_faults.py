"""Kill an LLM job again and again while its server misbehaves, and account for every request, token and row.

    python benchmarks/llm_faults.py extract
    python benchmarks/llm_faults.py extract --texts 500 -- --samples 2 --gleanings 1 --seed 7
    python benchmarks/llm_faults.py run

The same texts are worked off twice: once undisturbed, for reference, and once against a server with faults while the
client is killed with SIGKILL at random moments and started again. The server's log of all attempts is then compared
with the client's cache, its summary, and its outputs. One JSON object is printed; the exit code is 1 if a check fails.
Options behind `--` go to the command; several samples need a `--seed`, or their requests look alike in the log.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llm_jobs import Job, Printed, answers, cost, lines_in, server, split_arguments, write_texts

QUIET_SECONDS = 1.0
"""How long the server's log has to stand still after a kill before the next run."""

Sums = tuple[int, int, int]
"""Answers, and their tokens of questions and answers."""


@dataclass
class Run:
    """What one start of the client came to.

    Args:
        attempts: The server's log of it: body, fault, usage.
        stored: Answers in the cache after it, and their tokens.
        killed: Whether it was killed.
        summary: What the client printed; empty after a kill.
    """

    attempts: list[dict[str, Any]]
    stored: Sums
    killed: bool
    summary: str = ""


def wait_until_quiet(log: Path) -> None:
    """Wait until the server has read what the dead client had sent."""
    count, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if (now := lines_in(log)) != count:
            count, since = now, time.monotonic()
        time.sleep(0.05)


def run_once(job: Job, log: Path, kill_at: int | None) -> Run:
    """Start the client; kill it with SIGKILL once the log has so many lines, or let it end."""
    start = lines_in(log)
    with job.start() as process:
        while kill_at is not None and lines_in(log) < kill_at and process.poll() is None:
            time.sleep(0.003)
        killed = kill_at is not None and process.poll() is None
        if killed:
            process.kill()
        summary = process.communicate()[1]
    wait_until_quiet(log)
    with log.open(encoding="utf-8") as stream:
        attempts = [json.loads(line) for line in stream][start:]
    return Run(attempts, job.stored(), killed, summary)


def answered(attempt: dict[str, Any]) -> bool:
    """Whether the server gave a usable answer to an attempt."""
    return attempt["usage"] is not None


@dataclass
class Account:
    """Where each attempt that the server saw belongs.

    Args:
        distinct: Different request bodies.
        retries: Attempts after a failed one in the same run.
        repeats_after_failure: First attempts in a run whose request had failed in an earlier, killed run.
        repeats_after_lost_answer: First attempts in a run whose answer an earlier run was killed before storing.
        repeats_of_stored_answers: Attempts after an answer that had arrived: must be 0.
        lost: The answers that were in flight at a kill: body and tokens.
    """

    distinct: int = 0
    retries: int = 0
    repeats_after_failure: int = 0
    repeats_after_lost_answer: int = 0
    repeats_of_stored_answers: int = 0
    lost: list[dict[str, Any]] = field(default_factory=list)

    def total(self) -> int:
        """All attempts that are explained."""
        return self.distinct + self.retries + self.repeats_after_failure + self.repeats_after_lost_answer


def account_for(runs: list[Run]) -> Account:
    """Sort all attempts of the server's log by what made the client send them."""
    account = Account()
    last: dict[str, tuple[int, dict[str, Any]]] = {}
    for number, run in enumerate(runs):
        for attempt in run.attempts:
            before = last.get(attempt["sha256"])
            last[attempt["sha256"]] = number, attempt
            if before is None:
                account.distinct += 1
            elif before[0] == number and not answered(before[1]):
                account.retries += 1
            elif before[0] == number:
                account.repeats_of_stored_answers += 1
            elif answered(before[1]):
                account.repeats_after_lost_answer += 1
                account.lost.append({**before[1], "run": before[0] + 1})
            else:
                account.repeats_after_failure += 1
    return account


def tokens(attempts: list[dict[str, Any]]) -> Sums:
    """Answers and their tokens of questions and answers, as the server counted them."""
    usages = [attempt["usage"] for attempt in attempts if answered(attempt)]
    return len(usages), sum(usage[0] for usage in usages), sum(usage[1] for usage in usages)


def ids(path: Path) -> list[str]:
    """The ids of the rows of a file, in order."""
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line)["id"] for line in stream]


def same_rows(one: Path, other: Path) -> bool:
    """Whether two outputs hold the same rows in the same order; a verifier's batches move scores by rounding errors."""
    return [_rounded(row) for row in _rows(one)] == [_rounded(row) for row in _rows(other)]


def _rows(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def _rounded(value: Any) -> Any:  # noqa: ANN401  (any JSON)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value


def check_rows(job: Job, reference: Job, count: int) -> dict[str, bool]:
    """What the outputs have to be."""
    wanted = [f"t{number:06}" for number in range(count)]
    names = ("out", "rejected", "all") if job.command == "run" else ("out",)
    pairs = [(job.folder / f"{name}.jsonl", reference.folder / f"{name}.jsonl") for name in names]
    checks = {
        "no text lost, none twice, in order": ids(job.output) == wanted,
        "all outputs hold the rows of the undisturbed run": all(same_rows(*pair) for pair in pairs),
        "no errors file": not job.output.with_suffix(".errors.jsonl").exists(),
        "no record of the job left": not job.output.with_suffix(".job.sqlite").exists(),
    }
    if job.command == "run":
        kept, rejected, whole = ({row["id"]: len(row["triples"]) for row in _rows(pair[0])} for pair in pairs)
        checks["kept and rejected make up all triples"] = whole == {
            name: count + rejected.get(name, 0) for name, count in kept.items()
        }
        checks["no rejected row twice"] = len(rejected) == len(_rows(pairs[1][0]))
    return checks


def check_account(account: Account, runs: list[Run], clean: Run, stored: Sums) -> dict[str, bool]:
    """What log, cache and summary have to agree on."""
    attempts, last = [attempt for run in runs for attempt in run.attempts], runs[-1]
    printed, mine = Printed.read(last.summary), tokens(last.attempts)
    served, lost = tokens(attempts), tokens(account.lost)
    return {
        "attempts == distinct + retries + repeats after a kill": account.total() == len(attempts),
        "no answer that had arrived was asked for again": account.repeats_of_stored_answers == 0,
        "the requests are those of the undisturbed run": distinct(attempts) == distinct(clean.attempts),
        "answers and tokens: server - lost in flight == cache": tuple(map(int.__sub__, served, lost)) == stored,
        "last run: requests, answers, tokens printed == server": (
            (printed.requests, printed.answered, printed.prompt, printed.completion) == (len(last.attempts), *mine)
        ),
        "last run: retries printed == log": printed.retries == account_for([last]).retries,
        "last run: cost printed == server": printed.cost == f"{cost(*mine[1:]):.4f}",
    }


def distinct(attempts: list[dict[str, Any]]) -> set[str]:
    """The different request bodies."""
    return {attempt["sha256"] for attempt in attempts}


def report(account: Account, runs: list[Run], clean: Run, stored: Sums) -> dict[str, Any]:
    """The numbers behind the checks."""
    attempts = [attempt for run in runs for attempt in run.attempts]
    return {
        "attempts": len(attempts),
        **{name: value for name, value in asdict(account).items() if name != "lost"},
        "faults": dict(Counter(attempt["fault"] for attempt in attempts).most_common()),
        "server": answers(tokens(attempts)),
        "lost in flight": answers(tokens(account.lost)),
        "cache": answers(stored),
        "undisturbed": answers(tokens(clean.attempts)),
        "lost answers, prompt+completion": listed(account.lost),
        "runs": [
            {
                "killed": run.killed,
                "attempts": len(run.attempts),
                "requests": account_for([run]).distinct,
                "retries": account_for([run]).retries,
                "server": answers(tokens(run.attempts)),
                "answers in the cache after it": run.stored[0],
            }
            for run in runs
        ],
        "last run printed": runs[-1].summary.strip().splitlines(),
    }


def listed(lost: list[dict[str, Any]]) -> dict[str, str]:
    """The tokens of each lost answer, by the run that was killed."""
    by_run: dict[str, list[str]] = {}
    for entry in lost:
        by_run.setdefault(f"run {entry['run']}", []).append("+".join(map(str, entry["usage"])))
    return {run: " ".join(usages) for run, usages in by_run.items()}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The undisturbed run, then the disturbed ones."""
    write_texts(folder / "texts.jsonl", options.texts)
    more = ("--concurrency", str(options.concurrency), "--attempts", "10", *options.more)
    with server(folder / "clean.log", latency=options.latency) as url:
        reference = Job(folder / "clean", options.command, url, (*more, "--timeout", "60"))
        clean = run_once(reference, folder / "clean.log", None)
    random_, log = random.Random(options.seed), folder / "faults.log"
    moments = sorted(random_.randrange(len(clean.attempts)) + 1 for _ in range(options.kills))
    with server(log, latency=options.latency, faults=options.faults, seed=options.seed, stall=60) as url:
        job = Job(folder / "faults", options.command, url, (*more, "--timeout", str(options.timeout)))
        runs = [run_once(job, log, moment) for moment in moments]
        runs.append(run_once(job, log, None))
    account, stored = account_for(runs), job.stored()
    checks = check_rows(job, reference, options.texts) | check_account(account, runs, clean, stored)
    most = max(Counter(entry["run"] for entry in account.lost).values(), default=0)
    checks["all kills hit a running client"] = all(run.killed for run in runs[:-1])
    checks["lost at each kill: at most as many as the places"] = most <= options.concurrency
    return {
        "settings": {name: value for name, value in vars(options).items() if name != "folder"},
        "checks": checks,
        **report(account, runs, clean, stored),
    }


def main() -> int:
    """Measure, print one JSON object, and say whether all checks passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("extract", "run"))
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--faults", type=float, default=0.2, help="share of the attempts that get a fault")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1, help="of the faults and of the moments of the kills")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds before each answer")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds after which the client tries again")
    parser.add_argument("--folder", type=Path, help="keep the files here")
    own, more = split_arguments(sys.argv[1:])
    options = parser.parse_args(own, argparse.Namespace(more=more))
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        result = measure(options, folder)
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return 0 if all(result["checks"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
