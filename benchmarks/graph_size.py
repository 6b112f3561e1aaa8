"""Time, memory and size of a large graph in each file format: `benchmarks/graph_size.py [--triples 100000]`.

The verdict rows have invented names, five triples a text and no duplicates. They are read and merged once; then a
process is forked for each format, which writes the graph. Its peak memory (`getrusage`) is given beside what was
resident when it began to write: a format that streams adds little, and as much for a graph of half the size. Needs
Linux or macOS, and `cacre[graph]`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from cacre.cli.graph import Export, FormatOptions, Formats, Neo4jOptions
from cacre.data import read_rows
from cacre.graph import Graph, collect_graph
from cacre.schema import load_schema

FILE_FORMATS = [each for each in Formats if each is not Formats.neo4j]
PER_TEXT = 5
_CHARACTERS = "雾渡林知远顾青禾沈若汐松河云岫临澜贺鸣谷褚晚亭郁樾骆寒雁北声秋棠月泊竹溪"


@dataclass(frozen=True, slots=True)
class Measured:
    """What writing one format took; sizes are in MiB."""

    seconds: float
    before: float
    peak: float
    size: float


def invented(prefix: str, number: int) -> str:
    """A name of its own for each number."""
    name = ""
    for _ in range(4):
        number, digit = divmod(number, len(_CHARACTERS))
        name += _CHARACTERS[digit]
    return prefix + name


def verdict_rows(triples: int) -> Iterator[dict[str, object]]:
    """Rows with so many supported triples, as `cacre filter` writes them."""
    for row in range(triples // PER_TEXT):
        film = invented("影", row)
        facts = {
            "导演": invented("导", row // 3),
            "编剧": invented("编", row // 2),
            "主演": invented("演", row * 7 % (triples // PER_TEXT)),
            "出品公司": invented("司", row % 1000),
            "上映时间": f"{1950 + row % 70}年{1 + row % 12}月{1 + row % 28}日",
        }
        text = f"《{film}》" + "，".join(f"{relation}：{value}" for relation, value in facts.items()) + "。"
        yield {"id": f"row-{row}", "text": text, "triples": [judged(text, film, *fact) for fact in facts.items()]}


def judged(text: str, subject: str, predicate: str, object_: str) -> dict[str, object]:
    """A supported triple with its evidence."""
    evidence = [[text.index(name), text.index(name) + len(name)] for name in (subject, object_)]
    triple = {"subject": subject, "predicate": predicate, "object": object_, "verdict": "supported"}
    return triple | {"text_score": 0.75, "pair_score": 0.5, "probability": 0.875, "evidence": evidence}


def collected(triples: int, folder: Path) -> Graph:
    """The graph of so many triples, from a file."""
    path = folder / "rows.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in verdict_rows(triples))
    return collect_graph(read_rows(str(path), "texts"), load_schema("duie"))


def write(graph: Graph, format: Formats, path: Path) -> None:
    """Write a graph as `cacre graph` does."""
    Export(format, str(path), FormatOptions(), Neo4jOptions()).run(graph)


def peak() -> float:
    """The most memory that this process had resident so far, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def size_of(path: Path) -> float:
    """MiB of a file, or of the files in a folder."""
    return sum(each.stat().st_size for each in [path, *path.glob("*")] if each.is_file()) / 2**20


def measure(graph: Graph, format: Formats, folder: Path) -> Measured:
    """Write a graph in a process of its own."""

    def work(answers: Connection) -> None:
        write(Graph({}, ()), format, folder / f"empty.{format}")  # loads what the format needs
        before, started = peak(), time.perf_counter()
        write(graph, format, folder / f"graph.{format}")
        answers.send(Measured(time.perf_counter() - started, before, peak(), size_of(folder / f"graph.{format}")))

    forking = get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)
    child = forking.Process(target=work, args=(sender,))
    child.start()
    sender.close()
    try:
        measured: Measured = receiver.recv()
    except EOFError:
        raise SystemExit(f"the process that wrote {format} failed") from None
    finally:
        child.join()
    return measured


def main(words: Sequence[str] | None = None) -> int:
    """Measure each format for the graph and one of half its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triples", type=int, default=100_000)
    parser.add_argument("--formats", nargs="+", type=Formats, default=FILE_FORMATS, choices=FILE_FORMATS)
    given = parser.parse_args(words)
    for triples in (given.triples // 2, given.triples):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            graph = collected(triples, Path(folder))
            took = time.perf_counter() - started
            print(f"{len(graph.edges)} edges, {len(graph.entities)} entities, made and merged in {took:.1f} s\n")
            print("| format | s | MiB before | MiB at most | added | MiB on disk |\n|---|---:|---:|---:|---:|---:|")
            for format in given.formats:
                found = measure(graph, format, Path(folder))
                sizes = (found.before, found.peak, found.peak - found.before, found.size)
                print(f"| {format} | {found.seconds:.1f} | " + " | ".join(f"{size:.0f}" for size in sizes) + " |")
            print()
            del graph
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
