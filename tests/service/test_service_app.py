"""Requests over ASGI: what is answered, and how what cannot be used is refused."""

import asyncio
import json
import re

import httpx
import pytest
from service_calls import (
    LISTED,
    LONG,
    OUTSIDE,
    RIGHT,
    ROW,
    TEXT,
    URL,
    ask,
    error_of,
    held_service,
    over_asgi,
    post,
    tiny_service,
    until,
)

from cacre.service import ServeSettings, create_app
from cacre.service.documents import JudgedRow, verify_body

JSON = {"content-type": "application/json"}


def test_verify_answers_the_row_with_verdicts(tiny_folder):
    response = post(tiny_service(tiny_folder), "/v1/verify", {"id": "k", **ROW})
    row = response.json()
    assert (response.status_code, row["id"], row["text"]) == (200, "k", TEXT)
    assert [triple["verdict"] for triple in row["triples"]] == ["supported", "supported", "rejected"]
    keys = {"verdict", "text_score", "pair_score", "probability", "evidence"}
    assert all(keys <= triple.keys() for triple in row["triples"])
    assert "林知远" in response.text, "characters are not escaped"


def test_64_concurrent_clients_get_what_one_gets(tiny_folder):
    service = tiny_service(tiny_folder, ServeSettings(max_batch_rows=5, timeout_seconds=LONG))
    bodies = [{"id": str(n), "text": TEXT * (n % 7 + 1), "triples": [RIGHT, LISTED, OUTSIDE]} for n in range(64)]

    async def together(client):
        return await asyncio.gather(*(client.post("/v1/verify", json=body) for body in bodies))

    async def one_by_one(client):
        return [await client.post("/v1/verify", json=body) for body in bodies]

    shared = [response.text for response in over_asgi(service, together)]
    assert shared == [response.text for response in over_asgi(tiny_service(tiny_folder), one_by_one)]


def test_a_text_of_100_000_characters(tiny_folder):
    body = {"text": (TEXT * 10_000)[:100_000], "triples": [RIGHT]}
    refused = post(tiny_service(tiny_folder), "/v1/verify", body)
    assert refused.status_code == 422
    assert error_of(refused)["field"] == "text"
    assert "100000 characters, at most 20000" in error_of(refused)["message"]
    served = post(
        tiny_service(tiny_folder, ServeSettings(max_text_characters=100_000, timeout_seconds=LONG)), "/v1/verify", body
    )
    assert served.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "field", "row"),
    [
        ("/v1/verify", {"text": TEXT}, 422, "triples", None),
        ("/v1/verify", {"triples": []}, 422, "text", None),
        ("/v1/verify", {"text": 5, "triples": []}, 422, "text", None),
        ("/v1/verify", {"text": " ", "triples": []}, 422, "text", None),
        ("/v1/verify", {"text": "a\x00b", "triples": []}, 422, "text", None),
        ("/v1/verify", {"text": TEXT, "triples": "abc"}, 422, "triples", None),
        ("/v1/verify", {"text": TEXT, "triples": [["a", "b"]]}, 422, "triples[0]", None),
        ("/v1/verify", {"text": TEXT, "triples": [None]}, 422, "triples[0]", None),
        ("/v1/verify", {"text": TEXT, "triples": [["a", "b", 3]]}, 422, "triples[0].object", None),
        ("/v1/verify", {"text": TEXT, "triples": [RIGHT, ["a", "b", ""]]}, 422, "triples[1].object", None),
        ("/v1/verify", {"text": TEXT, "triples": [RIGHT] * 1001}, 422, "triples", None),
        ("/v1/filter", {}, 422, "rows", None),
        ("/v1/filter", {"rows": {}}, 422, "rows", None),
        ("/v1/filter", {"rows": [ROW, []]}, 422, None, 1),
        ("/v1/filter", {"rows": [ROW, {"text": TEXT, "triples": [{"subject": "a"}]}]}, 422, "triples[0].predicate", 1),
        ("/v1/filter", {"rows": [{"text": TEXT, "triples": []}] * 257}, 413, "rows", None),
        ("/v1/extract", {"texts": [TEXT]}, 501, None, None),
    ],
)
def test_what_cannot_be_used_is_named(tiny_folder, path, body, status, field, row):
    response = post(tiny_service(tiny_folder), path, body)
    error = error_of(response)
    assert (response.status_code, error["field"], error["row"]) == (status, field, row)
    assert error["message"]


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 400, "not valid JSON at column 1"),
        (b'{"text": "a", "triples": [', 400, "not valid JSON"),
        (b"[]", 400, "expected a JSON object, got list"),
        (b"null", 400, "expected a JSON object, got NoneType"),
        (b'{"text": NaN}', 400, "NaN is not JSON"),
        (b'{"text": 1e999}', 400, "out of range"),
        (b'{"text": ' + b"9" * 5000 + b"}", 400, "a number cannot be read"),
        (b"[" * 100_000, 400, "nested too deeply"),
        ('{"text": "雾"}'.encode("gbk"), 400, "not UTF-8"),
        ('{"text": "雾'.encode()[:-1], 400, "not UTF-8"),
        (b'{"text": "a\\ud800b", "triples": []}', 422, "lone surrogate"),
        (b'{"text": "a", "triples": [["a", "b", "\\udfff"]]}', 422, "lone surrogate"),
        (b'{"text": "a", "triples": [["a", "b", "\\u0000c"]]}', 422, "NUL"),
    ],
)
def test_malformed_bodies_get_a_clear_4xx(tiny_folder, content, status, message):
    response = ask(tiny_service(tiny_folder), "POST", "/v1/verify", content=content, headers=JSON)
    assert response.status_code == status
    assert message in error_of(response)["message"]


