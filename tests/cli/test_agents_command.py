"""`--method multi-agent` as a user meets it: over HTTP, with faults, caps, a record and a cache."""

import pytest
from llm_calls import ALL, ROWS, SMALL, call, extract, ids, names, rows_of

from cacre.extraction.quoting import quoted
from llm_server import LLMServer, Reply, answer_for, error

AGENTS = ("--method", "multi-agent")


def role_of(body):
    asked = body["messages"][-1]["content"]
    marks = {"FACTS": "builder", "TRIPLES": "reviewer", "NOTES": "extractor"}
    return next((role for mark, role in marks.items() if f"<<<{mark} " in asked), "selector")


def test_extract_with_agents_end_to_end(folder, server):
    result = extract(server, *AGENTS)
    assert (result.exit_code, result.stdout) == (0, "")
    rows = rows_of("out.jsonl")
    assert ids(rows) == ALL
    [item] = rows[3]["triples"]
    assert (item["subject"], item["predicate"], item["object"]) == ("雾中", "导演", "上映")
    assert item["provenance"] == {"round": 1, "agent": "builder", "decision": "accept", "reason": "原文"}
    assert rows[0]["extraction"]["method"] == "multi-agent"
    assert rows[0]["source"] == "ours"
    assert server.count == 4 * len(ROWS)
    assert names(folder) == ["in.jsonl", "out.cache.sqlite", "out.jsonl"]


def test_a_budget_stops_in_the_middle_of_a_text_and_nothing_is_paid_for_twice(folder, server):
    result = extract(server, *AGENTS, *SMALL, "--max-requests", "6")
    assert result.exit_code == 1
    assert "so far: out.partial.jsonl" in result.stderr
    assert len(rows_of("out.partial.jsonl")) < 2
    assert extract(server, *AGENTS).exit_code == 0
    assert server.count == 4 * len(ROWS), "no answer is paid for twice"
    assert ids(rows_of("out.jsonl")) == ALL
    # The record belongs to a method and its caps; the cache does not.
    assert extract(server, *AGENTS, "--max-rounds", "3").exit_code == 0
    assert server.count == 4 * len(ROWS)


def test_a_dry_run_counts_a_round_of_questions_and_follows_the_cache(folder, server):
    result = extract(server, *AGENTS, "--dry-run")
    assert "6 texts, 24 requests, 0 of them in the cache, 24 to pay" in result.stdout
    assert "more rounds (at most 2) add three requests each, up to 20 a text" in result.stdout
    assert (server.count, names(folder)) == (0, ["in.jsonl"])
    extract(server, *AGENTS, *SMALL, "--max-requests", "6")
    assert "24 requests, 6 of them in the cache, 18 to pay" in extract(server, *AGENTS, "--dry-run").stdout
    extract(server, *AGENTS)
    assert "24 of them in the cache, 0 to pay" in extract(server, *AGENTS, "--dry-run").stdout


def test_caps_on_rounds_and_questions_hold(folder):
    with LLMServer(lambda body, number: answer_for(body).replace('"again": false', '"again": true')) as server:
        assert extract(server, *AGENTS, "--max-rounds", "1", "--limit", "1").exit_code == 0
        assert server.count == 4
        assert extract(server, *AGENTS, "--max-questions", "4", "--limit", "1").exit_code == 0
        assert server.count == 4
    assert rows_of("out.jsonl")[0]["extraction"]["stopped"] == "max_questions"


def test_faults_of_the_server_are_waited_out_and_garbage_is_listed(folder):
    faults = {0: error(429, "slow down", headers={"retry-after": "0.01"}), 1: error(500), 3: Reply(drop="middle")}

    def script(body, number):
        text = quoted(body["messages"][-1]["content"])
        if "雾中渡2" in text and role_of(body) == "builder":
            return "抱歉，我无法回答这个问题。"
        return faults.get(number) or answer_for(body)

    with LLMServer(script) as server:
        result = extract(server, *AGENTS, "--concurrency", "1", "--attempts", "4")
    assert result.exit_code == 0, result.stderr
    assert ids(rows_of("out.jsonl")) == [name for name in ALL if name != "t2"]
    [entry] = rows_of("out.errors.jsonl")
    assert (entry["id"], entry["line"], entry["reason"]) == ("t2", 3, "builder: refusal")
    assert entry["raw"] == "抱歉，我无法回答这个问题。"
    assert "1 failed" in result.stderr


def test_run_verifies_what_the_agents_said(folder, server):
    result = call("run", server, "-o", "kept.jsonl", "--all", "all.jsonl", *AGENTS, "--limit", "2")
    assert result.exit_code == 0, result.stderr
    [item] = rows_of("all.jsonl")[0]["triples"]
    assert {"verdict", "provenance"} <= item.keys()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--max-rounds", "2"), "--max-rounds: only with --method multi-agent"),
        ((*AGENTS, "--gleanings", "1"), "gleanings: not with agents"),
        ((*AGENTS, "--style", "lines"), "style=lines: not with agents"),
    ],
)
def test_options_that_contradict_each_other(folder, server, words, reason):
    result = extract(server, *words)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert (server.count, names(folder)) == (0, ["in.jsonl"])
