"""What one request can cost the others: long names, large bodies, and threads that nobody waits for any more."""

import asyncio
import threading

import pytest
from service_calls import LISTED, LONG, RIGHT, ROW, TEXT, error_of, held_service, over_asgi, post, tiny_service, until

import cacre.service.requests
import cacre.service.service
from cacre.errors import CacreError
from cacre.inference import OnnxVerifier
from cacre.service import Proposer, RefusalError, ServeSettings
from cacre.service.batching import together
from cacre.service.documents import verify_body

NAME = "林知远" * 1000
LONG_NAME = {**RIGHT, "object": NAME}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/verify", {"text": TEXT, "triples": [RIGHT, LONG_NAME]}, "triples[1].object"),
        ("/v1/filter", {"rows": [{"text": TEXT, "triples": [[NAME, *LISTED[1:]]]}]}, "triples[0].subject"),
        ("/v1/explain", {"text": TEXT, "triple": LONG_NAME}, "triple.object"),
    ],
)
def test_a_long_name_is_refused(tiny_folder, path, body, field):
    response = post(tiny_service(tiny_folder), path, body)
    assert (response.status_code, error_of(response)["field"]) == (422, field)
    assert "3000 characters, at most 2000" in error_of(response)["message"]


def test_openapi_tells_how_long_a_name_may_be():
    schema = verify_body(ServeSettings())["requestBody"]["content"]["application/json"]["schema"]
    named, listed = schema["properties"]["triples"]["items"]["anyOf"]
    assert named["properties"]["subject"]["maxLength"] == listed["items"]["maxLength"] == 2000


def test_a_long_name_that_the_llm_gave_was_paid_for_and_is_judged(tiny_folder):
    async def propose(_):
        return {"triples": [RIGHT, LONG_NAME]}

    response = post(tiny_service(tiny_folder, proposer=Proposer("m", propose)), "/v1/extract", {"texts": [TEXT]})
    assert [triple["verdict"] for triple in response.json()["all"][0]["triples"]] == ["supported", "rejected"]


def checked_in(monkeypatch):
    """The threads in which rows are checked."""
    threads, parse_row = [], cacre.service.requests.parse_row

    def watched(*arguments):
        threads.append(threading.current_thread())
        return parse_row(*arguments)

    monkeypatch.setattr(cacre.service.requests, "parse_row", watched)
    return threads


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/filter"])
def test_a_large_body_is_checked_beside_the_event_loop(monkeypatch, tiny_folder, path):
    threads = checked_in(monkeypatch)
    for text, apart in ((TEXT, False), (TEXT * 400, True)):
        row = {**ROW, "text": text}
        response = post(tiny_service(tiny_folder), path, row if path == "/v1/verify" else {"rows": [row]})
        assert response.status_code == 200
        assert (threads.pop() is not threading.main_thread()) is apart


def test_large_comparisons_are_made_beside_the_event_loop(monkeypatch, tiny_folder):
    threads, with_comparisons = [], cacre.service.service.with_comparisons

    def watched(*arguments):
        threads.append(threading.current_thread())
        return with_comparisons(*arguments)

    monkeypatch.setattr(cacre.service.service, "with_comparisons", watched)
    for text, apart in ((TEXT, False), (TEXT * 400, True)):
        body = {"rows": [{**ROW, "text": text}], "comparisons": True}
        response = post(tiny_service(tiny_folder), "/v1/filter", body)
        assert "comparison" in response.json()["all"][0]["triples"][0]
        assert (threads.pop() is not threading.main_thread()) is apart


def test_a_large_body_that_is_no_json_is_refused_as_usual(tiny_folder):
    async def talk(client):
        body = b'{"text": "' + b"a" * 20_000
        return await client.post("/v1/verify", content=body, headers={"content-type": "application/json"})

    response = over_asgi(tiny_service(tiny_folder), talk)
    assert (response.status_code, error_of(response)["code"]) == (400, "bad_json")


def test_too_many_triples_are_refused_before_any_row_is_checked(monkeypatch):
    threads = checked_in(monkeypatch)
    service, _ = held_service(ServeSettings(max_triples=3, max_waiting_triples=3))
    rows = [ROW, None, {"text": TEXT, "triples": None}, {"text": TEXT, "triples": [LISTED]}]
    response = post(service, "/v1/filter", {"rows": rows})
    assert (response.status_code, error_of(response)["code"]) == (413, "too_many")
    assert not threads


def test_an_explanation_that_nobody_waits_for_keeps_its_room_until_its_thread_is_done(monkeypatch, tiny_folder):
    reached, go = threading.Event(), threading.Event()

    def attention(*_):
        reached.set()
        assert go.wait(LONG)
        raise RuntimeError("of no interest to anybody")

    monkeypatch.setattr(OnnxVerifier, "attention", attention)
    settings = ServeSettings(timeout_seconds=0.5, max_rows=1, max_waiting_rows=1, max_batch_rows=1)
    service = tiny_service(tiny_folder, settings)

    async def talk(client):
        slow = await client.post("/v1/explain", json={"text": TEXT, "triple": RIGHT})
        assert reached.is_set()
        refused = await client.post("/v1/verify", json=ROW)
        go.set()
        await until(lambda: service.rows.taken == service.triples.taken == 0)
        return slow, refused

    slow, refused = over_asgi(service, talk)
    assert (slow.status_code, refused.status_code) == (504, 503)


def test_after_an_error_the_llm_is_asked_nothing_more(tiny_folder):
    ended = []

    async def propose(text):
        if text == "一":
            await asyncio.sleep(0)
            raise CacreError("the cache's disk is full")
        try:
            await asyncio.sleep(LONG)
        finally:
            await asyncio.sleep(0.01)
            ended.append(service.texts.taken)

    service = tiny_service(tiny_folder, proposer=Proposer("m", propose))

    async def main():
        async with service:
            with pytest.raises(CacreError, match="disk is full"):
                await service.extract({"texts": ["一", "二", "三"]})
            return list(ended), service.texts.taken

    assert asyncio.run(main()) == ([3, 3], 0), "all have ended when the room is given back"


def test_works_that_are_done_together_end_together():
    ended = []

    async def work(number):
        try:
            await asyncio.sleep(LONG)
        finally:
            ended.append(number)

    async def main():
        task = asyncio.create_task(together(map(work, range(3))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return list(ended)

    assert sorted(asyncio.run(main())) == [0, 1, 2]


def test_a_failed_batch_takes_the_rest_of_its_request_with_it():
    service, verifier = held_service(ServeSettings(max_batch_rows=1, timeout_seconds=LONG))
    verifier.go.set()
    verifier.fail = RefusalError(500, "internal", "broken")

    async def talk(client):
        response = await client.post("/v1/filter", json={"rows": [ROW] * 20})
        await until(lambda: service.rows.taken == 0)
        await client.post("/v1/verify", json=ROW)
        return response

    assert over_asgi(service, talk).status_code == 500
    assert verifier.texts <= 5, "the warm-up, the one that failed, what had begun by then, and the next request"
