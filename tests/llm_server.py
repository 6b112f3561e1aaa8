"""An OpenAI-compatible server on loopback that answers as a script says, faults included.

In a test:

    with LLMServer([error(429, headers={"retry-after": "1"}), "好"]) as server:
        ...  # talk to server.base_url, then look at server.calls

On its own, for benchmarks (prints its base URL, then serves until it is terminated):
    python tests/llm_server.py --port 0 --latency 0.2 --faults 0.2 --seed 1 --log calls.jsonl
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import h11

RELATIONS = ("导演", "编剧", "主演", "作者", "歌手", "作词", "作曲", "妻子", "父亲", "母亲", "创始人", "董事长")
MODEL = "scripted-model"
_BLOCK = re.compile(r"<<<(?P<label>[A-Z]+) (?P<code>\w+)\n(?P<text>.*?)\n(?P=label) (?P=code)>>>", re.DOTALL)
_RUN = re.compile(r"\w{2,}")


@dataclass(frozen=True)
class Reply:
    """What one call gets: a good answer, unless something else is said.

    content: text of the answer, or a list of parts, or None. body: whole response body, as bytes, instead.
    usage: (prompt, completion) tokens; () counts characters; None leaves it out. logprobs: [(token, logprob), ...].
    delay: seconds before the first byte. trickle: seconds over which the body is spread, in small pieces.
    drop: close the connection "before" the response or in the "middle" of its body. fault: name for the log.
    """

    content: object = "好"
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes | None = None
    usage: tuple | None = ()
    finish_reason: str | None = "stop"
    refusal: str | None = None
    logprobs: list | None = None
    model: str | None = None
    delay: float = 0.0
    trickle: float = 0.0
    drop: str = ""
    fault: str = "ok"

    def tokens(self, request):
        """Tokens that this answer is said to use; None where nothing is said."""
        counted = sum(len(str(turn.get("content"))) for turn in request.get("messages", ())), len(str(self.content))
        return counted if self.usage == () else self.usage

    def payload(self, request):
        """The response's body."""
        if self.body is not None:
            return self.body
        logprobs = self.logprobs and {"content": [{"token": token, "logprob": value} for token, value in self.logprobs]}
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": logprobs}
        completion = {"id": "chatcmpl-0", "choices": [choice], "model": self.model or request.get("model", MODEL)}
        if (tokens := self.tokens(request)) is not None:
            completion["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
        return json.dumps(completion, ensure_ascii=False).encode()


def error(status, message="", *, code=None, param=None, headers=None):
    """A refusal in OpenAI's form."""
    body = {"error": {"message": message, "type": "error", "code": code, "param": param}}
    return Reply(status=status, headers=headers or {}, body=json.dumps(body).encode(), fault=str(status))


@dataclass(frozen=True)
class Call:
    """A chat request that arrived; names of headers in lower case, time by the monotonic clock."""

    body: dict
    headers: dict
    time: float = field(default_factory=time.monotonic)


def answer_for(body):
    """A good answer made from the request's own text: the same for the same request, and readable in every prompt."""
    messages = [str(turn.get("content")) for turn in body.get("messages", ()) if turn.get("role") != "assistant"]
    question = messages[-1] if messages else ""
    blocks = {match["label"]: match["text"] for match in _BLOCK.finditer(question)}
    instructions = "\n".join(messages[:-1]) + _BLOCK.sub("", question)
    text = blocks.get("TEXT", question)
    if '"reviews"' in instructions:
        count = blocks.get("TRIPLES", "").strip().count("\n") + 1
        reviews = [{"number": number, "decision": "accept", "reason": "原文"} for number in range(1, count + 1)]
        return json.dumps({"reviews": reviews, "again": False, "missing": ""}, ensure_ascii=False)
    if "TRIPLES" in blocks or "verdicts" in instructions:
        count = blocks.get("TRIPLES", "").strip().count("\n") + 1
        verdicts = [{"number": number, "supported": number % 2 == 1} for number in range(1, count + 1)]
        return json.dumps({"verdicts": verdicts})
    is_contrastive = any(word in instructions for word in ("anchor", "Anchor", "锚点"))
    runs = _RUN.findall(text)
    if not runs or ("FOUND" in blocks and "NOTES" not in blocks) or (len(runs) == 1 and len(runs[0]) < 4):
        return json.dumps({"anchors": [], "positives": [], "negatives": []} if is_contrastive else {"triples": []})
    subject, last = runs[0][:2], runs[-1][-2:]
    predicate = next((name for name in RELATIONS if name in text), RELATIONS[0])
    if '{"relations": [' in instructions:
        return json.dumps({"relations": [predicate]}, ensure_ascii=False)
    if "NOTES" in blocks:
        return json.dumps({"facts": [{"relation": predicate, "entities": [subject, last]}]}, ensure_ascii=False)
    wrong = RELATIONS[1] if predicate == RELATIONS[0] else RELATIONS[0]
    said = [{"subject": subject, "predicate": name, "object": last} for name in (predicate, predicate + "是", wrong)]
    lists = {"anchors": said[:1], "positives": said[1:2], "negatives": said[2:]}
    return json.dumps(lists if is_contrastive else {"triples": said[:1]}, ensure_ascii=False)


class Faults:
    """A script: good answers, and for a seeded share of the calls a fault of any kind."""

    def __init__(self, share=0.0, seed=0, latency=0.0, stall=30.0, slow=0.5):
        self._random, self._share, self._latency = random.Random(seed), share, latency
        self._kinds = (
            error(429, "too many requests", headers={"retry-after": "0.05"}),
            error(500, "internal error"),
            Reply(delay=stall, fault="stall"),
            Reply(drop="before", fault="dropped before"),
            Reply(drop="middle", fault="dropped middle"),
            Reply(body=b"<html>bad gateway</html>", fault="not json"),
            Reply(body=b'{"choices": "none"}', fault="wrong shape"),
            Reply(body=b'{"id": "chatcmpl-0", "choices": [{"m', fault="cut json"),
            Reply(trickle=slow, fault="slow"),
        )

    def __call__(self, body, number):
        good = Reply(answer_for(body), delay=self._latency)
        if self._random.random() >= self._share:
            return good
        fault = self._random.choice(self._kinds)
        return replace(fault, content=good.content, delay=fault.delay + self._latency)


class _Connection(asyncio.Protocol):
    def __init__(self, server):
        self._server, self._h11 = server, h11.Connection(h11.SERVER)
        self._request, self._pieces, self._timer, self._transport = None, [], None, None

    def connection_made(self, transport):
        self._transport = transport
        self._server.open.add(transport)
        self._server.connections += 1

    def connection_lost(self, exc):
        self._server.open.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data):
        self._h11.receive_data(data)
        self._advance()

    def _advance(self):
        try:
            while (event := self._h11.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Request):
                    self._request, self._pieces = event, []
                elif isinstance(event, h11.Data):
                    self._pieces.append(bytes(event.data))
                elif isinstance(event, h11.ConnectionClosed):
                    return self._transport.close()
                elif isinstance(event, h11.EndOfMessage):
                    reply, payload = self._server.reply(self._request, b"".join(self._pieces))
                    self._later(reply.delay, self._send, reply, payload)
        except h11.RemoteProtocolError:
            self._transport.close()

    def _later(self, seconds, function, *arguments):
        if seconds <= 0:
            return function(*arguments)
        self._timer = asyncio.get_running_loop().call_later(seconds, function, *arguments)

    def _send(self, reply, payload):
        if reply.drop == "before":
            return self._transport.close()
        given = {"content-type": "application/json", **reply.headers, "content-length": str(len(payload))}
        head = self._h11.send(h11.Response(status_code=reply.status, headers=list(given.items())))
        if reply.drop == "middle":
            self._transport.write(head + payload[: len(payload) // 2])
            self._transport.close()
        elif reply.trickle:
            self._transport.write(head)
            self._trickle(payload, 0, reply.trickle / 20)
        else:
            self._transport.write(head + self._h11.send(h11.Data(payload)))
            self._finish()

    def _trickle(self, payload, start, pause):
        step = max(1, len(payload) // 20)
        self._transport.write(self._h11.send(h11.Data(payload[start : start + step])))
        if start + step < len(payload):
            self._later(pause, self._trickle, payload, start + step, pause)
        else:
            self._finish()

    def _finish(self):
        self._transport.write(self._h11.send(h11.EndOfMessage()))
        if self._h11.our_state is h11.MUST_CLOSE:
            return self._transport.close()
        self._h11.start_next_cycle()
        self._advance()


class LLMServer:
    """The server, in a thread of its own while it is used as a context manager.

    script: called with the request's body and the call's number from 0, gives a Reply or its content; or a list of
    them (what comes after its end is refused with 418); or one for all; or None for `answer_for`.
    record: keep `calls`, at most `most`; `count` counts all chat calls either way. log: a text stream for JSON lines.
    """

    def __init__(self, script=None, *, record=True, most=10_000, log=None):
        self._script = Faults() if script is None else script
        self._record, self._most, self._log = record, most, log
        self.calls, self.count, self.connections, self.open, self.base_url = [], 0, 0, set(), ""

    def reply(self, request, raw):
        """What a request gets, and the bytes of its body."""
        path = request.target.decode()
        if path.endswith("/models"):
            return Reply(), json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
        if not path.endswith("/chat/completions"):
            return (reply := error(404, f"no such path: {path}")), reply.body
        body = json.loads(raw)
        reply = self._scripted(body, self.count)
        self.count += 1
        if self._record and len(self.calls) < self._most:
            self.calls.append(Call(body, {name.decode(): value.decode() for name, value in request.headers}))
        if self._log is not None:
            answered = reply.status == 200 and reply.body is None and not reply.drop and reply.fault != "stall"
            usage = reply.tokens(body) if answered else None
            line = {"sha256": hashlib.sha256(raw).hexdigest(), "fault": reply.fault, "usage": usage}
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()
        return reply, reply.payload(body)

    def _scripted(self, body, number):
        script = self._script
        if isinstance(script, list):
            script = script[number] if number < len(script) else error(418, "the script has no more replies")
        reply = script(body, number) if callable(script) else script
        return Reply(reply) if isinstance(reply, str) else reply

    async def serve(self, port, started, ended):
        """Serve until the event `ended`; calls `started` once `base_url` is known."""
        listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", port, backlog=1024
        )
        self.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        started()
        await ended.wait()
        listener.close()
        for transport in list(self.open):
            transport.abort()
        await listener.wait_closed()

    def __enter__(self):
        started = threading.Event()

        async def run():
            self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
            await self.serve(0, started.set, self._ended)

        self._thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)


async def _main(options):
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    script = Faults(options.faults, options.seed, options.latency, options.stall, options.slow)
    with Path(options.log or os.devnull).open("a", encoding="utf-8") as log:
        server = LLMServer(script, record=False, log=log if options.log else None)
        await server.serve(options.port, lambda: print(server.base_url, flush=True), ended)  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=0)
    for name, default, meaning in (
        ("latency", 0.0, "seconds before each answer"),
        ("faults", 0.0, "share of the calls that get a fault"),
        ("stall", 30.0, "seconds of silence of the fault `stall`"),
        ("slow", 0.5, "seconds that the answer of the fault `slow` takes"),
    ):
        parser.add_argument(f"--{name}", type=float, default=default, help=meaning)
    parser.add_argument("--log", help="file that gets a JSON line for each call")
    asyncio.run(_main(parser.parse_args()))
