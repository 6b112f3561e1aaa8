"""The selector: which relations of the schema can occur in a text."""

from __future__ import annotations

from collections.abc import Sequence

from cacre.extraction.agents.answers import read_object, selector_schema
from cacre.extraction.agents.grounding import Ground, UngroundedError
from cacre.extraction.agents.role_asker import RoleQuestion
from cacre.extraction.values import Fragment
from cacre.schema import RelationType


def ask_for_relations(part: Sequence[RelationType], text: str) -> RoleQuestion:
    """The question about one part of the schema."""
    return RoleQuestion("selector", part, {"TEXT": text}, selector_schema(part))


def read_relations(content: str, ground: Ground) -> tuple[list[str], list[Fragment]]:
    """The schema's names of the relations in an answer, and the names that the schema lacks.

    Raises:
        AnswerError: There is no list of relations in it.
    """
    names, bad = list[str](), list[Fragment]()
    for said in read_object(content, "relations")["relations"]:
        word = said.get("name", said) if isinstance(said, dict) else said
        try:
            names.append(ground.relation(str(word).strip()))
        except UngroundedError as error:
            bad.append(Fragment(str(said), str(error)))
    return list(dict.fromkeys(names)), bad
