"""`extract`, `generate` and `run` as a user meets them: over HTTP, with their files and exit codes."""

import json
import os
import stat
from pathlib import Path

import pytest
from llm_calls import ALL, KEY, ROWS, SMALL, call, extract, ids, names, rows_of
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import load_examples, read_rows, write_rows
from llm_server import LLMServer, Reply, answer_for


def test_extract_end_to_end(folder, server):
    result = extract(server)
    assert (result.exit_code, result.stdout) == (0, "")
    rows = rows_of("out.jsonl")
    assert ids(rows) == ALL
    assert len(list(read_rows("out.jsonl", "candidates"))) == len(ROWS)
    assert rows[0]["source"] == "ours"
    assert rows[0]["triples"][0]["subject"] == "雾中"
    assert rows[0]["extraction"]["llm"] == "m"
    assert rows[0]["extraction"]["prompt"].startswith("extract.zh@")
    assert names(folder) == ["in.jsonl", "out.cache.sqlite", "out.jsonl"]
    assert stat.S_IMODE((folder / "out.cache.sqlite").stat().st_mode) == 0o600
    assert "6 of 6 texts done; 0 failed" in result.stderr
    assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_second_run_asks_nothing_and_gives_the_same(folder, server):
    extract(server)
    first = (folder / "out.jsonl").read_bytes()
    assert extract(server).exit_code == 0
    assert server.count == len(ROWS)
    assert (folder / "out.jsonl").read_bytes() == first


def test_a_dry_run_asks_nothing_leaves_nothing_and_needs_no_key(folder, server, monkeypatch):
    monkeypatch.delenv("CACRE_API_KEY")
    result = extract(server, "--dry-run", "--provider", "deepseek", "--price-prompt", "2", "--price-completion", "8")
    assert result.exit_code == 0, result.stderr
    assert "6 texts, 6 requests, 0 of them in the cache, 6 to pay" in result.stdout
    assert server.count == 0
    assert names(folder) == ["in.jsonl"]


def test_a_dry_run_knows_the_cache_and_spares_the_record_of_a_stopped_job(folder, server):
    assert extract(server, *SMALL, "--max-requests", "2").exit_code == 1
    before = names(folder)
    assert "2 of them in the cache, 4 to pay" in extract(server, "--dry-run").stdout
    extract(server, "--dry-run", "--samples", "3")
    assert names(folder) == before
    assert "2 of them in earlier runs" in extract(server).stderr


def test_offline_replays_the_cache_and_lists_what_it_lacks(folder, server):
    extract(server, "--limit", "4")
    result = extract(server, "--offline", output="again.jsonl")
    assert (result.exit_code, names(folder).count("again.jsonl")) == (1, 0)
    assert "again.cache.sqlite: no such cache" in result.stderr
    result = extract(server, "--offline", "--cache", "out.cache.sqlite", output="again.jsonl")
    assert result.exit_code == 0
    assert ids(rows_of("again.jsonl")) == ALL[:4]
    assert ids(rows_of("again.errors.jsonl")) == ALL[4:]
    assert "2 texts got no answer" in result.stderr
    assert server.count == 4


@pytest.mark.parametrize(
    "limit",
    [
        ("--max-requests", "2"),
        ("--max-cost", "0.03", "--price-prompt", "1", "--price-completion", "100"),
    ],
)
def test_a_spent_budget_stops_cleanly_and_the_job_goes_on_later(folder, limit):
    with LLMServer(lambda body, number: Reply(answer_for(body), usage=(100, 100))) as server:
        result = extract(server, *SMALL, *limit, "--max-tokens", "100")
        assert result.exit_code == 1
        assert "error: stopped: the job may" in result.stderr
        assert "so far: out.partial.jsonl" in result.stderr
        assert not Path("out.jsonl").exists()
        assert ids(rows_of("out.partial.jsonl")) == ALL[:2]
        assert extract(server, "--max-tokens", "100").exit_code == 0
        assert server.count == len(ROWS), "no answer is paid for twice"
        assert ids(rows_of("out.jsonl")) == ALL
        assert names(folder) == ["in.jsonl", "out.cache.sqlite", "out.jsonl"]


def test_a_stopped_job_says_that_standard_output_waits_for_all_rows(folder, server):
    result = extract(server, *SMALL, "--max-requests", "2", output="-")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "; so far: in.job.sqlite (open streams and pipes get their rows when all are done). Run" in result.stderr
    assert ids([json.loads(line) for line in extract(server, output="-").stdout.splitlines()]) == ALL
    with LLMServer(lambda body, number: Reply(status=401)) as refusing:
        result = extract(refusing, "--cache", "other.sqlite", output="-")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "; so far: nothing. Run" in result.stderr


def test_other_options_start_over_from_the_cache(folder, server):
    extract(server, *SMALL, "--max-requests", "2")
    result = extract(server, "--canonical-predicates")
    assert result.exit_code == 0
    assert "the options have changed" in result.stderr
    assert server.count == len(ROWS)


def test_an_input_changed_before_the_job_goes_on(folder, server):
    extract(server, *SMALL, "--max-requests", "3")
    write_rows("in.jsonl", [ROWS[5], *ROWS[1:3], {"id": "new", "text": "《远山》由许棠作词。"}])
    assert extract(server).exit_code == 0
    assert ids(rows_of("out.jsonl")) == ["t5", "t1", "t2", "new"]
    assert server.count == 5


