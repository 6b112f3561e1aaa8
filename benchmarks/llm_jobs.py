"""What the benchmarks of LLM jobs share: invented texts, a server in a process of its own, a client in another."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("cacre")
PRICES = (2.0, 8.0)
"""Per million tokens of questions and of answers."""

SURNAMES = "岑詹钮戚柏臧郁缪邬芮"
GIVEN = "澜秋舒阑岫禾川雪庚薇"
WORKS = ("雾桥", "盐塔", "夜航", "铁月", "迟信", "河岸", "北驿", "麦哨")
ROLES = ("导演", "编剧", "主演", "作者", "歌手", "作词", "作曲")
ENDS = (
    "",
    "，次年在三座城市公映",
    "，此前两人从未合作",
    "，评论褒贬不一",
    "，首印三周售罄",
    "，录音花了一个冬天",
)


def make_text(number: int) -> str:
    """An invented text of one to four sentences; each number gives another one, always the same.

    The tests' server answers with the beginning, a relation and the end of a text, so that some answers are right.
    """
    random_ = random.Random(number)
    sentences = []
    for _ in range(random_.choice((1, 1, 2, 4))):
        name, work, role = (random_.choice(choice) for choice in (SURNAMES, WORKS, ROLES))
        name += random_.choice(GIVEN)
        sentences.append(f"《{work}》（第{number}号）的{role}是{name}{random_.choice(ENDS)}")
    return "；".join(sentences) + "。"


def write_texts(path: Path, count: int, *, ids: bool = True) -> None:
    """So many text rows."""
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            named = {"id": f"t{number:06}"} if ids else {}
            stream.write(json.dumps({**named, "text": make_text(number)}, ensure_ascii=False) + "\n")


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The benchmark's own options, and those of the command behind `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end + 1 :]


@contextmanager
def server(log: Path, **options: float) -> Iterator[str]:
    """The tests' server in a process of its own; gives its base URL."""
    script = [sys.executable, str(ROOT / "tests" / "llm_server.py"), "--log", str(log)]
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with subprocess.Popen([*script, *flags], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield (process.stdout.readline() if process.stdout else "").strip()
        finally:
            process.terminate()


def client_environment() -> dict[str, str]:
    """The environment without keys, so that no run depends on them."""
    return {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


@dataclass(frozen=True)
class Job:
    """One command over one input: its files, how it is called, and how it is disturbed."""

    folder: Path
    command: str
    url: str
    options: tuple[str, ...]

    @property
    def output(self) -> Path:
        """The main output."""
        return self.folder / "out.jsonl"

    @property
    def cache(self) -> Path:
        """The answers paid for."""
        return self.folder / "cache.sqlite"

    def call(self) -> list[str]:
        """The command line."""
        call = [str(COMMAND), self.command, str(self.folder.parent / "texts.jsonl"), "-o", str(self.output)]
        if self.command == "run":
            call += ["--rejected", str(self.folder / "rejected.jsonl"), "--all", str(self.folder / "all.jsonl")]
        call += ["--base-url", self.url, "--llm", "scripted-model", "--cache", str(self.cache)]
        call += ["--price-prompt", str(PRICES[0]), "--price-completion", str(PRICES[1])]
        return [*call, *self.options]

    def start(self) -> subprocess.Popen[str]:
        """Start the client; its summary goes to stderr."""
        self.folder.mkdir(exist_ok=True)
        return subprocess.Popen(self.call(), stderr=subprocess.PIPE, text=True, env=client_environment())

    def stored(self) -> tuple[int, int, int]:
        """Answers in the cache file, and their tokens of questions and answers."""
        if not self.cache.exists():
            return 0, 0, 0
        with closing(sqlite3.connect(self.cache)) as file:
            usages = [json.loads(row[0])["usage"] for row in file.execute("SELECT answer FROM answers")]
        return len(usages), sum(usage[0] for usage in usages), sum(usage[1] for usage in usages)


def lines_in(log: Path) -> int:
    """Attempts in the server's log so far."""
    return log.read_bytes().count(b"\n") if log.exists() else 0


def answers(sums: tuple[int, int, int]) -> dict[str, float]:
    """Answers, tokens and cost, named."""
    return {"answers": sums[0], "prompt": sums[1], "completion": sums[2], "cost": round(cost(*sums[1:]), 6)}


def cost(prompt: int, completion: int) -> float:
    """What tokens cost."""
    return (prompt * PRICES[0] + completion * PRICES[1]) / 1e6


@dataclass(frozen=True)
class Printed:
    """What the client's summary says."""

    requests: int
    answered: int
    cached: int
    prompt: int
    completion: int
    cost: str
    retries: int

    @staticmethod
    def read(summary: str) -> Printed:
        """Find the numbers."""
        counts = re.search(r"requests: ([\d,]+) sent, ([\d,]+) answered; from the cache: ([\d,]+)", summary)
        spent = re.search(r"tokens: ([\d,]+) of questions, ([\d,]+) of answers\ncost: ([\d.,]+)", summary)
        if counts is None or spent is None:
            raise ValueError(f"the client printed no summary: {summary[-1000:]}")
        line = next((line for line in summary.splitlines() if line.startswith("retries: ")), "")
        retries = sum(map(_number, re.findall(r" ([\d,]*\d)(?=,|$)", line.removeprefix("retries:"))))
        requests, answered, cached, prompt, completion = map(_number, (*counts.groups(), *spent.groups()[:2]))
        return Printed(requests, answered, cached, prompt, completion, spent.group(3).replace(",", ""), retries)


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))
