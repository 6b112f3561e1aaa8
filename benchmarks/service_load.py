"""The service under load beside the offline verifier: `benchmarks/service_load.py [--seconds 60] [--clients 64]`.

Starts `cacre serve` as a process, refuses it bad bodies, lets keep-alive clients send the packaged sample to
`/v1/verify` (a row a request) and `/v1/filter` (several), and sends SIGTERM while they go on. Every answer must be, to
the byte, what the service answered to the same request when it was alone. The offline verifier judges the same rows
before and after, in a process that then has the machine for itself, while the service shares its CPUs with the clients.
Exit code 1 if any request failed. Needs `cacre[serve,llm]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import aiohttp

from cacre.data import Row, read_rows, to_candidates
from cacre.inference import OnnxVerifier, load_verifier
from cacre.service.settings import TOKEN_VARIABLE, ServeSettings

COMMAND = "import sys; from cacre.cli import app; sys.argv[0] = 'cacre'; app()"
JSON = {"content-type": "application/json"}
POINTS = 10
LONG = aiohttp.ClientTimeout(total=120)
TEXT = "《雾中渡》由林知远执导。"
WRONG_TYPES = [
    {"text": 5, "triples": []},
    {"text": TEXT, "triples": {"a": 1}},
    {"text": TEXT, "triples": [["a", "b", 3]]},
    {"text": TEXT, "triples": [None]},
]
BAD_BODIES: dict[str, Sequence[bytes]] = {
    "truncated JSON": [b'{"text": "a", "triples": [["a", "b"', b'{"rows": [{"text": "a'],
    "10 MB": [b'{"text": "' + b"a" * 10_000_000 + b'", "triples": []}'],
    "wrong types": [
        *(json.dumps(body).encode() for body in [*WRONG_TYPES, [], "a", 3, None, True]),
        *(json.dumps({"rows": rows}).encode() for rows in [{}, 5, [1], *([body] for body in WRONG_TYPES)]),
    ],
    "deep nesting": [b"[" * 100_000, b'{"rows": ' * 50_000, b'{"text": "a", "triples": ' + b"[" * 5000 + b"]" * 5000],
    "invalid UTF-8": [b'{"text": "\xff\xfe"}', '{"text": "雾"}'.encode("gbk"), b"\x80"],
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of the load."""

    path: str
    body: bytes
    rows: int
    candidates: int


@dataclass(slots=True)
class Tally:
    """What became of the requests of one phase."""

    seconds: list[float] = field(default_factory=list)
    rows: int = 0
    candidates: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, ask: Ask, seconds: float) -> None:
        """Count an answer."""
        self.seconds.append(seconds)
        self.rows += ask.rows
        self.candidates += ask.candidates

    def quantile(self, share: float) -> float:
        """Milliseconds within which a share of the requests was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(slots=True)
class Load:
    """The clients and what they measure."""

    url: str
    asks: Sequence[Ask]
    expected: list[bytes] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    answered: int = 0
    ends: int = 0

    async def learn(self, session: aiohttp.ClientSession) -> None:
        """Ask each once, one after the other."""
        for ask in self.asks:
            async with session.post(self.url + ask.path, data=ask.body, headers=JSON) as response:
                response.raise_for_status()
                self.expected.append(await response.read())
            self.answered += 1

    async def client(self, session: aiohttp.ClientSession, place: int) -> None:
        """Send one request after the other until the door is shut."""
        while True:
            place = (place + 1) % len(self.asks)
            ask, started = self.asks[place], time.perf_counter()
            try:
                async with session.post(self.url + ask.path, data=ask.body, headers=JSON) as response:
                    same = await response.read() == self.expected[place]
            except aiohttp.ClientConnectorError:  # never accepted
                self.ends += 1
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                self.tally.failures[type(error).__name__] += 1
                return
            if response.status == 200 and same:
                self.tally.add(ask, time.perf_counter() - started)
                self.answered += 1
            else:
                self.tally.failures[f"status {response.status}" if response.status != 200 else "another answer"] += 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of the load gave."""

    load: Tally
    stop: Tally
    seconds: float
    points: list[dict[str, float]]
    client_cpu: float
    bad: dict[str, Counter[str]]


