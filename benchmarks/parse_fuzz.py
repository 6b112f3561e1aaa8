"""Fuzz the answer parser: `python benchmarks/parse_fuzz.py --answers FILE... --count 200000 --seed 1`.

Answers in JSON and in lines, contrastive and plain, are made from rows that hold `anchors`, `positives` and
`negatives`, mutated, and parsed. One JSON line is printed: how many were parsed, errors by reason, exceptions other
than `AnswerError` (there must be none; the first few are printed with the number that rebuilds them) and the slowest
answer. Before that, each row's unmutated answers are parsed: all triples must come back exactly.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cacre.errors import AnswerError
from cacre.extraction.parsing import parse_answer, parse_judgement
from cacre.extraction.values import AnswerKind, ParsedAnswer

Row = dict[str, Any]
LISTS = ("anchors", "positives", "negatives")
NAMES = {"zh": ("锚点", "正例", "负例"), "en": ("Anchor", "Positive", "Negative")}
WIDTHS = str.maketrans(',:()[]{}"，：（）［］｛｝“”', '，：（）［］｛｝“,:()[]{}""')
TRAPS = [
    "\x00", "\ud800", "\ufeff", "\u202e", "\r", "\x1b", "\\", '"', "'", "`", "```", "[", "]", "{", "}", "(", "（",
    "<think>", "</think>", "null", "NaN", "1e999", "//", "/*", "#", ",,", "：", "|", "->", "——", "\\u12", "《", "》",
    "锚点：", "9" * 5000,
]  # fmt: skip


def json_answer(row: Row, kind: AnswerKind, random_: random.Random) -> str:
    """An answer in one of the shapes of JSON."""
    make = random_.choice((list, lambda t: dict(zip(("subject", "predicate", "object"), t, strict=True))))
    indent = random_.choice((None, 1, 2))
    if kind == "triples":
        value: Any = [make(triple) for triple in row["anchors"]]
        value = random_.choice((value, {"triples": value}, {"spo_list": value}))
    else:
        value = {name: [make(triple) for triple in row[name]] for name in LISTS}
        if random_.random() < 0.2:
            value = dict(zip(NAMES["zh"], value.values(), strict=True))
    return json.dumps(value, ensure_ascii=random_.random() < 0.1, indent=indent)


def line_answer(row: Row, kind: AnswerKind, random_: random.Random) -> str:
    """An answer in the paper's lines."""
    language = random_.choice(("zh", "en"))
    open_, comma, close, colon = ("（", "，", "）", "：") if language == "zh" else ("(", ", ", ")", ": ")
    names = NAMES[language] if kind == "contrastive" else ("",)
    number = random_.choice((lambda i: "", lambda i: f"{i}. ", lambda i: "- "))
    lines = []
    for name, key in zip(names, LISTS, strict=False):
        heading = name and random_.random() < 0.5
        lines += [f"{name}{colon}"] if heading else []
        label = f"{name}{colon}" if name and not heading else ""
        lines += [f"{number(i)}{label}{open_}{comma.join(t)}{close}" for i, t in enumerate(row[key], 1)]
    return "\n".join(lines)


def _at(text: str, random_: random.Random) -> int:
    return random_.randrange(len(text) + 1)


def _cut(text: str, other: str, random_: random.Random) -> str:
    return text[: _at(text, random_)]


def _insert(text: str, other: str, random_: random.Random) -> str:
    at = _at(text, random_)
    return text[:at] + random_.choice(TRAPS) + text[at:]


def _delete(text: str, other: str, random_: random.Random) -> str:
    at = _at(text, random_)
    return text[:at] + text[at + random_.randint(1, 4) :]


def _repeat(text: str, other: str, random_: random.Random) -> str:
    a, b = sorted((_at(text, random_), _at(text, random_)))
    return text[:b] + text[a:b] * random_.choice((1, 1, 2, 20)) + text[b:]


def _swap(text: str, other: str, random_: random.Random) -> str:
    a, b = sorted((_at(text, random_), _at(text, random_)))
    return text[:a] + text[b : b + 1] + text[a + 1 : b] + text[a : a + 1] + text[b + 1 :]


def _widen(text: str, other: str, random_: random.Random) -> str:
    share = random_.choice((0.05, 0.5, 1.0))
    return "".join(c.translate(WIDTHS) if random_.random() < share else c for c in text)


def _wrap(text: str, other: str, random_: random.Random) -> str:
    wraps = ("```json\n{}\n```", "```{}", "好的，抽取结果如下：\n{}\n希望有帮助。", "<think>想一想 {} </think>{}",
             "{}\n\n注：以上，仅供参考，谢谢",
             "Here is a draft:\n{}\nThe final answer:\n{}", "<think>{}",
             '{"result": {}}', "[{}]", "抱歉，我无法{}")  # fmt: skip
    return random_.choice(wraps).replace("{}", text)


