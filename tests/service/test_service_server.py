"""A real server on loopback: streams, concurrency, and an end that loses nothing."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from service_calls import LONG, ROW, TOKEN, HeldVerifier, error_of, held_service, tiny_service

from cacre.errors import ConfigError
from cacre.service import ServeSettings, serving
from cacre.service.server import GracefulServer, _accepted, bind

FREE = ServeSettings(port=0, drain_seconds=0.0, timeout_seconds=LONG, shutdown_seconds=LONG)
JSON = {"content-type": "application/json"}


def test_concurrent_clients_over_sockets(tiny_folder):
    with serving(tiny_service(tiny_folder), FREE) as url, httpx.Client(base_url=url, timeout=LONG) as client:
        expected = client.post("/v1/verify", json=ROW).json()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: client.post("/v1/verify", json=ROW).json(), range(64)))
    assert answers == [expected] * 64


def test_a_long_body_is_refused_before_it_has_come(tiny_folder):
    settings = FREE.model_copy(update={"max_body_bytes": 1000})
    with serving(tiny_service(tiny_folder, settings), settings) as url:

        def pieces():
            for _ in range(3):
                yield b" " * 600

        streamed = httpx.post(f"{url}/v1/verify", content=pieces(), headers=JSON, timeout=LONG)
        told = httpx.post(f"{url}/v1/verify", content=b" " * 1500, headers=JSON, timeout=LONG)
        expecting = httpx.post(
            f"{url}/v1/verify", content=b" " * 1500, headers={**JSON, "expect": "100-continue"}, timeout=LONG
        )
    for response in (streamed, told, expecting):
        assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")


def test_bad_http_does_not_end_the_service(tiny_folder):
    with serving(tiny_service(tiny_folder), FREE) as url:
        host, port = url.removeprefix("http://").split(":")
        for junk in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST /v1/verify HTTP/1.1\r\nHost: x\r\n\r\n{"):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(junk)
        assert httpx.get(f"{url}/healthz", timeout=LONG).status_code == 200


def test_a_port_that_is_taken_is_named(tiny_folder):
    with serving(tiny_service(tiny_folder), FREE) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=rf"cannot listen on 127.0.0.1 port {port}"):
            bind(ServeSettings(port=port))


def test_ipv6_loopback_works_where_there_is_one(tiny_folder):
    settings = FREE.model_copy(update={"host": "::1"})
    try:
        bind(settings).close()
    except ConfigError:
        pytest.skip("no IPv6 here")
    with serving(tiny_service(tiny_folder), settings) as url:
        assert httpx.get(f"{url}/readyz", timeout=LONG).status_code == 200


def test_a_model_that_fails_at_once_does_not_start():
    class Broken(HeldVerifier):
        def verify(self, text, candidates):
            raise RuntimeError("broken")

    service, _ = held_service(FREE, Broken())
    with pytest.raises(ConfigError, match="did not start"), serving(service, FREE):
        pass


class Running:
    """A graceful server in a thread, on which the tests press SIGTERM by hand."""

    def __init__(self, service, settings):
        self.server, listening = GracefulServer(service, settings), bind(settings)
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]})

    def __enter__(self):
        self.thread.start()
        while not self.server.started:
            threading.Event().wait(0.005)
        return self

    def __exit__(self, *_):
        self.server.handle_exit(signal.SIGTERM, None)
        self.server.handle_exit(signal.SIGTERM, None)
        self.thread.join(LONG)
        assert not self.thread.is_alive()

    def terminate(self):
        self.server.handle_exit(signal.SIGTERM, None)


def closed(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def wait_for(condition):
    for _ in range(100_000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never came")


def test_sigterm_turns_readiness_first_and_still_takes_requests():
    settings = FREE.model_copy(update={"drain_seconds": 3600.0})
    service, verifier = held_service(settings)
    verifier.go.set()
    with Running(service, settings) as running:
        running.terminate()
        assert httpx.get(f"{running.url}/readyz", timeout=LONG).status_code == 503
        late = httpx.post(f"{running.url}/v1/verify", json=ROW, timeout=LONG)
        assert (late.status_code, late.headers["connection"]) == (200, "close")


def test_what_was_accepted_is_answered_after_the_door_is_shut():
    service, verifier = held_service(FREE)
    with Running(service, FREE) as running, ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(httpx.post, f"{running.url}/v1/verify", json=ROW, timeout=LONG) for _ in range(8)]
        wait_for(lambda: service.rows.taken == 8)
        running.terminate()
        wait_for(lambda: closed(running.port))
        verifier.go.set()
        assert [call.result().status_code for call in calls] == [200] * 8


def test_a_connection_that_has_not_asked_yet_may_still_ask(monkeypatch):
    monkeypatch.setattr("cacre.service.server._SETTLE_SECONDS", LONG)
    service, verifier = held_service(FREE)
    verifier.go.set()
    body = json.dumps(ROW).encode()
    head = (
        f"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    with Running(service, FREE) as running, socket.create_connection(("127.0.0.1", running.port)) as early:
        wait_for(lambda: running.server.server_state.connections)
        running.terminate()
        wait_for(lambda: closed(running.port))
        early.sendall(head.encode() + b"\r\n\r\n" + body)
        early.settimeout(LONG)
        assert early.recv(100).startswith(b"HTTP/1.1 200")


def test_connections_that_the_kernel_has_accepted_are_taken():
    with bind(FREE) as listening:
        listening.setblocking(False)
        clients = [socket.create_connection(listening.getsockname()) for _ in range(3)]
        accepted = []
        wait_for(lambda: accepted.extend(_accepted(listening)) or len(accepted) == 3)
        for connection in (*accepted, *clients):
            connection.close()


def test_what_does_not_end_in_time_is_told_so():
    settings = FREE.model_copy(update={"shutdown_seconds": 0.5})
    service, verifier = held_service(settings)
    with Running(service, settings) as running, ThreadPoolExecutor(1) as pool:
        call = pool.submit(httpx.post, f"{running.url}/v1/verify", json=ROW, timeout=LONG)
        wait_for(verifier.reached.is_set)
        running.terminate()
        response = call.result()
        verifier.go.set()
    assert (response.status_code, error_of(response)["code"]) == (503, "stopped")


COMMAND = "import sys; from cacre.cli import app; sys.argv[0] = 'cacre'; app()"


@pytest.mark.slow
def test_sigterm_under_load_loses_no_accepted_request(tiny_folder):
    environment = {**os.environ, "CACRE_SERVE_TOKEN": TOKEN}
    words = ["serve", "--port", "0", "--model", str(tiny_folder), "--threads", "1", "--drain-seconds", "0.3"]
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], stderr=subprocess.PIPE, text=True, env=environment
    )
    url = json.loads(child.stderr.readline())["url"]
    log = []
    reader = threading.Thread(target=lambda: log.extend(child.stderr))
    reader.start()
    answered, lost = [], []

    async def one(client):
        while True:
            try:
                answered.append((await client.post("/v1/verify", json=ROW)).status_code)
            except httpx.ConnectError:
                return  # the door is shut: this request was never accepted
            except httpx.HTTPError as error:
                lost.append(repr(error))
                return

    async def main():
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=LONG) as client:
            load = [asyncio.create_task(one(client)) for _ in range(16)]
            while len(answered) < 50:
                await asyncio.sleep(0.01)
            child.send_signal(signal.SIGTERM)
            await asyncio.gather(*load)

    asyncio.run(main())
    assert child.wait(LONG) == 0
    reader.join()
    child.stderr.close()
    assert lost == []
    assert set(answered) == {200}
    events = [json.loads(line) for line in log]
    assert [entry["event"] for entry in events if entry["event"] != "request"] == ["stopping", "stopped"]
    assert sum(entry["event"] == "request" for entry in events) == len(answered)
    assert TOKEN not in "".join(log)
