"""Checks and thresholds of `cacre run`, those of `cacre filter`."""

import pytest
import typer
from llm_calls import call, rows_of
from typer.testing import CliRunner

from cacre.cli import app
from cacre.data import write_rows
from llm_server import LLMServer

NAMES = {"--schema-checks", "--no-schema-checks", "--mention-checks", "--no-mention-checks"}
THRESHOLDS = {"--text-threshold", "--pair-threshold"}
MODALITY = {"--reject-modality"}
ANSWER = (
    '{"triples": [{"subject": "雾中渡", "predicate": "导演", "object": "林知远"}, '
    '{"subject": "雾中渡", "predicate": "气味", "object": "林知远"}, '
    '{"subject": "雾中渡", "predicate": "导演", "object": "无名氏"}]}'
)


@pytest.mark.parametrize("command", ["filter", "run", "batch", "serve", "mcp"])
def test_every_command_that_judges_has_them(command):
    found = typer.main.get_command(app).commands[command]
    options = {option for p in found.params for option in (*p.opts, *p.secondary_opts)}
    assert options >= NAMES | THRESHOLDS | MODALITY | {"--schema"}


def kept(server, model, *words):
    result = call("run", server, "-o", "kept.jsonl", "--model", model, *words)
    assert result.exit_code == 0, result.stderr
    return [(t["predicate"], t["object"]) for row in rows_of("kept.jsonl") for t in row["triples"]], result.stderr


def test_run_obeys_them(folder, tiny_folder):
    write_rows("in.jsonl", [{"id": "a", "text": "《雾中渡》由林知远执导。"}])
    first, absent, unknown = ("导演", "林知远"), ("导演", "无名氏"), ("气味", "林知远")
    with LLMServer(ANSWER) as server:
        found, said = kept(server, tiny_folder)
        assert found == [first]
        assert "not in schema 'duie': 气味 (1)\nhint: cacre schema duie  lists" in said
        assert kept(server, tiny_folder, "--no-mention-checks")[0] == [first, absent]
        assert kept(server, tiny_folder, "--no-schema-checks")[0] == [first, unknown]
        assert kept(server, tiny_folder, "--text-threshold", "1")[0] == []


def test_filter_rejects_by_how_the_text_puts_it(folder, tiny_folder):
    denied, planned = "林知远并不是《雾中渡》的导演。", "林知远有望执导《雾中渡》。"
    triple = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
    write_rows("in.jsonl", [{"text": text, "triples": [triple]} for text in (denied, planned)])

    def judged(*words):
        arguments = ["filter", "in.jsonl", "--all", "all.jsonl", "-o", "kept.jsonl", "--text-threshold", "-1"]
        result = CliRunner().invoke(app, [*arguments, "--pair-threshold", "-1", "--model", str(tiny_folder), *words])
        assert result.exit_code == 0, result.stderr
        found = [row["triples"][0] for row in rows_of("all.jsonl")]
        assert [(t["modality"], t["modality_cue"]) for t in found] == [("denied", [4, 6]), ("planned", [3, 5])]
        return [t.get("reason") for t in found]

    assert judged() == ["denied in text", None]
    assert judged("--reject-modality", "none") == [None, None]
    assert judged("--reject-modality", "denied, planned") == ["denied in text", "planned in text"]
    refused = CliRunner().invoke(app, ["filter", "in.jsonl", "--reject-modality", "gossip"])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: reject_modality 'gossip' is unknown: use any of denied, rumoured")


def test_run_with_an_extractor_obeys_them(folder, tiny_folder):
    write_rows("in.jsonl", [{"id": "a", "text": "《雾中渡》由林知远执导，顾青禾担任编剧。"}])

    def found(*words):
        arguments = ["run", "in.jsonl", "-o", "kept.jsonl", "--extractor", "mini-zh", "--model", str(tiny_folder)]
        result = CliRunner().invoke(app, [*arguments, *words])
        assert result.exit_code == 0, result.stderr
        return rows_of("kept.jsonl")

    (row,) = found()
    assert row["triples"]
    assert row["extraction"] == {"extractor": "electra-joint", "name": "mini-zh"}
    assert [row["triples"] for row in found("--text-threshold", "1")] == [[]]