def sample() -> list[Row]:
    """The rows of the packaged sample."""
    path = resources.files("cacre.resources") / "samples" / "demo.jsonl"
    return list(read_rows(str(path), "candidates"))


def ask_of(path: str, rows: Sequence[Row], content: object) -> Ask:
    """A request with its counts."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return Ask(path, body, len(rows), sum(len(to_candidates(row).candidates) for row in rows))


def requests_of(rows: Sequence[Row], size: int) -> Iterator[Ask]:
    """Each row once to verify, and once among others to filter."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield from (ask_of("/v1/verify", [row], row.raw) for row in part)
        yield ask_of("/v1/filter", part, {"rows": [row.raw for row in part]})


@contextmanager
def served(words: Sequence[str], log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A service as a process; gives it and its address."""
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "serve", "--port", "0", *words], stderr=stderr, env=environment
        )
    try:
        while (lines := log.read_text(encoding="utf-8").splitlines(keepends=True)) == [] or "\n" not in lines[0]:
            if child.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.05)
        yield child, json.loads(lines[0])["url"]
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


async def measure(child: subprocess.Popen[bytes], load: Load, clients: int, seconds: float) -> Outcome:
    """Refuse bad bodies, load, and terminate under load."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=LONG) as session:
        bad = await refused(session, load.url)
        await load.learn(session)
        tasks = [asyncio.create_task(load.client(session, place * 7)) for place in range(clients)]
        await asyncio.sleep(min(1.0, seconds / 10))  # until all are at work
        warm_up, during = load.tally, Tally()
        load.tally, started, cpu = during, time.perf_counter(), time.process_time()
        points = [await point(session, load.url)]
        for step in range(1, POINTS + 1):
            await asyncio.sleep(max(0.0, started + seconds * step / POINTS - time.perf_counter()))
            points.append(await point(session, load.url))
        took, cpu = time.perf_counter() - started, time.process_time() - cpu
        load.tally = after = Tally()
        child.terminate()
        await asyncio.gather(*tasks)
    during.failures.update(warm_up.failures)
    return Outcome(during, after, took, points, cpu, bad)


async def refused(session: aiohttp.ClientSession, url: str) -> dict[str, Counter[str]]:
    """Send bad bodies to the routes; each must be answered with a status from 400 to 499 and an error."""
    answers: dict[str, Counter[str]] = {}
    for kind, bodies in BAD_BODIES.items():
        answers[kind] = Counter()
        for path in ("/v1/verify", "/v1/filter", "/v1/explain"):
            for body in bodies:
                async with session.post(url + path, data=body, headers=JSON) as response:
                    error = (await response.json())["error"]
                    if not 400 <= response.status < 500 or not error["message"]:
                        raise SystemExit(f"{kind} to {path} was answered {response.status} {error}")
                    answers[kind][f"{response.status} `{error['code']}`"] += 1
    return answers


async def point(session: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """What the service says about its process."""
    async with session.get(url + "/metrics") as response:
        page = await response.text()
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+) (\S+)$", page, re.MULTILINE)}


def offline(verifier: OnnxVerifier, seconds: float, together: bool) -> float:
    """Candidates per second of the verifier on the sample, in one call or in a call a text."""
    rows = [(row.text, row.candidates) for row in map(to_candidates, sample())]
    count, rounds, started = sum(len(candidates) for _, candidates in rows), 0, time.perf_counter()
    while rounds == 0 or time.perf_counter() - started < seconds:
        if together:
            verifier.verify_many(rows)
        else:
            for text, candidates in rows:
                verifier.verify(text, candidates)
        rounds += 1
    return rounds * count / (time.perf_counter() - started)


def logged(log: Path) -> int:
    """Requests to judge that the service says it answered with 200."""
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    judged = [line for line in lines if line.get("route") in ("/v1/verify", "/v1/filter")]
    return sum(line["status"] == 200 for line in judged)


def report(outcome: Outcome, speeds: dict[str, list[float]], clients: int) -> Iterator[str]:
    """What was measured, as lines of Markdown."""
    load, seconds, all_cpu = outcome.load, outcome.seconds, outcome.seconds * (os.cpu_count() or 1)
    speed, rows = load.candidates / seconds, load.rows / seconds
    first, last = outcome.points[0], outcome.points[-1]
    grown = {name: last[name] - first[name] for name in last}
    megabytes = [each.get("process_resident_memory_bytes", 0.0) / 2**20 for each in outcome.points]
    full = ServeSettings().max_waiting_rows / rows if rows else 0.0
    yield f"| what | {clients} clients, {seconds:.0f} s |\n|---|---|"
    yield f"| requests answered | {len(load.seconds)} |"
    yield f"| failed | {load.failures.total()} {dict(load.failures) or ''} |"
    yield f"| candidates/s | {speed:.0f} ({rows:.0f} texts/s) |"
    for name, values in speeds.items():
        shown = " and ".join(f"{value:.0f}" for value in values)
        share = speed / statistics.mean(values)
        yield f"| offline, {name}: candidates/s before and after | {shown}; the service has {share:.0%} |"
    yield f"| p50, p99, longest | {load.quantile(0.5):.0f}, {load.quantile(0.99):.0f}, {load.quantile(1.0):.0f} ms |"
    yield f"| a full queue at this speed | {1000 * full:.0f} ms |"
    cpu = grown.get("process_cpu_seconds_total", 0.0)
    yield f"| CPU seconds: service, clients | {cpu:.1f}, {outcome.client_cpu:.1f} of {all_cpu:.0f} |"
    yield f"| texts a batch, mean | {grown['cacre_batch_rows_sum'] / (grown['cacre_batch_rows_count'] or 1):.1f} |"
    yield f"| resident MiB | {', '.join(f'{each:.0f}' for each in megabytes)} |"
    after = outcome.stop
    lost = f"{after.failures.total()} {dict(after.failures) or ''}".strip()
    yield f"| after SIGTERM: answered, lost | {len(after.seconds)}, {lost} |"
    yield "\n| bad body | answers |\n|---|---|"
    for kind, answers in outcome.bad.items():
        yield f"| {kind} | {', '.join(f'{count} x {answer}' for answer, count in answers.items())} |"


def main(words: Sequence[str] | None = None) -> int:
    """Measure; 1 if a request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the load")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--filter-rows", type=int, default=8, help="rows of a request to /v1/filter")
    parser.add_argument("--offline-seconds", type=float, default=5.0, help="length of each offline measurement")
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("serve", nargs="*", help="further options of `cacre serve`, after --")
    given = parser.parse_args(words)
    verifier = load_verifier(given.model)
    speeds: dict[str, list[float]] = {"one call": [], "a call a text": []}

    def judge_offline() -> None:
        for name, values in speeds.items():
            values.append(offline(verifier, given.offline_seconds, name == "one call"))

    judge_offline()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with served(["--model", given.model, *given.serve], log) as (child, url):
            load = Load(url, list(requests_of(sample(), given.filter_rows)))
            outcome = asyncio.run(measure(child, load, given.clients, given.seconds))
            code, said = child.wait(60), logged(log)
    judge_offline()
    print("\n".join(report(outcome, speeds, given.clients)))
    print(f"\nexit code of the service {code}; answered in its log {said}, arrived at the clients {load.answered}")
    lost = outcome.load.failures + outcome.stop.failures
    return int(bool(code or lost or said != load.answered or load.ends != given.clients))


if __name__ == "__main__":
    sys.exit(main())
