"""A trained extractor behind `/v1/extract`, in place of an LLM."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cacre.baselines.extractors import Extractor
from cacre.baselines.extractors.assembling import candidate_item
from cacre.service.values import Proposer, name_of


def extractor_proposer(extractor: Extractor, origin: Mapping[str, Any]) -> Proposer:
    """What proposes triples for the service.

    Texts are read one after the other, in a thread of their own: those of one request do not take the threads that
    judge the triples of others.

    Args:
        extractor: Any extractor.
        origin: What rows say of it; of its `name`, a path perhaps, clients are told the last part.
    """
    told = {**origin, "name": name_of(origin["name"])}
    thread = ThreadPoolExecutor(1, thread_name_prefix="extractor")

    def read(text: str) -> Mapping[str, Any]:
        (candidates,) = extractor.extract([text])
        return {"triples": [candidate_item(candidate) for candidate in candidates], "extraction": dict(told)}

    async def propose(text: str) -> Mapping[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(thread, read, text)

    async def aclose() -> None:
        await asyncio.to_thread(thread.shutdown, cancel_futures=True)

    return Proposer(told["name"], propose, aclose)