def _splice(text: str, other: str, random_: random.Random) -> str:
    return text[: _at(text, random_)] + other[_at(other, random_) :]


def _bytes(text: str, other: str, random_: random.Random) -> str:
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(random_.randint(1, 5)):
        if raw:
            raw[random_.randrange(len(raw))] = random_.randrange(256)
    return raw.decode("utf-8", random_.choice(("replace", "surrogateescape")))


def _nest(text: str, other: str, random_: random.Random) -> str:
    pair, depth = random_.choice(("[]", "{}", "()", '["', "（）")), random_.choice((1, 3, 50, 3000))
    return pair[0] * depth + text + pair[1] * random_.choice((0, depth))


MUTATIONS: tuple[Callable[[str, str, random.Random], str], ...] = (
    _cut, _insert, _insert, _delete, _delete, _repeat, _swap, _widen, _wrap, _wrap, _splice, _bytes, _nest,
)  # fmt: skip


def build(rows: list[Row], seed: int, number: int) -> tuple[str, AnswerKind]:
    """The mutated answer with this number; the same for the same rows and seed."""
    random_ = random.Random(f"{seed}:{number}")
    kind: AnswerKind = random_.choice(("contrastive", "triples"))
    text, other = (
        random_.choice((json_answer, line_answer))(
            random_.choice(rows), random_.choice((kind, kind, "triples")), random_
        )
        for _ in range(2)
    )
    for _ in range(random_.choice((1, 1, 2, 3, 6))):
        text = random_.choice(MUTATIONS)(text, other, random_)
    return text, kind


def comes_back(row: Row, parsed: ParsedAnswer, kind: AnswerKind) -> bool:
    """Whether exactly the row's triples were read."""
    names = LISTS if kind == "contrastive" else LISTS[:1]
    return all([list(said.triple) for said in getattr(parsed, name)] == row[name] for name in names)


def unmutated(rows: list[Row], predicates: frozenset[str]) -> dict[str, Any]:
    """Per style: answers, and those whose triples do not come back exactly."""
    report: dict[str, Any] = {}
    for make in (json_answer, line_answer):
        for known, names in (("", frozenset()), (" with predicates", predicates)):
            count, wrong = 0, []
            for number, row in enumerate(rows):
                for kind in ("contrastive", "triples"):
                    text, count = make(row, kind, random.Random(number)), count + 1
                    try:
                        fine = comes_back(row, parse_answer(text, kind, predicates=names), kind)
                    except AnswerError:
                        fine = False
                    wrong += [] if fine else [f"{row.get('id', number)} {kind}"]
            name = make.__name__.removesuffix("_answer") + known
            report[name] = {"answers": count, "exact": 1 - len(wrong) / count, "exceptions": wrong[:20]}
    return report


def main() -> int:
    """Parse unmutated and mutated answers and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--answers", nargs="+", type=Path, required=True, help="JSONL with anchors, positives, negatives"
    )
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = [json.loads(line) for path in arguments.answers for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row.get("anchors")]
    predicates = frozenset(triple[1] for row in rows for triple in row["anchors"])
    whole = unmutated(rows, predicates)
    counts, triples, failures, slowest = Counter[str](), 0, [], (0.0, -1)
    started = time.perf_counter()
    for number in range(arguments.count):
        text, kind = build(rows, arguments.seed, number)
        before = time.perf_counter()
        try:
            parsed = parse_answer(text, kind, predicates=predicates if number % 2 else frozenset())
            triples += len(parsed.anchors) + len(parsed.positives) + len(parsed.negatives)
            counts["parsed"] += 1
        except AnswerError as error:
            counts[error.reason] += 1
        except Exception:
            failures.append(number)
            traceback.print_exc()
        try:
            parse_judgement(text, 1 + number % 5)
        except AnswerError:
            pass
        except Exception:
            failures.append(number)
            traceback.print_exc()
        slowest = max(slowest, (time.perf_counter() - before, number))
    parsed_count = counts.pop("parsed", 0)
    print(json.dumps({
        "count": arguments.count, "seed": arguments.seed, "parsed": parsed_count,
        "answer_errors": dict(counts.most_common()),
        "exceptions": len(failures), "first_failures": failures[:10], "triples": triples,
        "seconds": round(time.perf_counter() - started, 1),
        "slowest": {"seconds": round(slowest[0], 3), "number": slowest[1]}, "unmutated": whole,
    }, ensure_ascii=False))  # fmt: skip
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
