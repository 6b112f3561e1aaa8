"""The MCP server: by the SDK's own client in memory, and over stdio and HTTP against the real process."""

import asyncio
import io
import json
import socket
import subprocess
import sys

import anyio
import httpx
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from service_calls import LONG, TEXT, held_service, tiny_service
from typer.testing import CliRunner

from cacre.cli import app
from cacre.errors import UnavailableError
from cacre.schema import load_schema
from cacre.service import Proposer, ServeSettings
from cacre.service.logs import start_logging
from cacre.service.mcp import create_mcp_server
from llm_server import LLMServer, Reply, answer_for

COMMAND = [sys.executable, "-c", "from cacre.cli import app; app()", "mcp", "--threads", "1"]
RIGHT = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
OUTSIDE = {"subject": "雾中渡", "predicate": "导演", "object": "沈若汐"}


def talk(service, work, schema=None):
    """Open the service and give a client of its MCP server to `work`."""

    async def main():
        async with service, Client(create_mcp_server(service, schema or load_schema("duie"))) as client:
            return await work(client)

    return asyncio.run(main())


def call(service, tool, **arguments):
    return talk(service, lambda client: client.call_tool(tool, arguments))


def message(result):
    assert result.is_error
    return result.content[0].text


def proposing(outcome):
    async def propose(text):
        if isinstance(outcome, Exception):
            raise outcome
        return {"triples": outcome, "extraction": {"llm": "m"}}

    return Proposer("m", propose)


def test_verdicts_come_with_scores_quotes_and_reasons(tiny_folder):
    result = call(tiny_service(tiny_folder), "verify_triples", text=TEXT, triples=[RIGHT, OUTSIDE])
    told = result.structured_content
    assert (told["supported"], told["rejected"]) == (1, 1)
    right, outside = told["triples"]
    assert (right["verdict"], right["reason"], right["object"]) == ("supported", None, "林知远")
    assert isinstance(right["text_score"], float)
    quotes = [entry["quote"] for entry in right["evidence"]]
    assert {"雾中渡", "林知远"} <= set(quotes)
    assert quotes == [TEXT[entry["start"] : entry["end"]] for entry in right["evidence"]]
    assert (outside["verdict"], outside["reason"], outside["text_score"]) == (
        "rejected",
        "object not in text",
        outside["text_score"],
    )
    assert json.loads(result.content[0].text) == told, "clients without structured output read the same"


def test_tools_are_typed_and_extraction_needs_an_llm(tiny_folder):
    async def tools(client):
        return {tool.name: tool for tool in (await client.list_tools()).tools}

    without = talk(tiny_service(tiny_folder), tools)
    assert set(without) == {"verify_triples", "list_relations"}
    assert set(talk(tiny_service(tiny_folder, proposer=proposing([])), tools)) == {*without, "extract_triples"}
    verify = without["verify_triples"]
    assert verify.input_schema["required"] == ["text", "triples"]
    assert verify.input_schema["$defs"]["GivenTriple"]["required"] == ["subject", "predicate", "object"]
    assert set(verify.output_schema["$defs"]["JudgedTriple"]["properties"]) >= {"verdict", "reason", "evidence"}


def test_relations_are_those_of_the_schema():
    service, _ = held_service()
    told = call(service, "list_relations").structured_content
    schema = load_schema("duie")
    assert (told["schema_name"], told["model"]) == ("duie", "held")
    assert [relation["name"] for relation in told["relations"]] == [relation.name for relation in schema]
    assert told["relations"][0]["subject_type"] == next(iter(schema)).subject_type


def test_extracted_triples_are_judged(tiny_folder):
    service = tiny_service(tiny_folder, proposer=proposing([RIGHT, {**OUTSIDE, "object": {"@value": "沈若汐"}}]))
    told = call(service, "extract_triples", text=TEXT).structured_content
    assert [(one["object"], one["verdict"]) for one in told["triples"]] == [
        ("林知远", "supported"),
        ("沈若汐", "rejected"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"text": TEXT}, "triples: is missing"),
        ({"text": TEXT, "triples": [{**RIGHT, "object": 3}]}, "triples[0].object: Input should be a valid string"),
        ({"text": TEXT, "triples": [RIGHT, {**RIGHT, "score": 1}]}, "triples[1].score: Extra inputs are not permitted"),
        ({"text": " ", "triples": []}, "text: must not be empty, got ' '"),
        ({"text": "长" * 41, "triples": []}, "text: has 41 characters, at most 40 are allowed"),
        ({"text": TEXT, "triples": [RIGHT] * 3}, "triples: has 3 triples, at most 2 are allowed"),
    ],
)
def test_what_cannot_be_judged_is_said_plainly(arguments, said):
    service, _ = held_service(ServeSettings(max_text_characters=40, max_triples=2))
    assert message(call(service, "verify_triples", **arguments)).startswith(said)


