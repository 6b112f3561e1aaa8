"""A graph of facts as it is exported: entities, edges, and where each edge was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cacre.types import Span

DEFAULT_BASE = "https://example.org/"
"""What IRIs begin with where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text that supports an edge.

    Args:
        text: The text.
        row: Id of its row, None where it has none.
        evidence: Character spans of the text, best first.
        subject: The subject as it was said there.
        object: The object as it was said there.
        text_score: In [-1, 1]; None where the row has none.
        pair_score: In [-1, 1]; None where the row has none.
        probability: In [0, 1]; None where the row has none.
        row_metadata: Further keys of the row, as a JSON object; empty where it has none.
        triple_metadata: Further keys of the triple, likewise.
    """

    text: str
    row: str | None = None
    evidence: tuple[Span, ...] = ()
    subject: str = ""
    object: str = ""
    text_score: float | None = None
    pair_score: float | None = None
    probability: float | None = None
    row_metadata: str = ""
    triple_metadata: str = ""

    @property
    def quotes(self) -> tuple[str, ...]:
        """The evidence as pieces of the text."""
        return tuple(self.text[start:end] for start, end in self.evidence)


@dataclass(frozen=True, slots=True)
class Entity:
    """A node.

    Args:
        key: What names it in the graph: the same for all its spellings, different for any two entities.
        name: The spelling that the texts use most, as it is shown.
        types: Types that the schema or the rows give it, most frequent first.
        aliases: Its other spellings and names, most frequent first.
    """

    key: str
    name: str
    types: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """A fact with all the texts that support it.

    Args:
        subject: Key of an entity.
        predicate: Name of the relation.
        object: Key of an entity; where `is_value`, the value itself, as the texts use it most.
        is_value: Whether the object is a date, a number or a text rather than a thing.
        object_type: Type of the object by the schema, or an empty string.
        qualifiers: Further slots of a complex object: name -> value.
        sources: At least one, the surest first.
    """

    subject: str
    predicate: str
    object: str
    is_value: bool = False
    object_type: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    @property
    def probability(self) -> float | None:
        """That of the surest source; None where no source has one."""
        return max((s.probability for s in self.sources if s.probability is not None), default=None)

    @property
    def text_score(self) -> float | None:
        """The highest of the sources; None where no source has one."""
        return max((s.text_score for s in self.sources if s.text_score is not None), default=None)


@dataclass(frozen=True, slots=True)
class Graph:
    """Entities and edges, each in the order in which they were first read.

    Args:
        entities: Key -> entity; every edge's subject, and its object unless that is a value, is among them.
        edges: The facts.
    """

    entities: Mapping[str, Entity]
    edges: tuple[Edge, ...]
