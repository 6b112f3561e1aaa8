"""The triple builder: typed triples under the schema, of the facts that the extractor found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cacre.errors import AnswerError
from cacre.extraction.agents.answers import Slot, builder_schema, read_items, read_object
from cacre.extraction.agents.fact_extractor import Facts, shown
from cacre.extraction.agents.grounding import Ground, Proposal, UngroundedError
from cacre.extraction.agents.role_asker import RoleQuestion
from cacre.extraction.merging import triple_key
from cacre.extraction.parsing import parse_answer
from cacre.extraction.usable_parts import without_unusable
from cacre.extraction.values import Fragment, ParsedAnswer
from cacre.schema import RelationType
from cacre.types import Triple


@dataclass(frozen=True, slots=True)
class Built:
    """What the builder made.

    Args:
        proposals: Triples under the schema.
        fragments: What could not be used.
        parsed: The answer as it was read.
    """

    proposals: tuple[Proposal, ...]
    fragments: tuple[Fragment, ...]
    parsed: ParsedAnswer


def ask_for_triples(relations: Sequence[RelationType], text: str, facts: Facts) -> RoleQuestion:
    """The question about the facts of one round."""
    blocks = {"TEXT": text, "ENTITIES": shown(facts.entities), "FACTS": shown(facts.facts)}
    return RoleQuestion("builder", relations, blocks, builder_schema(relations))


def read_triples(content: str, ground: Ground) -> Built:
    """Read an answer, in whatever form `parse_answer` understands; slots are read where it is JSON.

    Raises:
        AnswerError: There is no triple in it and it does not say that there is none.
    """
    words = frozenset(word for relation in ground.schema for word in (relation.name, *relation.synonyms))
    parsed = without_unusable(parse_answer(content, "triples", predicates=words))
    slots, bad = _slots(content)
    bad = [*parsed.fragments, *bad]
    proposals = list[Proposal]()
    for said in parsed.anchors:
        raw = json.dumps(said.triple, ensure_ascii=False)
        # Several entries may differ in their slots only: each takes the next list that was said with its triple.
        waiting = slots.get(triple_key(said.triple))
        try:
            proposal, faults = ground.proposal(said, waiting.pop(0) if waiting else ())
        except UngroundedError as error:
            bad.append(Fragment(raw, str(error)))
            continue
        proposals.append(proposal)
        bad += [Fragment(raw, fault) for fault in faults]
    return Built(tuple(proposals), tuple(bad), parsed)


def _slots(content: str) -> tuple[dict[tuple[str, ...], list[list[Slot]]], list[Fragment]]:
    """The slots of each triple of an answer, one list for each time that it was said."""
    try:
        items = read_object(content, "triples")["triples"]
    except AnswerError:
        return {}, []  # no JSON, so there are no slots in it; what else it says was read already
    found, bad = dict[tuple[str, ...], list[list[Slot]]](), list[Fragment]()
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("slots"), list | dict):
            listed = item["slots"]
            pairs = [{"name": k, "value": v} for k, v in listed.items()] if isinstance(listed, dict) else listed
            slots, wrong = read_items(pairs, Slot)
            bad += wrong
            parts = [str(item.get(name, "")) for name in Triple._fields]
            found.setdefault(triple_key(Triple(*parts)), []).append(slots)
    return found, bad
