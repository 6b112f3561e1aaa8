"""Both clients: the same values as a local verifier, errors as cacre's own, and patience with limits."""

import asyncio
import json

import httpx
import pytest
from service_calls import LISTED, LONG, OUTSIDE, RIGHT, ROW, TEXT, TOKEN, tiny_service, tiny_verifier

import cacre.service
from cacre.errors import ConfigError, DataError, LLMError
from cacre.inference import Verifier
from cacre.service import AsyncClient, Client, Proposer, ServeSettings, ServiceError, serving
from cacre.service.exchange import Patience
from cacre.types import Candidate, Modality, Triple

CANDIDATES = [
    Candidate(
        Triple(**RIGHT), subject_type="影视作品", paraphrase=Triple("林知远", "执导作品", "雾中渡"), extra={"n": 1}
    ),
    Triple(*LISTED),
    Triple(*OUTSIDE),
]
HASTE = Patience(attempts=3, longest_pause=1.0)


class Both:
    """Calls a method of the synchronous or of the asynchronous client."""

    def __init__(self, kind):
        self.kind = kind

    def call(self, url, name, *arguments, **options):
        options.setdefault("patience", Patience(timeout=LONG))
        if self.kind == "sync":
            with Client(url, **options) as client:
                return getattr(client, name)(*arguments)

        async def main():
            async with AsyncClient(url, **options) as client:
                return await getattr(client, name)(*arguments)

        return asyncio.run(main())

    def scripted(self, answers):
        """A transport that gives answers in turn, and the requests that came."""
        seen, left = [], list(answers)

        def handle(request):
            seen.append(request)
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

        return httpx.MockTransport(handle), seen


@pytest.fixture(params=["sync", "async"])
def both(request):
    return Both(request.param)


@pytest.fixture(scope="module")
def url(tiny_folder):
    async def propose(text):
        if text == "一":
            raise LLMError("no answer")
        return {"triples": [RIGHT]}

    with serving(
        tiny_service(tiny_folder, proposer=Proposer("m", propose)), ServeSettings(port=0, timeout_seconds=LONG)
    ) as url:
        yield url


def without_margins(verdicts):
    return [(v.candidate, v.outcome, v.text_score, v.pair_score, v.probability, v.evidence, v.reason) for v in verdicts]


def test_verdicts_are_those_of_the_local_verifier(both, url, tiny_folder):
    expected = tiny_verifier(tiny_folder).verify(TEXT, CANDIDATES)
    assert without_margins(both.call(url, "verify", TEXT, CANDIDATES)) == without_margins(expected)
    assert [v.judged_as for v in both.call(url, "verify", TEXT, [("林知远", "执导作品", "雾中渡")])] == [
        Triple("雾中渡", "导演", "林知远")
    ]
    many = both.call(url, "verify_many", [(TEXT, CANDIDATES), (TEXT, [])] * 40)
    assert [without_margins(verdicts) for verdicts in many] == [without_margins(expected), []] * 40


def test_a_modality_comes_over_http(both, url):
    [verdict] = both.call(url, "verify", "林知远并不是《雾中渡》的导演。", [Triple("雾中渡", "导演", "林知远")])
    assert (verdict.reason, verdict.modality) == ("denied in text", Modality("denied", (4, 6)))


def test_the_synchronous_client_is_a_verifier(url):
    with Client(url) as client:
        assert isinstance(client, Verifier)


def test_rows_texts_and_the_model(both, url):
    filtered = both.call(url, "filter", [ROW, {"text": TEXT, "triples": [RIGHT], "note": "\ud800"}])
    assert [len(rows) for rows in (filtered.kept, filtered.rejected, filtered.all)] == [2, 1, 2]
    assert filtered.all[1]["note"] == "\ud800"
    extracted = both.call(url, "extract", [TEXT, "一"])
    assert extracted.kept[0]["triples"][0]["object"] == "林知远"
    assert extracted.failed == ((1, "no answer"),)
    assert both.call(url, "ready") is True
    assert both.call(url, "model")["name"] == "tiny"


def test_errors_are_those_of_cacre(both, url):
    with pytest.raises(DataError, match=r"rows\[1\].triples\[0\].predicate: is missing"):
        both.call(url, "filter", [ROW, {"text": TEXT, "triples": [{"subject": "a"}]}])
    with pytest.raises(DataError, match="text: expected a non-empty string"):
        both.call(url, "verify", " ", [])
    with pytest.raises(DataError, match="cannot be written as JSON"):
        both.call(url, "filter", [{"text": TEXT, "triples": [], "n": float("nan")}])
    with pytest.raises(LLMError, match="no answer"):
        both.call(url, "extract", ["一"])


def test_the_token_comes_from_the_environment(both, tiny_folder, monkeypatch):
    monkeypatch.setenv("CACRE_SERVE_TOKEN", TOKEN)
    with serving(tiny_service(tiny_folder), ServeSettings(port=0, token=TOKEN, timeout_seconds=LONG)) as url:
        assert both.call(url, "model")["schema"]
        with pytest.raises(ConfigError, match=r"401.*CACRE_SERVE_TOKEN"):
            both.call(url, "model", token="another")
    with pytest.raises(ConfigError, match="cannot be sent") as caught:
        both.call(url, "model", token="näh")
    assert "näh" not in str(caught.value)


def refusal(status, code="overloaded", **headers):
    body = {"error": {"code": code, "message": "full", "field": None, "row": None}}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


GOOD = httpx.Response(200, content=json.dumps({"kept": [], "rejected": [], "all": []}))


def test_a_full_service_is_asked_again(both):
    transport, seen = both.scripted([refusal(503, retry_after="0"), refusal(503, retry_after="0"), GOOD])
    assert both.call("http://x", "filter", [], transport=transport, patience=HASTE).all == ()
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ([refusal(503, retry_after="0")], 3),
        ([refusal(503, retry_after="2")], 1),
        ([refusal(503)], 1),
        ([refusal(504, "timeout", retry_after="0")], 1),
        ([httpx.Response(200, content=b"<html>")], 1),
        ([httpx.Response(302, headers={"location": "http://elsewhere"})], 1),
        ([httpx.ConnectError("refused")], 1),
        ([httpx.ReadTimeout("slow")], 1),
    ],
)
def test_patience_ends(both, answers, tries):
    transport, seen = both.scripted(answers)
    with pytest.raises(ServiceError):
        both.call("http://x", "filter", [], transport=transport, patience=HASTE)
    assert len(seen) == tries


def test_an_answer_about_something_else_is_no_answer(both):
    row = {"text": TEXT, "triples": [{"verdict": "supported"}]}
    transport, _ = both.scripted([httpx.Response(200, json=row)])
    with pytest.raises(ServiceError, match="not about what was asked"):
        both.call("http://x", "verify", TEXT, [Triple(*LISTED)], transport=transport)


def test_a_service_that_is_not_there_is_not_ready(both):
    transport, _ = both.scripted([httpx.ConnectError("refused")])
    assert both.call("http://x", "ready", transport=transport) is False


def test_the_package_gives_its_names_lazily():
    assert set(dir(cacre.service)) == set(cacre.service.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cacre.service.nothing
