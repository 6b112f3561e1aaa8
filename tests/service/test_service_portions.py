"""`verify_many` works where `verify` does: it cuts by rows, triples, characters and bytes, and halves what a
service refuses or is too slow for."""

import asyncio
import json

import httpx
import pytest
from service_calls import LONG, TEXT, HeldVerifier, held_service

from cacre.errors import DataError
from cacre.service import AsyncClient, Client, ServeSettings, serving
from cacre.service import portions as portions_module
from cacre.service.errors import ServiceError, TooMuchError
from cacre.service.exchange import Patience
from cacre.service.portions import Portions
from cacre.types import Triple

PATIENCE = Patience(timeout=LONG)


def pairs(rows, triples, text=TEXT):
    return [(f"{text}{row}", [Triple(f"s{row}", "导演", str(n)) for n in range(triples)]) for row in range(rows)]


def sync_call(url, asked, **options):
    with Client(url, patience=PATIENCE, **options) as client:
        return client.verify_many(asked)


def async_call(url, asked, **options):
    async def main():
        async with AsyncClient(url, patience=PATIENCE, **options) as client:
            return await client.verify_many(asked)

    return asyncio.run(main())


@pytest.fixture(params=[sync_call, async_call])
def verify_many(request):
    return request.param


def asked_of(verify_many, asked, **limits):
    """What a service with these limits says, which has to be about every candidate in its order."""
    verifier = HeldVerifier()
    verifier.go.set()
    settings = ServeSettings(port=0, timeout_seconds=LONG, **limits)
    with serving(held_service(settings, verifier)[0], settings) as url:
        judged = verify_many(url, asked)
    assert [[verdict.candidate.triple for verdict in row] for row in judged] == [list(row) for _, row in asked]


def test_many_triples_go_into_several_requests(verify_many):
    asked_of(verify_many, pairs(64, 40), max_triples=40, max_waiting_triples=2000)


@pytest.mark.parametrize(
    "limits",
    [{"max_rows": 10}, {"max_body_bytes": 3000}, {"max_triples": 2, "max_waiting_triples": 5}],
    ids=lambda limits: next(iter(limits)),
)
def test_a_service_that_takes_less_gets_less(verify_many, limits):
    asked_of(verify_many, pairs(71, 2), **limits)


def test_a_single_row_that_is_too_much_is_an_error(verify_many):
    with pytest.raises(DataError, match="longer than 3000 bytes"):
        asked_of(verify_many, pairs(3, 2, TEXT * 60), max_body_bytes=3000)


@pytest.mark.parametrize("place", [3, 70, 130])
def test_a_row_at_fault_is_counted_in_the_whole_list(verify_many, place):
    asked = pairs(140, 1)
    asked[place] = (TEXT * 50, asked[place][1])
    with pytest.raises(DataError, match=r"^rows\[\d+\]\.text: has 1000 characters") as caught:
        asked_of(verify_many, asked, max_text_characters=len(TEXT) + 5)
    assert caught.value.field == f"rows[{place}].text"


def test_requests_are_cut_by_rows_triples_characters_and_bytes(monkeypatch):
    monkeypatch.setattr(portions_module, "BYTES_PER_REQUEST", 1000)
    assert len(Portions(pairs(100, 1, "a")).next_rows()) < 64, "bytes"
    monkeypatch.undo()
    assert len(Portions(pairs(100, 1)).next_rows()) == 64
    assert len(Portions(pairs(100, 300)).next_rows()) == 6
    assert len(Portions([(TEXT, pairs(1, 999)[0][1])] * 3).next_rows()) == 2
    assert len(Portions(pairs(100, 1, TEXT[0] * 19_990)).next_rows()) == 10
    assert len(Portions(pairs(2, 1, TEXT[0] * 99_000)).next_rows()) == 2
    assert len(Portions(pairs(3, 1, TEXT[0] * 99_999)).next_rows()) == 2
    assert Portions([]).next_rows() == []


@pytest.mark.parametrize("error", [TooMuchError("too much"), ServiceError("504: slow", status=504, code="timeout")])
def test_what_was_refused_is_halved_down_to_one(error):
    portions, sizes = Portions(pairs(5, 1)), []
    with pytest.raises(type(error)) as caught:
        for _ in range(9):
            sizes.append(len(portions.next_rows()))
            portions.halve(error)
    assert caught.value is error
    assert sizes == [5, 2, 1]


def test_other_failures_are_not_asked_again():
    portions = Portions(pairs(5, 1))
    portions.next_rows()
    with pytest.raises(ServiceError, match="503"):
        portions.halve(ServiceError("503: full", status=503, code="overloaded"))


def slow_service(most):
    """A service that has time for so many rows of a request; the transport and the sizes of the requests."""
    sizes = []

    def handle(request):
        rows = json.loads(request.content)["rows"]
        sizes.append(len(rows))
        if len(rows) > most:
            body = {"error": {"code": "timeout", "message": "took longer than 30 s", "field": None, "row": None}}
            return httpx.Response(504, json=body)
        triples = {"verdict": "supported", "text_score": 1.0, "pair_score": None, "probability": None, "evidence": []}
        judged = [{**row, "triples": [{**triple, **triples} for triple in row["triples"]]} for row in rows]
        return httpx.Response(200, json={"kept": [], "rejected": [], "all": judged})

    return httpx.MockTransport(handle), sizes


def test_what_takes_too_long_is_asked_again_in_smaller_requests(verify_many):
    asked = pairs(70, 1)
    transport, sizes = slow_service(20)
    judged = verify_many("http://x", asked, transport=transport)
    assert [[verdict.candidate.triple for verdict in row] for row in judged] == [list(row) for _, row in asked]
    assert sizes == [64, 32, 16, 16, 16, 16, 6], "what was judged is not asked again"


def test_a_single_row_that_takes_too_long_is_an_error_of_the_service(verify_many):
    transport, sizes = slow_service(0)
    with pytest.raises(ServiceError, match="took longer") as caught:
        verify_many("http://x", pairs(3, 1), transport=transport)
    assert (caught.value.status, sizes) == (504, [3, 1])
