"""Services on a tiny model or a verifier that can be held up, and requests to them without a socket."""

import asyncio
import functools
import threading

import httpx

from cacre.inference import load_verifier
from cacre.service import ModelInfo, ServeSettings, VerificationService, create_app
from cacre.types import Verdict

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
RIGHT = {"subject": "雾中渡", "predicate": "导演", "object": "林知远"}
LISTED = ["雾中渡", "编剧", "顾青禾"]
OUTSIDE = ["雾中渡", "导演", "沈若汐"]
ROW = {"text": TEXT, "triples": [RIGHT, LISTED, OUTSIDE]}
TOKEN = "made-up-token-0123456789"
LONG = 600.0
"""Seconds: no test passes or fails by how fast the machine is."""
URL = "http://localhost:8000"
INFO = ModelInfo("held", "duie", ("导演",), 0.5, {"schema": 0.25}, (), 0.5, {"schema": 0.25}, calibrated=False)


class HeldVerifier:
    """Supports everything, but after the first text (which warms up) only once it is let go."""

    def __init__(self, fail=None):
        self.texts, self.reached, self.go, self.fail = 0, threading.Event(), threading.Event(), fail

    def verify(self, text, candidates):
        self.texts += 1
        if self.texts > 1:
            self.reached.set()
            assert self.go.wait(LONG)
            if self.fail:
                raise self.fail
        return [Verdict(candidate, "supported", 1.0) for candidate in candidates]

    def verify_many(self, pairs):
        return [self.verify(text, candidates) for text, candidates in pairs]


@functools.cache
def tiny_verifier(folder):
    return load_verifier(folder, threads=1)


def tiny_service(folder, settings=None, proposer=None):
    verifier = tiny_verifier(folder)
    return VerificationService(
        verifier, ModelInfo.of(verifier), settings or ServeSettings(timeout_seconds=LONG), proposer
    )


def held_service(settings=None, verifier=None):
    verifier = verifier or HeldVerifier()
    return VerificationService(verifier, INFO, settings or ServeSettings(timeout_seconds=LONG)), verifier


def over_asgi(service, talk, headers=None):
    """Open the service, let `talk` use an httpx client on it, close both; give what `talk` gave."""

    async def main():
        app = create_app(service, service.settings)
        transport = httpx.ASGITransport(app)
        async with service, httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
            return await talk(client)

    return asyncio.run(main())


def ask(service, method, path, **more):
    """One request; give its response."""

    async def talk(client):
        return await client.request(method, path, **more)

    return over_asgi(service, talk)


def post(service, path, body):
    return ask(service, "POST", path, json=body)


async def until(condition):
    """Wait until something is so."""
    async with asyncio.timeout(LONG):
        while not condition():
            await asyncio.sleep(0.002)


def error_of(response):
    """The error of a response, which has to be in the form that all have."""
    body = response.json()
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["code", "field", "message", "row"]
    assert response.headers["content-type"] == "application/json"
    return body["error"]
