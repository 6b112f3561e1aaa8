"""The documents about LLMs: their commands run against a server on loopback, their rows and messages are real."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cacre
from cacre.cli import app
from cacre.extraction import ExtractionSettings, Extractor, Generator
from cacre.llm import ChatAnswer, ScriptedLLM, Usage
from cacre.llm.chat import TokenLogprob
from cacre.llm.providers import PROVIDERS, load_provider
from llm_server import LLMServer, Reply, answer_for, error
from test_docs import ROOT, blocks, read, shell_calls, table_rows

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
SCRIPTS = {
    "good": lambda body, number: Reply(answer_for(body)),
    "500": error(500, "internal error"),
    "401": error(401, "Incorrect API key provided"),
    "unreadable": "对不起，我无法处理这个请求。",
    "piece": '{"triples": [{"subject": "雾中渡", "predicate": "导演", "object": "林知远"}, '
    '{"subject": "雾中渡", "predicate": "编',
}


def run(call, server, base_url=True):
    """Exit code, output and messages of a call; one that would ask an LLM asks the server."""
    words = [server.base_url if word == "http://localhost:8000/v1" else word for word in call]
    if base_url and call[0] != "filter":
        words += ["--base-url", server.base_url]
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def folder(tmp_path, tiny_folder, monkeypatch):
    """A folder with texts, a hand-made model for the bundled one, and no key."""
    monkeypatch.setattr("cacre.inference.folder.bundled_models", lambda: {"mini-zh": tiny_folder})
    for name in {"CACRE_API_KEY", *(key for p in PROVIDERS for key in load_provider(p, "http://x").key_variables)}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.jsonl").write_text(json.dumps({"id": "t1", "text": TEXT}) + "\n", encoding="utf-8")
    return tmp_path


# docs/llm.md


def test_commands_in_docs_llm_run(monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-made-up")
    prompts = [block.body for block in blocks("docs/llm.md") if block.language == "toml"]
    Path("facts.toml").write_text(prompts[0], encoding="utf-8")
    texts = re.findall(r"<<'EOF'\n(.*?)^EOF$", read("docs/llm.md"), flags=re.MULTILINE | re.DOTALL)
    Path("texts.jsonl").write_text(texts[0], encoding="utf-8")
    calls = [c for b in blocks("docs/llm.md") if (b.language, b.rest) == ("bash", "run") for c in shell_calls(b.body)]
    assert {call[0] for call in calls} == {"extract", "filter", "generate", "run"}
    dry_runs = []
    with LLMServer(SCRIPTS["good"]) as server:
        for call in calls:
            code, output, messages = run(call, server)
            assert code == 0, (call, messages)
            if "--dry-run" in call:
                dry_runs.append(output)
            else:
                lines = Path(call[call.index("-o") + 1]).read_text(encoding="utf-8").splitlines()
                assert len(lines) == len(texts[0].splitlines()), call
    assert dry_runs[0] in [block.body for block in blocks("docs/llm.md") if block.language == "text"]


def test_every_command_for_an_llm_in_docs_llm_is_run():
    everything = [
        c for b in blocks("docs/llm.md") if b.language == "bash" and b.rest != "run" for c in shell_calls(b.body)
    ]
    assert everything == []


def test_the_providers_in_docs_llm_are_those_of_the_table():
    rows = table_rows("docs/llm.md", "## Providers and keys")
    assert [name for name, *_ in rows] == list(PROVIDERS)
    for name, *told in rows:
        provider = load_provider(name, "http://none" if name == "custom" else None)
        url = "none" if name == "custom" else provider.base_url
        assert told == [url, " ".join(provider.key_variables) or "none", provider.default_model or "none"]


# docs/files.md


def scripted(request):
    """A contrastive answer from samples 0 and 1, a refusal from sample 2; gleaning brings one triple, once."""

    def said(**lists):
        content = json.dumps(lists, ensure_ascii=False)
        return ChatAnswer(content, "m", "stop", Usage(1, 1), (TokenLogprob(content, -0.125),))

    if "<<<FOUND" in request.messages[-1].content:
        return said(triples=[["雾中渡", "主演", "沈若汐"]] if request.sample == 0 else [])
    if request.sample == 2:
        return "对不起，我无法处理这个请求。"
    return said(anchors=[["《雾中渡》", "执导者", "林知远"]], positives=[["雾中渡", "导演", "林知远"]], negatives=[])


def documented(kind, key):
    rows = [json.loads(line) for b in blocks("docs/files.md") if b.rest == kind for line in b.body.splitlines()]
    [row] = [row for row in rows if key in row and "judge" not in row]
    return row


def test_the_candidate_row_in_docs_files_is_what_extract_gives():
    settings = ExtractionSettings(
        llm="m", prompt="contrastive", samples=3, gleanings=1, seed=5, logprobs=True, canonical_predicates=True
    )
    with Extractor(ScriptedLLM(answer=scripted), cacre.load_schema("duie"), settings) as extractor:
        extraction = extractor._run(extractor.aextract, TEXT)
    row = documented("candidates", "extraction")
    assert (row["triples"], row["extraction"]) == (list(extraction.triples), extraction.provenance)


def test_the_contrastive_row_in_docs_files_is_what_generate_gives():
    lists = {
        "anchors": [["雾中渡", "导演", "林知远"], ["雾中渡", "编剧", "顾青禾"], ["雾中渡", "气味", "顾青禾"]],
        "positives": [["雾中渡", "剧本作者", "顾青禾"]],
        "negatives": [["雾中渡", "编剧", "林知远"], ["雾中渡", "主演", "顾青禾"]],
    }
    llm = ScriptedLLM(json.dumps(lists, ensure_ascii=False))
    with Generator(llm, cacre.load_schema("duie"), ExtractionSettings(llm="m")) as generator:
        generation = generator._run(generator.agenerate, TEXT)
    assert generation.row({"id": "t1", "text": TEXT}) == documented("contrastive", "generation")


@pytest.mark.parametrize("kind", ["unreadable", "piece"])
def test_error_entries_in_docs_files_are_what_extract_writes(kind):
    [block] = [b for b in blocks("docs/files.md") if b.rest == kind]
    with LLMServer(SCRIPTS[kind]) as server:
        run(["extract", "texts.jsonl", "-o", "candidates.jsonl", "--llm", "m"], server)
    assert json.loads(Path("candidates.errors.jsonl").read_text(encoding="utf-8")) == json.loads(block.body)


# docs/errors.md


def documented_messages():
    found = blocks("docs/errors.md")
    pairs = [(a, b) for a, b in pairwise(found) if (a.language, b.language) == ("bash", "text")]
    return [pytest.param(a.rest, a.body, b.body.strip(), id=b.body[:40]) for a, b in pairs]


@pytest.mark.parametrize(("script", "command", "message"), documented_messages())
def test_messages_of_llm_jobs_in_docs_errors_are_those_of_the_code(folder, script, command, message):
    [call] = shell_calls(command)
    with LLMServer(SCRIPTS[script or "good"]) as server:
        code, _, said = run(call, server, base_url=False)
        said = said.replace(server.base_url.split("/")[2], "localhost:8000").replace(f"{folder}/", "")
    last = said.splitlines()[-1].removeprefix("error: ").removeprefix("stopped: ").partition("; so far: ")[0]
    assert (code, last) == (1, message)


@pytest.mark.parametrize("heading", ["### What the errors file of an LLM job says", "### Files of an earlier job"])
def test_fragments_of_messages_of_llm_jobs_occur_in_the_code(heading):
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/cacre").rglob("*.py"))
    # Strings in one piece, and what is filled in as a star.
    source = re.sub(r"[{][^{}]*[}]", "*", re.sub(r'"\s*f?"', "", source))
    table = read("docs/errors.md").split(f"\n{heading}\n")[1].split("\n#")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
    fragments = [
        re.sub(r"\b(6 tries|3600|600|400|429)\b", "*", part) for part in re.findall("`([^`]+)`", " ".join(cells))
    ]
    assert len(fragments) >= 4
    assert [fragment for fragment in fragments if fragment not in source] == []