def test_unreadable_answers_are_kept_raw_and_nothing_is_lost(folder):
    said = {0: "抱歉，我无法回答这个问题。", 1: '{"triples": [{"subject": "雾', 2: "<html>bad</html>"}
    with LLMServer(lambda body, number: said.get(number) or answer_for(body)) as server:
        result = extract(server, *SMALL)
    assert result.exit_code == 0
    assert ids(rows_of("out.jsonl")) == ALL[3:]
    entries = rows_of("out.errors.jsonl")
    assert [(entry["id"], entry["line"], entry["raw"]) for entry in entries] == [
        (f"t{number}", number + 1, raw) for number, raw in said.items()
    ]
    assert all(entry["path"] == "in.jsonl" and entry["reason"] for entry in entries)
    assert "3 failed" in result.stderr
    assert "out.errors.jsonl (3 entries)" in result.stderr


def test_errors_of_a_stopped_job_are_where_it_says_and_leave_nothing_behind(folder):
    with LLMServer(lambda body, number: "抱歉，我无法回答。" if number == 0 else answer_for(body)) as server:
        result = extract(server, *SMALL, "--max-requests", "2")
        assert "out.errors.jsonl (1 entries)" in result.stderr
        assert ids(rows_of("out.errors.jsonl")) == ["t0"]
        extract(server)
    assert names(folder) == ["in.jsonl", "out.cache.sqlite", "out.errors.jsonl", "out.jsonl"]


def test_the_paper_s_lines(folder):
    with LLMServer("锚点：（雾中渡，导演，林知远）") as server:
        assert extract(server, "--style", "lines", "--limit", "1").exit_code == 0
        assert "response_format" not in server.calls[0].body
    [row] = rows_of("out.jsonl")
    assert [(t["subject"], t["predicate"], t["object"]) for t in row["triples"]] == [("雾中渡", "导演", "林知远")]


def test_standard_input_and_output(folder, server):
    lines = "".join(json.dumps(row) + "\n" for row in ROWS[:2])
    result = extract(server, source="-", output="-", stdin=lines)
    assert result.exit_code == 0
    assert ids(map(json.loads, result.stdout.splitlines())) == ALL[:2]
    assert names(folder) == ["in.jsonl", "stdin.cache.sqlite"]


def test_a_bad_row_is_refused_before_any_call(folder, server):
    bad = json.dumps(ROWS[0]) + '\n{"id": "bad"}\n'
    result = extract(server, source="-", output="-", stdin=bad)
    assert (result.exit_code, server.count, result.stdout) == (1, 0, "")
    assert result.stderr.startswith("error: -:2: text: is missing")
    assert names(folder) == ["in.jsonl"]
    result = extract(server, "--on-error", "skip", source="-", stdin=bad)
    assert (result.exit_code, ids(rows_of("out.jsonl"))) == (0, ["t0"])
    [entry] = rows_of("out.errors.jsonl")
    assert (entry["path"], entry["line"], entry["field"]) == ("-", 2, "text")


def test_generate_makes_what_training_reads(folder, server):
    # The lists of an earlier corpus are replaced, whatever else its rows hold stays.
    earlier = {"anchors": [], "positives": [], "negatives": [], "kinds": [], "hard": []}
    write_rows("in.jsonl", [{**row, **earlier} for row in ROWS])
    result = call("generate", server, "-o", "train.jsonl")
    assert result.exit_code == 0, result.stderr
    examples = load_examples("train.jsonl")
    assert [example.id for example in examples] == ALL
    assert len(examples[0].anchors) == len(examples[0].positives) == len(examples[0].negatives) == 1
    assert "6 rows, 6 anchors" in result.stderr
    assert rows_of("train.jsonl")[0]["source"] == "ours"


def test_run_keeps_rejects_and_asks_the_judge(folder, server):
    files = ("-o", "kept.jsonl", "--rejected", "rejected.jsonl", "--all", "all.jsonl")
    write_rows("in.jsonl", [{**row, "judge": "of another life"} for row in ROWS])
    result = call("run", server, *files, "--limit", "3")
    assert result.exit_code == 0, result.stderr
    judged = {row["id"]: row["triples"] for row in rows_of("all.jsonl")}
    kept = {row["id"]: row["triples"] for row in rows_of("kept.jsonl")}
    rejected = {row["id"]: row["triples"] for row in rows_of("rejected.jsonl")}
    assert list(judged) == ALL[:3]
    assert [row["judge"] for row in rows_of("all.jsonl")] == ["of another life"] * 3
    for name, triples in judged.items():
        assert kept[name] == [item for item in triples if item["verdict"] == "supported"]
        assert rejected.get(name, []) == [item for item in triples if item["verdict"] == "rejected"]
    for path in ("all.jsonl", "kept.jsonl", "rejected.jsonl"):
        assert all(row.content.triples is not None for row in read_rows(path, "verdicts"))
    result = call("run", server, *files, "--limit", "3", "--judge", "--band", "2")
    assert result.exit_code == 0, result.stderr
    assert server.count == 6, "the extraction came from the cache"
    items = [item for row in rows_of("all.jsonl") for item in row["triples"]]
    assert [(item["verdict"], item["judge"]) for item in items] == [("supported", "supported")] * 3
    assert "LLM judge: 3 of 3 triples were borderline" in result.stderr


def test_filter_agrees_with_run(folder, server):
    assert call("run", server, "-o", "kept.jsonl", "--all", "run.jsonl").exit_code == 0
    assert extract(server, "--cache", "kept.cache.sqlite").exit_code == 0
    done = CliRunner().invoke(app, ["filter", "out.jsonl", "-o", os.devnull, "--all", "filter.jsonl"])
    assert done.exit_code == 0, done.stderr
    for one, other in zip(rows_of("filter.jsonl"), rows_of("run.jsonl"), strict=True):
        for left, right in zip(one["triples"], other["triples"], strict=True):
            assert left["verdict"] == right["verdict"]
            assert left.keys() == right.keys()
            assert left["text_score"] == pytest.approx(right["text_score"], abs=1e-4)