def test_an_llm_that_fails_and_a_crash_are_told_apart(capsys):
    service, verifier = held_service()
    service._proposer = proposing(UnavailableError("custom gave no answer in 1 try"))
    assert message(call(service, "extract_triples", text=TEXT)).endswith("custom gave no answer in 1 try")
    service, verifier = held_service()
    verifier.fail = ValueError(f"crashed at {TEXT}")
    verifier.go.set()
    stream = io.StringIO()
    start_logging(stream)
    assert message(call(service, "verify_triples", text=TEXT, triples=[RIGHT])).startswith("the server failed")
    entry = json.loads(stream.getvalue().splitlines()[-1])
    assert (entry["tool"], entry["code"], entry["error"]) == ("verify_triples", "internal", "ValueError")
    assert "雾中渡" not in stream.getvalue() + capsys.readouterr().err


def test_a_call_that_takes_too_long_ends():
    service, verifier = held_service(ServeSettings(timeout_seconds=0.01))

    async def work(client):
        result = await client.call_tool("verify_triples", {"text": TEXT, "triples": [RIGHT]})
        verifier.go.set()
        return message(result)

    said = talk(service, work)
    assert said.startswith("the call took longer than 0.01 s")


def test_a_missing_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name == "cacre.service.mcp" or name.partition(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = CliRunner().invoke(app, ["mcp"])
    assert result.exit_code == 1
    assert "pip install 'cacre[mcp]'" in result.stderr


# The real process


@pytest.mark.slow
def test_the_bundled_model_judges_over_stdio(tmp_path):
    log = tmp_path / "log.jsonl"
    with LLMServer(lambda body, number: Reply(answer_for(body))) as llm, log.open("w", encoding="utf-8") as errlog:
        words = [*COMMAND, "--base-url", llm.base_url, "--llm", "m"]
        parameters = StdioServerParameters(command=words[0], args=words[1:])

        async def main():
            async with Client(stdio_client(parameters, errlog), read_timeout_seconds=LONG) as client:
                arguments = {"text": TEXT, "triples": [RIGHT, OUTSIDE]}
                verified = await client.call_tool("verify_triples", arguments)
                extracted = await client.call_tool("extract_triples", {"text": TEXT})
                return verified, extracted, await client.call_tool("verify_triples", {"text": TEXT})

        verified, extracted, refused = asyncio.run(main())
    assert [one["verdict"] for one in verified.structured_content["triples"]] == ["supported", "rejected"]
    assert extracted.structured_content["triples"]
    assert message(refused) == "triples: is missing"
    written = log.read_text(encoding="utf-8")
    entries = [json.loads(line) for line in written.splitlines()]
    assert [entry["tool"] for entry in entries if entry["event"] == "call"] == ["verify_triples", "extract_triples"]
    assert "雾中渡" not in written and "\\u96fe" not in written


@pytest.mark.slow
def test_stdout_has_the_protocol_only(tiny_folder):
    asked = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    sent = f"this is no JSON\n{json.dumps(asked)}\n"
    words = [*COMMAND, "--model", str(tiny_folder)]
    done = subprocess.run(words, input=sent, capture_output=True, encoding="utf-8", timeout=LONG, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["jsonrpc"] for line in done.stdout.splitlines()][-1:] == ["2.0"]
    assert "this is no JSON" not in done.stderr


@pytest.mark.slow
def test_http_is_on_loopback_and_under_its_own_name_only(tiny_folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [*COMMAND, "--model", str(tiny_folder), "--port", str(port)]
    url = f"http://127.0.0.1:{port}/mcp"

    async def main():
        async with asyncio.timeout(LONG):
            while True:
                try:
                    elsewhere = httpx.post(url, headers={"host": "triples.example.org"}, json={})
                    break
                except httpx.ConnectError:
                    await anyio.sleep(0.1)
        async with Client(streamable_http_client(url), read_timeout_seconds=LONG) as client:
            return elsewhere, await client.call_tool("verify_triples", {"text": TEXT, "triples": [RIGHT]})

    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        elsewhere, result = asyncio.run(main())
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=LONG)
    assert elsewhere.status_code == 421
    assert result.structured_content["triples"][0]["verdict"] == "supported"
    assert printed == b""
