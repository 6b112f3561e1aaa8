"""The command: options to settings, errors before anything listens, and a service with an LLM behind it."""

import asyncio
import shutil
import sys
from importlib.resources import files

import httpx
import pytest
from typer.testing import CliRunner

from cacre.cli import app
from cacre.service import server
from llm_server import LLMServer, Reply, answer_for

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"


@pytest.fixture
def served(monkeypatch):
    """What the command would have served, instead of serving it."""
    calls = []
    monkeypatch.setattr(server, "run_server", lambda service, settings: calls.append((service, settings)))
    monkeypatch.setattr("cacre.service.logs.start_logging", lambda: None)
    monkeypatch.delenv("CACRE_SERVE_TOKEN", raising=False)
    return calls


def serve(*words):
    result = CliRunner().invoke(app, ["serve", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_options_become_settings(served, tiny_folder):
    words = ("--model", tiny_folder, "--port", 0, "--max-batch-rows", 3, "--text-threshold", 0.25, "--threads", 1)
    words = (*words, "--max-batch-triples", 40)
    assert serve(*words).exit_code == 0
    ((service, settings),) = served
    assert (settings.host, settings.port) == ("127.0.0.1", 0)
    assert (settings.max_batch_rows, settings.max_batch_triples) == (3, 40)
    told = service.model().content
    assert (told["name"], told["text_threshold"], told["llm"]) == ("tiny", 0.25, None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "0.0.0.0"), "host 0.0.0.0 can be reached by others: set CACRE_SERVE_TOKEN"),
        (("--model", "no-such-model"), "no such folder, and not a bundled model"),
        (("--provider", "custom", "--llm", "m"), "needs a base URL"),
        (("--base-url", "http://localhost:1/v1"), "name one with --llm"),
        (("--extractor", "mini-zh", "--language", "zh"), "--language: an extractor asks no LLM"),
        (("--extractor-threshold", "0.3"), "name an extractor with --extractor"),
        (("--extractor", "no-such-folder"), "neither a bundled extractor (mini-zh) nor a folder"),
        (("--max-rows", "9", "--max-waiting-rows", "8"), "max_rows=9 must not be above max_waiting_rows=8"),
    ],
)
def test_what_cannot_be_served_is_one_line(served, words, message):
    result = serve(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert served == []


def test_a_token_opens_other_addresses(served, tiny_folder, monkeypatch):
    monkeypatch.setenv("CACRE_SERVE_TOKEN", "made-up-token-0123456789")
    assert serve("--host", "0.0.0.0", "--model", tiny_folder).exit_code == 0
    assert "made-up-token" not in repr(served[0][1])


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "cacre.service.server")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = serve()
    assert result.exit_code == 1
    assert "pip install 'cacre[serve]'" in result.stderr


def test_extraction_goes_through_the_llm(served, tiny_folder, tmp_path):
    with LLMServer(lambda body, number: Reply(answer_for(body))) as llm:
        words = (
            "--base-url",
            llm.base_url,
            "--llm",
            "m",
            "--timeout-seconds",
            600,
            "--cache",
            tmp_path / "answers.sqlite",
        )
        assert serve("--model", tiny_folder, "--threads", 1, "--schema", "duie", *words).exit_code == 0
        ((service, settings),) = served
        with server.serving(service, settings.model_copy(update={"port": 0})) as url:
            first, again = (httpx.post(f"{url}/v1/extract", json={"texts": [TEXT]}, timeout=600) for _ in range(2))
            assert httpx.get(f"{url}/v1/model", timeout=600).json()["llm"] == "m"
        assert llm.count == 1, "the second answer came from the cache"
    assert first.status_code == again.status_code == 200
    (row,) = first.json()["all"]
    assert row["triples"]
    assert all(triple["verdict"] in ("supported", "rejected") for triple in row["triples"])
    assert row["extraction"]["llm"] == "m"


def test_an_extractor_proposes_without_an_llm(served, tiny_folder, tmp_path):
    bundled = files("cacre.resources") / "extractors" / "mini-zh"
    folder = shutil.copytree(str(bundled), tmp_path / "ours")
    words = ("--extractor", folder, "--extractor-threshold", 0.2, "--timeout-seconds", 600, "--threads", 1)
    assert serve("--model", tiny_folder, *words).exit_code == 0
    ((service, settings),) = served
    texts = [TEXT, {"id": "b", "text": "今日无事。"}, TEXT]
    with server.serving(service, settings.model_copy(update={"port": 0})) as url:
        answer = httpx.post(f"{url}/v1/extract", json={"texts": texts}, timeout=600)
        assert httpx.get(f"{url}/v1/model", timeout=600).json()["llm"] == "ours"
    assert answer.status_code == 200
    first, nothing, again = answer.json()["all"]
    assert {("雾中渡", "导演", "林知远"), ("雾中渡", "编剧", "顾青禾")} <= {
        (triple["subject"], triple["predicate"], triple["object"]) for triple in first["triples"]
    }
    assert first["triples"] == again["triples"]
    assert all(triple["verdict"] in ("supported", "rejected") for triple in first["triples"])
    # Nobody is told where the folder lies.
    assert first["extraction"] == {"extractor": "electra-joint", "name": "ours", "threshold": 0.2}
    assert (nothing["id"], nothing["triples"], answer.json()["failed"]) == ("b", [], [])
    with pytest.raises(RuntimeError, match="after shutdown"):
        asyncio.run(service._proposer.propose(TEXT))


def test_a_service_that_does_not_start_is_one_line(tiny_folder, monkeypatch):
    monkeypatch.setattr("cacre.service.logs.start_logging", lambda: None)
    monkeypatch.setattr("cacre.inference.OnnxVerifier.verify_many", lambda *_: 1 / 0)
    result = serve("--model", tiny_folder, "--port", 0)
    assert result.exit_code == 1
    assert "did not start: its log says why" in result.stderr
