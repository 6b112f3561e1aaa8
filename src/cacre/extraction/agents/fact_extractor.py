"""The extractor: the entities of a text, and the facts between them, direction and types left open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cacre.extraction.agents.answers import Entity, Fact, extractor_schema, read_items, read_object
from cacre.extraction.agents.grounding import Ground, UngroundedError
from cacre.extraction.agents.role_asker import RoleQuestion
from cacre.extraction.values import Fragment
from cacre.schema import RelationType


@dataclass(frozen=True, slots=True)
class Facts:
    """What the extractor found.

    Args:
        entities: Entities as the text writes them, with their types.
        facts: Relations by the schema's names, entities as the text writes them.
        fragments: What could not be used.
    """

    entities: tuple[Entity, ...]
    facts: tuple[Fact, ...]
    fragments: tuple[Fragment, ...] = ()


def ask_for_facts(relations: Sequence[RelationType], text: str, found: str, notes: str) -> RoleQuestion:
    """The question of one round.

    Args:
        relations: What was selected.
        text: The text.
        found: Triples that earlier rounds have kept, one a line.
        notes: What the reviewer said of earlier rounds, one remark a line.
    """
    blocks = {"TEXT": text, "FOUND": found or "[]", "NOTES": notes or "[]"}
    return RoleQuestion("extractor", relations, blocks, extractor_schema(relations))


def read_facts(content: str, ground: Ground) -> Facts:
    """Read an answer; a fact that names what is not in schema or text is left out, with the reason.

    Raises:
        AnswerError: There is no list of facts in it.
    """
    said = read_object(content, "facts")
    listed = said.get("entities")
    entities, bad = read_items(listed if isinstance(listed, list) else (), Entity)
    facts, more = read_items(said["facts"], Fact)
    bad += more
    kept_facts, kept_entities = list[Fact](), list[Entity]()
    for fact in facts:
        try:
            names = tuple(ground.entity(name) for name in fact.entities)
            kept_facts.append(fact.model_copy(update={"relation": ground.relation(fact.relation), "entities": names}))
        except UngroundedError as error:
            bad.append(Fragment(fact.model_dump_json(), str(error)))
    for entity in entities:
        try:
            kept_entities.append(entity.model_copy(update={"name": ground.entity(entity.name)}))
        except UngroundedError as error:
            bad.append(Fragment(entity.model_dump_json(), str(error)))
    return Facts(tuple(kept_entities), tuple(kept_facts), tuple(bad))


def shown(items: Sequence[Entity] | Sequence[Fact]) -> str:
    """Entities or facts for another role, one a line."""
    return "\n".join(json.dumps(item.model_dump(), ensure_ascii=False) for item in items) or "[]"
