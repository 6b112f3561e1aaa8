"""What the service does, apart from HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import TracebackType
from typing import Any, Self

from cacre import __version__
from cacre.data import CandidateSet, Limits, Row, bare, part_of, to_candidates, verdict_row
from cacre.errors import CacreError, LLMError
from cacre.inference import OnnxVerifier, Verifier
from cacre.inference.verifier import MAX_CANDIDATES, MAX_TEXT_CHARACTERS
from cacre.service.batching import CountedVerifier, PatientBatcher, Room, together, working_in
from cacre.service.errors import RefusalError
from cacre.service.explaining import attention_content, with_comparisons
from cacre.service.metrics import Metrics
from cacre.service.requests import apart, candidate_row, candidate_rows, flag, listed_rows, pair, text_rows
from cacre.service.settings import ServeSettings
from cacre.service.values import Answer, ModelInfo, Proposer
from cacre.types import Triple

_WARM_UP = ("《雾中渡》由林知远执导。", [Triple("雾中渡", "导演", "林知远")])
_NO_LLM = (
    "no LLM is configured, so that nothing can be extracted: start the service with  cacre serve --base-url URL "
    "--llm NAME  or  --extractor mini-zh, or send triples to /v1/verify"
)


class VerificationService:
    """Judges the triples of many clients' requests, in shared batches and bounded room.

    An asynchronous context manager: entering it judges a first text, so that a broken model shows at once.

    Args:
        verifier: Judges.
        model: What clients are told about it.
        settings: Limits.
        proposer: Proposes triples for texts; None turns extraction off.
    """

    def __init__(
        self, verifier: Verifier, model: ModelInfo, settings: ServeSettings, proposer: Proposer | None = None
    ) -> None:
        self.settings, self.metrics = settings, Metrics()
        self._model, self._proposer, self._verifier = model, proposer, verifier
        counted = CountedVerifier(verifier, self.metrics)
        self._batcher = PatientBatcher(
            counted, settings.max_batch_rows, settings.max_wait_ms / 1000, settings.max_batch_triples
        )
        pause = settings.retry_after_seconds
        self.rows = Room("rows", settings.max_waiting_rows, pause)
        self.triples = Room("triples", settings.max_waiting_triples, pause)
        self.texts = Room("texts", settings.max_extracting_texts, pause)
        self.metrics.watch("cacre_queue_rows", "Rows that wait or are judged.", lambda: self.rows.taken)
        self.metrics.watch("cacre_queue_triples", "Triples that wait or are judged.", lambda: self.triples.taken)
        self.metrics.watch("cacre_extracting_texts", "Texts that the LLM is asked about.", lambda: self.texts.taken)
        self._open, self.draining = False, False

    @property
    def ready(self) -> bool:
        """Whether new requests should be sent here."""
        return self._open and not self.draining

    def drain(self) -> None:
        """Say from now on that new requests should go elsewhere; those that come are answered."""
        self.draining = True

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._verifier.verify_many, [_WARM_UP])
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        if self._proposer is not None:
            await self._proposer.aclose()

    def model(self) -> Answer:
        """Name, thresholds, schema and relations, and who extracts."""
        llm = None if self._proposer is None else self._proposer.name
        return Answer({**dataclasses.asdict(self._model), "llm": llm, "version": __version__})

    async def verify(self, body: Mapping[str, Any], large: bool = False) -> Answer:
        """Judge the triples of one text.

        Args:
            body: The row.
            large: Whether it is so large that it is checked in a thread.

        Returns:
            The row as `cacre filter --all` writes it.

        Raises:
            RefusalError: The row cannot be used (422), is too much (413), or there is no room (503).
        """
        checked = await apart(large, candidate_row, body, self.settings.limits)
        (row,) = judged = await self._judge_in_room([checked])
        return Answer(row, _counts(judged))

    async def filter(self, body: Mapping[str, Any], large: bool = False) -> Answer:
        """Judge many rows.

        Args:
            body: Has the `rows`.
            large: Whether it is so large that it is checked in a thread.

        Returns:
            `kept`, `rejected` and `all`, as `cacre filter` writes them; with `comparisons`, each triple has a key
            `comparison`, too.

        Raises:
            RefusalError: A row cannot be used (422), there are too many (413), there is no room (503), or comparisons
                are asked of a verifier that has none (501).
        """
        listed = listed_rows(body, self.settings.max_rows, self.triples.limit)
        rows = await apart(large, candidate_rows, listed, self.settings.limits)
        explainer = self._explainer() if flag(body, "comparisons") else None
        judged = await self._judge_in_room(rows)
        if explainer is not None:
            judged = await apart(large, _compared, explainer, rows, judged)
        return Answer(_parted(judged), _counts(judged))

    async def explain(self, body: Mapping[str, Any]) -> Answer:
        """Say where a triple looks in a text.

        Raises:
            RefusalError: Text or triple cannot be used (422), there is no room (503), or the verifier does not tell
                (501).
        """
        explainer = self._explainer()
        text, triple = pair(body, self.settings.limits)
        with working_in((self.rows, 1), (self.triples, 1)) as work:
            work.thread = thread = asyncio.ensure_future(asyncio.to_thread(explainer.attention, text, triple))
            await asyncio.wait((thread,))  # which, unlike awaiting it, does not end it for us when we are cancelled
            return Answer(attention_content(thread.result()))

    def _explainer(self) -> OnnxVerifier:
        if not isinstance(self._verifier, OnnxVerifier):
            raise RefusalError(501, "no_explanation", "the verifier in use explains nothing: use a model folder")
        return self._verifier

    async def extract(self, body: Mapping[str, Any]) -> Answer:
        """Let the LLM, or the extractor, propose triples for texts, and judge them.

        Returns:
            `kept`, `rejected` and `all` as `filter` gives them, and `failed`: the texts without a usable answer.

        Raises:
            RefusalError: There is no LLM (501), a text cannot be used (422), there are too many (413) or there is no
                room (503), or no text got an answer (502).
        """
        if self._proposer is None:
            raise RefusalError(501, "no_llm", _NO_LLM)
        rows = text_rows(body, self.settings.limits, self.settings.max_texts)
        with self.texts.hold(len(rows)):
            outcomes = await together(self._extract(self._proposer, row) for row in rows)
        judged = [outcome for outcome in outcomes if not isinstance(outcome, CacreError)]
        failed = [(place, error) for place, error in enumerate(outcomes) if isinstance(error, CacreError)]
        if failed and not judged:
            place, error = failed[0]
            raise RefusalError(502, "llm_failed", f"the LLM gave no answer that can be used: {error}", row=place)
        told = [{"row": place, "message": str(error)} for place, error in failed]
        return Answer({**_parted(judged), "failed": told}, {**_counts(judged), "failed": len(failed)})

    async def _extract(self, proposer: Proposer, row: Row) -> dict[str, Any] | CacreError:
        try:
            proposed = {**bare(row.raw), **await proposer.propose(row.content.text)}
            # What was paid for is not refused for being more than a client may send.
            settings = self.settings
            limits = Limits(settings.max_text_characters, settings.max_body_bytes, MAX_CANDIDATES, MAX_TEXT_CHARACTERS)
            (judged,) = await self._judge([candidate_row(proposed, limits)])
            return judged
        except (LLMError, RefusalError) as error:
            return error

    async def _judge_in_room(self, rows: list[Row]) -> list[dict[str, Any]]:
        triples = sum(len(row.raw["triples"]) for row in rows)
        with working_in((self.rows, len(rows)), (self.triples, triples)) as work:
            try:
                return await self._judge(rows)
            finally:
                # Until this batch is done nobody is judged: neither who is in it nor, if not, who comes after it.
                work.thread = self._batcher.judging

    async def _judge(self, rows: list[Row]) -> list[dict[str, Any]]:
        sets: list[CandidateSet] = [to_candidates(row) for row in rows]
        before = accumulate((len(part.candidates) for part in sets), initial=0)
        asked = zip(sets, before, strict=False)  # the last number is that of all
        verdicts = await together(self._batcher.verify(part.text, part.candidates, n) for part, n in asked)
        self.metrics.verdicts(verdicts)
        return [verdict_row(row.raw, judged) for row, judged in zip(rows, verdicts, strict=True)]


def _compared(
    explainer: OnnxVerifier, rows: Sequence[Row], judged: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    return [with_comparisons(explainer, row, done) for row, done in zip(rows, judged, strict=True)]


def _parted(judged: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    losers = [part_of(row, "rejected") for row in judged]
    return {
        "kept": [part_of(row, "supported") for row in judged],
        "rejected": [row for row in losers if row["triples"]],
        "all": list(judged),
    }


def _counts(judged: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    outcomes = [triple["verdict"] for row in judged for triple in row["triples"]]
    return {"rows": len(judged), "kept": outcomes.count("supported"), "rejected": outcomes.count("rejected")}
