"""Candidate rows of invented texts, files of them, and what `cacre filter` makes of them."""

import json

from typer.testing import CliRunner

from cacre.cli import app

SENTENCES = (
    "《雾中渡》由林知远执导，顾青禾担任编剧，沈若汐领衔主演。",
    "林知远1975年3月2日出生于松河市，妻子是顾青禾。",
    "云岫科技由贺一鸣于2011年创办，总部设在临澜，现任董事长为贺一鸣。",
)
PARTS = (
    ("雾中渡", "导演", "林知远"),
    ("林知远", "妻子", "顾青禾"),
    ("云岫科技", "创始人", "贺一鸣"),
    ("雾中渡", "编剧", "无名"),
)


def candidate_rows(count, start=0):
    """Rows of growing texts with one to four triples and a key of the user's own; every fifth is without an id."""
    rows = []
    for number in range(start, start + count):
        text = "".join(SENTENCES[: number % 3 + 1]) + f"第{number}。"
        triples = [dict(zip(("subject", "predicate", "object"), part, strict=True)) for part in PARTS[: number % 4 + 1]]
        triples[0]["llm"] = number
        rows.append({"id": f"r{number}", "text": text, "triples": triples, "note": {"n": number}})
        if number % 5 == 4:
            del rows[-1]["id"]
    return rows


def write_jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_jsonl(folder):
    paths = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def filtered(rows, folder, model, *options):
    """What `cacre filter` makes of rows: kept, rejected and all."""
    paths = [folder / f"{name}.jsonl" for name in ("kept", "rejected", "all")]
    source = write_jsonl(folder / "filter-in.jsonl", rows)
    named = ("-o", paths[0], "--rejected", paths[1], "--all", paths[2])
    result = invoke("filter", source, *named, "--model", model, *options)
    assert result.exit_code == 0, result.stderr
    return [read_jsonl(path) for path in paths]