def test_a_byte_order_mark_is_passed_over_once(tiny_folder):
    content = json.dumps(ROW).encode("utf-8-sig")
    response = ask(tiny_service(tiny_folder), "POST", "/v1/verify", content=content, headers=JSON)
    assert (response.status_code, len(response.json()["triples"])) == (200, 3)
    twice = ask(tiny_service(tiny_folder), "POST", "/v1/verify", content=b"\xef\xbb\xbf" + content, headers=JSON)
    assert (twice.status_code, error_of(twice)["code"]) == (400, "bad_json")


@pytest.mark.parametrize("depth", [900, 960, 980, 990, 995])
def test_deep_values_that_pass_through_never_break_the_answer(tiny_folder, depth):
    content = b'{"rows": [{"text": "a", "triples": [], "deep": ' + b"[" * depth + b"]" * depth + b"}]}"
    response = ask(tiny_service(tiny_folder), "POST", "/v1/filter", content=content, headers=JSON)
    assert response.status_code in (200, 400, 422)
    assert response.status_code == 200 or "deeply" in error_of(response)["message"]


def test_only_plain_json_is_taken(tiny_folder):
    service = tiny_service(tiny_folder)
    for headers in ({"content-type": "text/plain"}, {}, {**JSON, "content-encoding": "gzip"}):
        response = ask(tiny_service(tiny_folder), "POST", "/v1/verify", content=b"{}", headers=headers)
        assert (response.status_code, error_of(response)["code"]) == (415, "not_json")
    assert ask(service, "GET", "/v1/verify").headers["allow"] == "POST"
    assert error_of(ask(tiny_service(tiny_folder), "GET", "/v1/verify"))["code"] == "method_not_allowed"
    assert error_of(ask(tiny_service(tiny_folder), "GET", "/" + "x" * 100))["code"] == "not_found"


def test_a_body_is_refused_while_it_streams(tiny_folder):
    sent = []

    async def pieces():
        for _ in range(1000):
            sent.append(1)
            yield b" " * 1000

    settings = ServeSettings(max_body_bytes=10_000)
    response = ask(tiny_service(tiny_folder, settings), "POST", "/v1/verify", content=pieces(), headers=JSON)
    assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")
    assert len(sent) < 40, "the rest was never read"


def test_a_body_that_does_not_arrive_is_not_waited_for(tiny_folder):
    async def pieces():
        yield b"{"
        await asyncio.sleep(60)

    settings = ServeSettings(timeout_seconds=0.02)
    response = ask(tiny_service(tiny_folder, settings), "POST", "/v1/verify", content=pieces(), headers=JSON)
    assert (response.status_code, error_of(response)["code"]) == (408, "body_timeout")


def test_held_bytes_are_bounded_and_given_back():
    service, verifier = held_service(ServeSettings(max_body_bytes=400, max_held_bytes=400, timeout_seconds=LONG))

    async def talk(client):
        first = asyncio.create_task(client.post("/v1/verify", json=ROW))
        await until(verifier.reached.is_set)
        refused = await client.post("/v1/verify", json=ROW)
        verifier.go.set()
        return await first, refused, await client.post("/v1/verify", json=ROW)

    first, refused, after = over_asgi(service, talk)
    assert [first.status_code, refused.status_code, after.status_code] == [200, 503, 200]
    assert "more bytes" in error_of(refused)["message"]


