"""Rows that have triples already: `extract` and `run` replace them, and say so."""

import pytest
from llm_calls import SMALL, call, rows_of
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import write_rows

SAID = "warning: 2 rows have triples already, which are not looked at and give way to those found now: cacre filter  "
OWN = [{"subject": "石阶", "predicate": "气味", "object": "青苔"}]


@pytest.fixture
def own_triples(folder):
    texts = [f"《雾中渡{number}》由林知远执导，顾青禾担任编剧。" for number in range(4)]
    lists = (OWN, None, [], OWN)
    rows = [{"text": t, **({} if own is None else {"triples": own})} for t, own in zip(texts, lists, strict=True)]
    write_rows("in.jsonl", rows)


def by_extractor(*words):
    arguments = [words[0], "in.jsonl", "-o", "out.jsonl", "--extractor", "mini-zh", *map(str, words[1:])]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def test_an_extractor_s_run_says_it_once(own_triples, tiny_folder):
    stderr = by_extractor("run", "--model", tiny_folder)
    assert stderr.count("warning: ") == stderr.count(SAID) == 1
    assert all(item["subject"] != "石阶" for row in rows_of("out.jsonl") for item in row["triples"])
    assert SAID in by_extractor("extract")
    assert SAID.replace("2 rows", "1 rows") in by_extractor("extract", "--limit", 3)


def test_an_llm_s_job_says_it_before_it_asks(own_triples, server):
    assert SAID in call("extract", server, "--dry-run").stderr
    assert server.count == 0
    assert call("run", server, *SMALL).stderr.startswith(SAID)


def test_a_key_judge_of_one_s_own_is_passed_on(folder, tiny_folder):
    record = {"prompt": "judge.zh@1:342ccd414fe9", "band": 0.05, "calls": 7}
    texts = [f"《雾中渡{number}》由林知远执导。" for number in range(2)]
    write_rows("in.jsonl", [{"text": texts[0], "judge": "程法官"}, {"text": texts[1], "judge": record}])
    stderr = by_extractor("run", "--model", tiny_folder)
    assert [row.get("judge") for row in rows_of("out.jsonl")] == ["程法官", None]
    assert "2 rows, " in stderr and "LLM judge" not in stderr


def test_labels_of_replaced_triples_are_not_left_to_others(own_triples, server, tiny_folder):
    rows = [{**row, "labels": [0]} for row in rows_of("in.jsonl") if row.get("triples")]
    write_rows("in.jsonl", [*rows, {"text": "《雾中渡》由林知远执导。", "labels": ["影视"]}])
    by_extractor("extract")
    by_extractor("run", "--model", tiny_folder, "--all", "extractor.jsonl")
    call("extract", server, "-o", "llm.jsonl")
    call("run", server, "-o", "kept.jsonl", "--all", "all.jsonl", "--model", tiny_folder)
    for name in ("out.jsonl", "extractor.jsonl", "llm.jsonl", "kept.jsonl", "all.jsonl"):
        assert [row.get("labels") for row in rows_of(name)] == [None, None, ["影视"]], name


def test_nothing_is_said_of_plain_texts_nor_where_triples_stay(folder, server):
    assert "warning" not in by_extractor("extract")
    assert "warning" not in call("extract", server, "-o", "other.jsonl").stderr
    write_rows("in.jsonl", [{"text": "《雾中渡》由林知远执导。", "triples": OWN}])
    assert "warning" not in call("generate", server, "-o", "lists.jsonl").stderr
