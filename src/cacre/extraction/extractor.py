"""f_extract for candidates: a text in, the triples that the LLM says it holds out, ready for the verifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cacre.data import Row
from cacre.errors import ConfigError
from cacre.extraction.asking import Asker, Reply
from cacre.extraction.blocking import Blocking
from cacre.extraction.contrastive_lists import match_positives
from cacre.extraction.merging import Found, merge_candidates
from cacre.extraction.pricing import JobEstimate, estimate_job
from cacre.extraction.prompts import load_prompt
from cacre.extraction.settings import ExtractionSettings
from cacre.extraction.values import AnswerKind
from cacre.llm import CachedLLM
from cacre.llm.chat import LLM
from cacre.schema import Schema
from cacre.types import Candidate, Triple

_ITEM_KEYS = frozenset(["subject", "predicate", "object", "subject_type", "object_type", "paraphrase"])


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the LLM says about a text.

    Args:
        triples: The `triples` of a candidate row.
        provenance: Who said it, asked how: the row's `extraction`.
        faults: What was refused or could not be parsed, as entries of the errors file.
    """

    triples: Sequence[Mapping[str, Any]]
    provenance: Mapping[str, Any]
    faults: Sequence[Mapping[str, Any]] = ()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The triples as values for a verifier; further keys are in `extra`."""
        return tuple(map(as_candidate, self.triples))


class Extractor(Blocking):
    """Asks an LLM for the triples of a text.

    Args:
        llm: Whom to ask.
        schema: The relations to ask for.
        settings: How to ask.

    Raises:
        ConfigError: The prompt cannot be loaded or asks for something else, or the schema cannot be split so.
    """

    def __init__(self, llm: LLM, schema: Schema, settings: ExtractionSettings) -> None:
        super().__init__(llm)
        self.schema, self.settings = schema, settings
        prompt = load_prompt(settings.prompt or "extract", settings.language)
        if settings.prompt in ("glean", "judge"):
            raise ConfigError(f"prompt {prompt.name!r} asks for no triples: use extract, contrastive or a file")
        # A file of the user's own asks for three lists when its name says so.
        kind: AnswerKind = "contrastive" if prompt.name.startswith("contrastive") else "triples"
        self.asker = Asker(llm, prompt, kind, schema, settings)

    @property
    def reference(self) -> str:
        """Which prompt is asked."""
        return self.asker.prompt.reference

    async def aestimate(self, rows: Iterable[Row], cache: CachedLLM | None) -> JobEstimate:
        """Count what a job would ask; nothing is sent.

        Args:
            rows: The texts.
            cache: Answers that are paid for already.
        """
        return estimate_job(rows, self.asker, cache)

    async def aextract(self, text: str) -> Extraction:
        """Ask for the triples of a text.

        Raises:
            LLMError: A question has no answer and is not refused, or no first answer can be parsed.
        """
        replies = await self.asker.ask_all(text)
        check_readable(replies)
        found = [item for reply in replies for item in _found(reply)]
        canonical = self.schema if self.settings.canonical_predicates else None
        triples = merge_candidates(found, text, self.settings.samples, schema=canonical)
        faults = [fault for reply in replies for fault in reply.faults()]
        return Extraction(triples, provenance(self.asker, replies), faults)

    def extract(self, text: str) -> tuple[Candidate, ...]:
        """Ask for the triples of a text and wait for them.

        Returns:
            The candidates, for example for `Verifier.verify`.

        Raises:
            LLMError: A question has no answer and is not refused, or no first answer can be parsed.
        """
        return self._run(self.aextract, text).candidates


def check_readable(replies: Sequence[Reply]) -> None:
    """Refuse a text none of whose first questions has an answer that can be parsed.

    Raises:
        AnswerError: The first question's answer cannot be parsed.
        RequestRefusedError: The server refused the first question.
    """
    first = [reply for reply in replies if reply.gleaning == 0]
    faults = [reply.fault for reply in first if reply.fault is not None]
    if faults and len(faults) == len(first):
        raise faults[0]


def provenance(asker: Asker, replies: Sequence[Reply]) -> dict[str, Any]:
    """Who answered and what was asked, for the row: enough to ask the same again."""
    settings = asker.settings
    served = sorted({reply.answer.model for reply in replies if reply.answer is not None})
    record: dict[str, Any] = {
        "llm": served[0] if len(served) == 1 else served,
        "prompt": asker.prompt.reference,
        "temperature": settings.sampling_temperature,
    }
    options = {"samples": (settings.samples, 1), "gleanings": (settings.gleanings, 0), "seed": (settings.seed, None)}
    record.update({name: value for name, (value, usual) in options.items() if value != usual})
    unparsed = sum(reply.parsed is None for reply in replies)
    repairs = Counter[str]()
    for reply in replies:
        repairs.update(reply.parsed.repairs if reply.parsed else {})
    mended = {"unparsed": unparsed, "answer_repairs": dict(sorted(repairs.items()))}
    return {**record, **{name: value for name, value in mended.items() if value}}


def _found(reply: Reply) -> list[Found]:
    if reply.parsed is None:
        return []
    anchors = reply.parsed.anchors
    paraphrases: Sequence[Triple | None] = [None] * len(anchors)
    if reply.parsed.positives:
        positives = [said.triple for said in reply.parsed.positives]
        paraphrases = match_positives([said.triple for said in anchors], positives)
    question = reply.question
    return [
        Found(said, question.sample, question.window, gleaned=reply.gleaning > 0, paraphrase=paraphrase)
        for said, paraphrase in zip(anchors, paraphrases, strict=True)
    ]


def as_candidate(item: Mapping[str, Any]) -> Candidate:
    """An entry of a row's `triples` as a value for a verifier."""
    paraphrase = item.get("paraphrase")
    return Candidate(
        Triple(item["subject"], item["predicate"], item["object"]),
        item.get("subject_type"),
        item.get("object_type"),
        None if paraphrase is None else Triple(*paraphrase),
        {key: value for key, value in item.items() if key not in _ITEM_KEYS},
    )
