"""The verifier as tools for LLMs, over the Model Context Protocol.

The tools are thin: every call becomes a request to a `VerificationService`, with its limits and its messages.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import Field, ValidationError

from cacre import __version__
from cacre.schema import Schema
from cacre.service.errors import RefusalError
from cacre.service.logs import crash_fields, log, start_logging
from cacre.service.mcp_values import GivenTriple, Judgement, Relation, Relations
from cacre.service.service import VerificationService
from cacre.service.values import Answer

LOOPBACK = "127.0.0.1"
"""The only address that the server listens on, since it asks for no token."""

Text = Annotated[str, Field(description="The text, whole and unchanged: evidence is quoted from it.")]
Triples = Annotated[list[GivenTriple], Field(description="The triples to be judged.")]
_READS_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_ASKS_AN_LLM = ToolAnnotations(read_only_hint=True, idempotent_hint=False, open_world_hint=True)
_INSTRUCTIONS = (
    "cacre says which relation triples a text really supports. It judges what the text says, not what is true. Call "
    "list_relations once to see which predicates are known; a triple with another predicate is rejected. Then call "
    "verify_triples with a text and triples for it, and keep those whose verdict is supported."
)
_VERIFY = (
    "Judge relation triples against a text: for each one whether the text supports it, with scores, the evidence "
    "quoted from the text, and the reason for a rejection. A small local model judges; no LLM is asked."
)
_EXTRACT = "Let the configured LLM propose relation triples for a text, and judge each of them as verify_triples does."
_LIST = "List the relations of the schema: name, types of subject and object, description, synonyms."


class _Tools:
    """The functions behind the tools."""

    def __init__(self, service: VerificationService, schema: Schema) -> None:
        self._service, self._schema = service, schema

    async def verify_triples(self, text: Text, triples: Triples) -> Judgement:
        body = {"text": text, "triples": [triple.item() for triple in triples]}
        seconds = self._service.settings.timeout_seconds
        return Judgement.of(await _answered("verify_triples", self._service.verify(body), seconds))

    async def extract_triples(self, text: Text) -> Judgement:
        seconds = self._service.settings.extract_timeout_seconds
        content = await _answered("extract_triples", self._service.extract({"texts": [text]}), seconds)
        return Judgement.of(content["all"][0])

    async def list_relations(self) -> Relations:
        relations = [Relation.of(relation) for relation in self._schema]
        model = str(self._service.model().content["name"])
        return Relations(schema_name=self._schema.name, model=model, relations=relations)


class _PlainServer(MCPServer[None]):
    """A server whose tool errors are the plain message alone, and whose log has no word of a client."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool.

        Raises:
            ToolError: The arguments cannot be used, or the tool failed; the message says why and what to do.
        """
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError):
                raise ToolError(_first_fault(cause)) from None
            raise ToolError(str(cause or error)) from None


def create_mcp_server(service: VerificationService, schema: Schema) -> MCPServer[None]:
    """Make the server; the service has to be open while it is used.

    Args:
        service: Answers the calls; `extract_triples` is there only if it has a proposer.
        schema: The relations that are listed.
    """
    # The SDK's own log quotes what clients sent: it is let through without its messages, see `start_mcp_logging`.
    server = _PlainServer("cacre", version=__version__, instructions=_INSTRUCTIONS, log_level="CRITICAL")
    tools = _Tools(service, schema)
    server.add_tool(tools.verify_triples, description=_VERIFY, annotations=_READS_ONLY)
    if service.model().content["llm"] is not None:
        server.add_tool(tools.extract_triples, description=_EXTRACT, annotations=_ASKS_AN_LLM)
    server.add_tool(tools.list_relations, description=_LIST, annotations=_READS_ONLY)
    return server


def run_mcp_server(service: VerificationService, schema: Schema, port: int | None = None) -> None:
    """Serve until the client closes its end, or, over HTTP, until SIGTERM or SIGINT.

    Args:
        service: Answers the calls.
        schema: The relations that are listed.
        port: Serves over streamable HTTP on this port of 127.0.0.1; None serves over standard input and output.
    """
    start_mcp_logging()

    async def serve() -> None:
        async with service:
            server = create_mcp_server(service, schema)
            await (server.run_stdio_async() if port is None else _http(server, service, port).serve())

    anyio.run(serve)


def _http(server: MCPServer[None], service: VerificationService, port: int) -> uvicorn.Server:
    # Each request stands for itself, so that no session has to be remembered. For this host the SDK also refuses
    # requests under another name, by which a web page could reach the server.
    app = server.streamable_http_app(
        host=LOOPBACK,
        stateless_http=True,
        json_response=True,
        max_request_body_size=service.settings.max_body_bytes,
    )
    config = uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(service.settings.shutdown_seconds),
    )
    return uvicorn.Server(config)


class _WithoutMessages(logging.Handler):
    """Passes records on to the service's log as kind and place, because their messages may hold a text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log where the record is from."""
        error = record.exc_info[1] if record.exc_info else None
        place = {"at": [f"{record.filename}:{record.lineno}"], **(crash_fields(error) if error else {})}
        log("protocol", place, record.levelno)


def start_mcp_logging() -> None:
    """Send this process's log to stderr, which is the only stream that is not the protocol's."""
    start_logging()
    logger = logging.getLogger("mcp")
    logger.handlers, logger.propagate = [_WithoutMessages()], False
    logger.setLevel(logging.WARNING)


async def _answered(tool: str, work: Awaitable[Answer], seconds: float) -> Mapping[str, Any]:
    """Do the work of a call and log its numbers.

    Raises:
        ToolError: It was refused, took too long, or failed.
    """
    start, fields = time.monotonic(), {"tool": tool}
    try:
        async with asyncio.timeout(seconds):
            answer = await work
    except RefusalError as error:
        _log_call(start, {**fields, "code": error.code})
        raise ToolError(_said(error)) from error
    except TimeoutError as error:
        _log_call(start, {**fields, "code": "timeout"})
        raise ToolError(f"the call took longer than {seconds:g} s: send less, or try again later") from error
    except Exception as error:
        _log_call(start, {**fields, "code": "internal", **crash_fields(error)}, logging.ERROR)
        raise ToolError("the server failed at this call: its log on stderr has kind and place") from error
    _log_call(start, {**fields, **answer.counts})
    return answer.content


def _log_call(start: float, fields: Mapping[str, object], level: int = logging.INFO) -> None:
    log("call", {**fields, "ms": round((time.monotonic() - start) * 1000, 1)}, level)


def _said(error: RefusalError) -> str:
    return f"{error.field}: {error.message}" if error.field else error.message


def _first_fault(error: ValidationError) -> str:
    """The first of pydantic's complaints, named like the service's own: `triples[0].object: ...`."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    message = "is missing" if first["type"] == "missing" else first["msg"]
    return f"{place}: {message}"