def test_an_overloaded_service_says_when_to_come_again_and_then_serves():
    settings = ServeSettings(
        max_rows=3, max_waiting_rows=3, max_batch_rows=1, retry_after_seconds=2, timeout_seconds=LONG
    )
    service, verifier = held_service(settings)

    async def talk(client):
        waiting = [asyncio.create_task(client.post("/v1/verify", json=ROW)) for _ in range(3)]
        await until(lambda: service.rows.taken == 3)
        refused = await client.post("/v1/verify", json=ROW)
        alive = await client.get("/healthz")
        verifier.go.set()
        return await asyncio.gather(*waiting), refused, alive, await client.post("/v1/verify", json=ROW)

    waited, refused, alive, after = over_asgi(service, talk)
    assert [response.status_code for response in waited] == [200, 200, 200]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert error_of(refused)["code"] == "overloaded"
    assert (alive.status_code, after.status_code) == (200, 200)


def test_requests_at_work_are_bounded():
    service, verifier = held_service(ServeSettings(max_requests=1, timeout_seconds=LONG))

    async def talk(client):
        first = asyncio.create_task(client.post("/v1/verify", json=ROW))
        await until(verifier.reached.is_set)
        refused = await client.post("/v1/verify", json=ROW)
        verifier.go.set()
        return await first, refused

    first, refused = over_asgi(service, talk)
    assert (first.status_code, refused.status_code) == (200, 503)
    assert "requests" in error_of(refused)["message"]


def test_a_request_that_takes_too_long_ends_and_leaves_the_queue():
    service, verifier = held_service(
        ServeSettings(timeout_seconds=1.0, max_batch_rows=1, max_rows=3, max_waiting_rows=3)
    )

    async def talk(client):
        slow = await asyncio.gather(*(client.post("/v1/verify", json=ROW) for _ in range(3)))
        refused = await client.post("/v1/verify", json=ROW)
        verifier.go.set()
        await until(lambda: service.rows.taken == service.triples.taken == 0)
        return slow, refused

    slow, refused = over_asgi(service, talk)
    assert [response.status_code for response in slow] == [504, 504, 504]
    assert "longer than 1 s" in error_of(slow[0])["message"]
    assert refused.status_code == 503, "the thread still works for them, so that nobody else is let in to wait in vain"
    assert verifier.texts <= 2, "nobody waits for the others, so that they are not judged"


def test_nobody_works_for_a_client_that_has_gone():
    service, verifier = held_service()

    async def main():
        app = create_app(service, service.settings)
        gone, sent = asyncio.Event(), []
        body = json.dumps(ROW).encode()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/v1/verify", "headers": headers, "query_string": b""}
        async with service:
            call = asyncio.create_task(app({**scope, "scheme": "http", "server": None, "root_path": ""}, receive, send))
            await until(verifier.reached.is_set)
            gone.set()
            await call
            held = service.rows.taken
            verifier.go.set()
            await until(lambda: service.rows.taken == 0)
            return sent, held

    sent, held = asyncio.run(main())
    assert sent[0]["status"] == 499
    assert held == 1, "until the thread is done"


def test_openapi_describes_the_routes_with_examples_that_work(tiny_folder):
    document = ask(tiny_service(tiny_folder), "GET", "/openapi.json").json()
    work = {"/v1/verify", "/v1/filter", "/v1/explain", "/v1/extract"}
    assert set(document["paths"]) == work | {"/v1/model", "/healthz", "/readyz", "/metrics"}
    for path in ("/v1/verify", "/v1/filter", "/v1/explain"):
        operation = document["paths"][path]["post"]
        example = operation["requestBody"]["content"]["application/json"]["example"]
        assert post(tiny_service(tiny_folder), path, example).status_code == 200
        assert operation["responses"]["503"]["content"]["application/json"]["schema"]["$ref"].endswith("ErrorBody")
    card = document["components"]["schemas"]["ModelCard"]
    assert set(card["required"]) == set(tiny_service(tiny_folder).model().content)


def test_openapi_takes_and_gives_what_the_service_does(tiny_folder):
    slots = {"@value": "林知远", "场次": [1, None]}
    judged = post(tiny_service(tiny_folder), "/v1/verify", {"text": TEXT, "triples": [{**RIGHT, "object": slots}]})
    assert JudgedRow.model_validate(judged.json()).triples[0].object == slots
    schema = verify_body(ServeSettings())["requestBody"]["content"]["application/json"]["schema"]
    for text, taken in ((" a\nb", True), ("a\x00b", False), ("\x00a", False), (" \n", False)):
        assert bool(re.search(schema["properties"]["text"]["pattern"], text)) is taken
        response = post(tiny_service(tiny_folder), "/v1/verify", {"text": text, "triples": []})
        assert (response.status_code == 200) is taken


def test_an_app_opens_and_closes_its_service():
    service, _ = held_service()
    app = create_app(service, service.settings)

    async def main():
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)
        async with app.router.lifespan_context(app), client:
            return (await client.get("/readyz")).status_code

    assert asyncio.run(main()) == 200
    assert not service.ready
