"""Who may come in, and what is told about requests: tokens, hosts, ids, the log and the metrics."""

import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families
from service_calls import (
    RIGHT,
    ROW,
    TEXT,
    TOKEN,
    HeldVerifier,
    ask,
    error_of,
    held_service,
    over_asgi,
    post,
    tiny_service,
)

from cacre.service import ServeSettings
from cacre.service.logs import LOGGER, JsonFormatter


def test_health_and_readiness():
    service, _ = held_service()

    async def talk(client):
        before = await client.get("/readyz")
        service.drain()
        return before, await client.get("/readyz"), await client.get("/healthz")

    before, after, alive = over_asgi(service, talk)
    assert (before.status_code, after.status_code, alive.status_code) == (200, 503, 200)
    assert error_of(after)["code"] == "not_ready"
    assert after.headers["retry-after"] == "1"
    assert (before.headers.get("connection"), alive.headers["connection"]) == (None, "close")


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer", f"Bearer {TOKEN}x", "Bearer ü"]
)
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/model", "/metrics", "/openapi.json", "/nothing"])
def test_without_the_token_nothing_is_told(header, path):
    service, _ = held_service(ServeSettings(token=TOKEN))
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    response = ask(service, "GET", path, headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == 'Bearer realm="cacre"'
    assert TOKEN not in response.text


def test_with_the_token_everything_is_served_and_probes_need_none():
    service, verifier = held_service(ServeSettings(token=TOKEN))
    verifier.go.set()

    async def talk(client):
        for path in ("/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200
        for scheme in ("Bearer", "bearer"):
            headers = {"authorization": f"{scheme} {TOKEN}"}
            assert (await client.get("/metrics", headers=headers)).status_code == 200
            assert (await client.post("/v1/verify", json=ROW, headers=headers)).status_code == 200
        other = await client.get("/v1/model", headers={**headers, "host": "triples.example.org"})
        assert other.status_code == 200, "with a token, any name will do"

    over_asgi(service, talk)


def test_metrics_can_be_opened():
    service, _ = held_service(ServeSettings(token=TOKEN, open_metrics=True))
    assert ask(service, "GET", "/metrics").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8000", 200), ("127.0.0.1", 200), ("[::1]:9", 200), ("evil.example.org", 421), ("", 421)],
)
def test_without_a_token_only_localhost_is_answered(host, status):
    service, _ = held_service()
    assert ask(service, "GET", "/v1/model", headers={"host": host}).status_code == status


def test_request_ids_are_kept_if_they_are_usable():
    for given, kept in (("job-7.a_b", True), ("a b", False), ("x" * 129, False), ("雾".encode(), False), ("", False)):
        service, _ = held_service()
        answered = ask(service, "GET", "/healthz", headers={"x-request-id": given}).headers["x-request-id"]
        assert (answered == given) is kept
        assert kept or len(answered) == 32


def test_the_log_tells_numbers_and_no_texts(tiny_folder):
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(JsonFormatter().format(record))

    handler = Lines()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    marker = "绝密标记"
    try:
        service = tiny_service(tiny_folder, ServeSettings(token=TOKEN))
        row = {"text": marker + TEXT, "triples": [RIGHT, [marker, marker, marker]], marker: marker}
        bad = {"text": TEXT, "triples": [{marker: marker}]}

        async def talk(client):
            await client.post(f"/v1/verify?{marker}=1", json=row)
            await client.post("/v1/filter", json={"rows": [row, bad]})
            await client.post("/v1/verify", content=marker.encode())
            await client.get(f"/{marker}")
            await client.request(marker.encode().hex(), "/healthz")

        over_asgi(service, talk, headers={"authorization": f"Bearer {TOKEN}", "user-agent": "agent-marker"})
        held, verifier = held_service(verifier=HeldVerifier(fail=RuntimeError(marker)))
        verifier.go.set()
        crashed = post(held, "/v1/verify", row)
    finally:
        LOGGER.removeHandler(handler)
    entries = [json.loads(line) for line in lines]
    whole = "\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    assert not any(secret in whole for secret in (marker, "雾中渡", TOKEN, "agent-marker", marker.encode().hex()))
    first = entries[0]
    assert (first["route"], first["status"], first["rows"], first["kept"]) == ("/v1/verify", 200, 1, 1)
    assert (entries[1]["code"], entries[1]["row"]) == ("invalid", 1)
    assert {"time", "level", "event", "request_id", "method", "ms"} <= first.keys()
    crash = next(entry for entry in entries if entry["event"] == "crash")
    assert (crash["error"], crash["level"]) == ("RuntimeError", "error")
    assert crashed.status_code == 500
    assert error_of(crashed)["code"] == "internal"
    assert marker not in crashed.text


def test_metrics_are_readable_and_their_labels_bounded(tiny_folder):
    service = tiny_service(tiny_folder)

    async def talk(client):
        await client.post("/v1/verify", json=ROW)
        for number in range(20):
            await client.get(f"/nothing/{number}")
            await client.request(f"METHOD{number}", "/healthz")
        return await client.get("/metrics")

    response = over_asgi(service, talk)
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    requests = {
        tuple(s.labels.values()): s.value for s in families["cacre_requests"].samples if s.name.endswith("total")
    }
    assert requests == {("/v1/verify", "200"): 1.0, ("other", "404"): 20.0, ("/healthz", "405"): 20.0}
    verdicts = {
        tuple(s.labels.values()): s.value for s in families["cacre_candidates"].samples if s.name.endswith("total")
    }
    assert verdicts == {("", "supported"): 2.0, ("object not in text", "rejected"): 1.0}
    assert {"cacre_request_seconds", "cacre_batch_rows", "cacre_batch_triples", "cacre_queue_rows"} <= families.keys()
