"""What a job does with one row: extract, generate, or extract and verify."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

from cacre.data import Row, bare, verdict_row
from cacre.data.fields import DEFAULT_LIMITS
from cacre.extraction.extractor import Extraction, as_candidate
from cacre.extraction.generator import Generator
from cacre.extraction.job import error_entry
from cacre.extraction.job_store import Outcome
from cacre.extraction.judging import NOT_SUPPORTED, Judge
from cacre.inference.micro_batching import MicroBatcher
from cacre.types import Triple, Verdict

MOST_TRIPLES = DEFAULT_LIMITS.max_triples
"""Most triples of one row; a row with more could not be read."""
MOST_BYTES = DEFAULT_LIMITS.max_line_bytes // 2
"""Most bytes of the triples of one row: the other half of a line is for the text and for verdicts."""


class TextExtractor(Protocol):
    """What gives the triples of a text: `Extractor`, or the agents."""

    async def aextract(self, text: str) -> Extraction:
        """The triples of a text.

        Raises:
            LLMError: A question has no answer and is not refused, or no first answer can be parsed.
        """
        ...


class ExtractWork:
    """Texts to candidate rows."""

    def __init__(self, extractor: TextExtractor) -> None:
        self._extractor = extractor

    async def __call__(self, row: Row) -> Outcome:
        """Extract the candidates of one row."""
        extraction = await self._extractor.aextract(row.content.text)
        room = fitting(extraction.triples)
        triples, surplus = extraction.triples[:room], extraction.triples[room:]
        errors = [*entries(row, extraction.faults), *(_surplus(row, item) for item in surplus)]
        whole = {**bare(row.raw), "triples": list(triples), "extraction": dict(extraction.provenance)}
        return Outcome(whole, tuple(errors))


class GenerateWork:
    """Texts to contrastive rows."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    async def __call__(self, row: Row) -> Outcome:
        """Generate the lists of one row."""
        generation = await self._generator.agenerate(row.content.text)
        whole = generation.row(row.raw)
        lists = [whole[name] for name in ("anchors", "positives", "negatives")]
        room = fitting(list(zip(*lists, strict=True)))
        errors = entries(row, generation.faults)
        errors += [_surplus(row, dict(zip(Triple._fields, anchor, strict=True))) for anchor in lists[0][room:]]
        cut = {name: whole[name][:room] for name in ("anchors", "positives", "negatives")}
        return Outcome({**whole, **cut}, tuple(errors))


class RunWork:
    """Texts to verdict rows: extraction, verification and, for borderline triples, the judge.

    Args:
        extract: The first step.
        batcher: The second.
        judge: The third; None leaves borderline triples to the thresholds.
    """

    def __init__(self, extract: ExtractWork, batcher: MicroBatcher, judge: Judge | None = None) -> None:
        self._extract, self._batcher, self._judge = extract, batcher, judge

    async def __call__(self, row: Row) -> Outcome:
        """Extract and judge the triples of one row."""
        outcome = await self._extract(row)
        if outcome.row is None:
            return outcome
        extracted = outcome.row
        candidates = [as_candidate(item) for item in extracted["triples"]]
        verdicts = await self._batcher.verify(row.content.text, candidates)
        judged = verdict_row(extracted, verdicts)
        if self._judge is None:
            return Outcome(judged, outcome.errors)
        judged, faults = await self._ask_judge(self._judge, row, judged, verdicts)
        return Outcome(judged, (*outcome.errors, *faults))

    async def _ask_judge(
        self, judge: Judge, row: Row, judged: dict[str, Any], verdicts: Sequence[Verdict]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        borderline = [index for index, verdict in enumerate(verdicts) if judge.borderline(verdict)]
        if not borderline:
            return judged, []
        triples = [verdicts[index].candidate.triple for index in borderline]
        judgement = await judge.judge(row.content.text, triples)
        items = list(judged["triples"])
        for index, supported in zip(borderline, judgement.supported, strict=True):
            items[index] = _overruled(items[index], supported)
        record = {"prompt": judge.prompt.reference, "band": judge.band, "calls": judgement.calls}
        return {**judged, "triples": items, "judge": record}, entries(row, judgement.faults)


def entries(row: Row, faults: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Faults as entries of the errors file, each with the place of its row."""
    return [error_entry(row, **fault) for fault in faults]


def _overruled(item: dict[str, Any], supported: bool | None) -> dict[str, Any]:
    """A judged triple after the LLM judge: its word decides, its silence leaves the thresholds' verdict."""
    if supported is None:
        return {**item, "judge": "silent"}
    kept = {key: value for key, value in item.items() if key != "reason"}
    if supported:
        return {**kept, "verdict": "supported", "judge": "supported"}
    return {**kept, "verdict": "rejected", "reason": item.get("reason", NOT_SUPPORTED), "judge": "not supported"}


def _surplus(row: Row, item: Mapping[str, Any]) -> dict[str, Any]:
    said = [item["subject"], item["predicate"], item["object"]]
    raw = json.dumps(said, ensure_ascii=False)
    return error_entry(row, f"more than the {MOST_TRIPLES} triples that one row may hold: left out", raw=raw)


def fitting(triples: Sequence[object]) -> int:
    """How many of the triples of a text fit into one row."""
    sizes = accumulate(len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")) for item in triples)
    return min(bisect_right(list(sizes), MOST_BYTES), MOST_TRIPLES)
