"""f_extract for training: a text in, the paper's three aligned lists out (equation (1))."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cacre.data import Row
from cacre.data.guard import FalseNegativeGuard
from cacre.errors import ConfigError
from cacre.extraction.asking import Asker
from cacre.extraction.blocking import Blocking
from cacre.extraction.contrastive_lists import ContrastiveLists, Dropped, repair_lists, why_no_negative
from cacre.extraction.extractor import check_readable, provenance
from cacre.extraction.pricing import JobEstimate, estimate_job
from cacre.extraction.prompts import BUILT_IN, load_prompt
from cacre.extraction.settings import ExtractionSettings
from cacre.llm import CachedLLM
from cacre.llm.chat import LLM
from cacre.schema import Schema
from cacre.types import Example, Triple

_OF_EARLIER_LISTS = frozenset(["kinds", "hard"])
"""Keys of a contrastive row that speak of its negatives, and so of none of another answer's."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The contrastive lists of a text.

    Args:
        example: Text and lists.
        provenance: Who said it, asked how, and what was repaired: the row's `generation`.
        faults: What was refused or could not be parsed, as entries of the errors file.
    """

    example: Example
    provenance: Mapping[str, Any]
    faults: Sequence[Mapping[str, Any]] = ()

    def row(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The contrastive row, with all keys of the text's row but those that belong to earlier lists."""
        lists = {name: [list(t) for t in getattr(self.example, name)] for name in ("anchors", "positives", "negatives")}
        rest = {name: value for name, value in raw.items() if name not in _OF_EARLIER_LISTS}
        return {**rest, **lists, "generation": dict(self.provenance)}


class Generator(Blocking):
    """Asks an LLM for anchors, positives and negatives of a text, aligns and guards them.

    Args:
        llm: Whom to ask.
        schema: The relations to ask for; also repairs positives and guards negatives.
        settings: How to ask.
        fill: Make a negative where the LLM gave none that can be used; without it such an anchor is left out.

    Raises:
        ConfigError: The prompt cannot be loaded or is none for three lists, or gleanings are asked for.
    """

    def __init__(self, llm: LLM, schema: Schema, settings: ExtractionSettings, *, fill: bool = True) -> None:
        super().__init__(llm)
        if settings.gleanings:
            raise ConfigError(f"gleanings={settings.gleanings}: what is missed is asked for in extraction only; use 0")
        self.schema, self.settings, self.fill = schema, settings, fill
        prompt = load_prompt(settings.prompt or "contrastive", settings.language)
        if prompt.name != "contrastive" and settings.prompt in BUILT_IN:
            raise ConfigError(f"prompt {prompt.name!r} asks for no three lists: use contrastive or a file of your own")
        self.asker = Asker(llm, prompt, "contrastive", schema, settings)

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

    async def agenerate(self, text: str) -> Generation:
        """Ask for the lists of a text.

        Raises:
            LLMError: A question has no answer and is not refused, or no answer can be parsed.
        """
        replies = await self.asker.ask_all(text)
        check_readable(replies)
        # Seeded with the text, so that the same answers always give the same row.
        chance = random.Random(text.encode("utf-8", "surrogatepass")) if self.fill else None
        parsed = [reply.parsed for reply in replies if reply.parsed]
        lists = [repair_lists(answer, text, self.schema, fill=chance) for answer in parsed]
        faults = [fault for reply in replies for fault in reply.faults()]
        example, torn = _united(text, lists, self.schema)
        record = {**provenance(self.asker, replies), **_changes(lists, torn)}
        return Generation(example, record, faults)

    def generate(self, text: str) -> Example:
        """Ask for the lists of a text and wait for them.

        Raises:
            LLMError: A question has no answer and is not refused, or no answer can be parsed.
        """
        return self._run(self.agenerate, text).example


def _united(text: str, lists: Sequence[ContrastiveLists], schema: Schema) -> tuple[Example, list[Dropped]]:
    """The lists of several answers in one, each anchor once, with the first positive and negative that can be used."""
    offered: dict[Triple, list[tuple[Triple, Triple]]] = {}
    for one in lists:
        for anchor, positive, negative in zip(one.anchors, one.positives, one.negatives, strict=True):
            offered.setdefault(anchor, []).append((positive, negative))
    # What one answer calls wrong, another may have called right, in these or other words.
    guard = FalseNegativeGuard(schema, [triple for one in lists for triple in one.known])
    kept, dropped = dict[Triple, tuple[Triple, Triple]](), list[Dropped]()
    for anchor, pairs in offered.items():
        reasons = [why_no_negative(guard, negative, schema) for _, negative in pairs]
        if None in reasons:
            kept[anchor] = pairs[reasons.index(None)]
            continue
        dropped.append(Dropped("negatives", pairs[0][1], f"negative is {reasons[0]} by another answer"))
        dropped.append(Dropped("anchors", anchor, "anchor without negative"))
    example = Example(
        text=text,
        anchors=tuple(kept),
        positives=tuple(positive for positive, _ in kept.values()),
        negatives=tuple(negative for _, negative in kept.values()),
    )
    return example, dropped


def _changes(lists: Sequence[ContrastiveLists], torn: Sequence[Dropped]) -> dict[str, Any]:
    repairs: Counter[str] = Counter()
    for one in lists:
        repairs.update(one.repairs)
    repairs.update(item.reason for item in torn)
    everything = [*(item for one in lists for item in one.dropped), *torn]
    dropped = [[item.list_name, list(item.triple), item.reason] for item in everything]
    changes = {"repairs": dict(sorted(repairs.items())), "dropped": dropped}
    return {name: value for name, value in changes.items() if value}
